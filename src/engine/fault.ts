/** Why the engine does not take a command. */
export class EngineFault extends Error {
  readonly code: "overloaded" | "unavailable" | "invalid_argument";
  /** Milliseconds after which a retry makes sense, or null when it makes none. */
  readonly retry_after_ms: number | null;

  constructor(code: EngineFault["code"], message: string, retry_after_ms: number | null, cause?: unknown) {
    super(message, { cause });
    this.name = "EngineFault";
    this.code = code;
    this.retry_after_ms = retry_after_ms;
  }
}

/** Passes over a fault that is one for everybody; anything else goes on. */
export function ignoreFault(error: unknown): void {
  if (!(error instanceof EngineFault)) {
    throw error;
  }
}
