/** Why the engine does not take a command. */
export class EngineFault extends Error {
  readonly code: "overloaded" | "unavailable";
  /** Milliseconds after which a retry makes sense. */
  readonly retry_after_ms: number;

  constructor(code: "overloaded" | "unavailable", message: string, retry_after_ms: number) {
    super(message);
    this.name = "EngineFault";
    this.code = code;
    this.retry_after_ms = retry_after_ms;
  }
}
