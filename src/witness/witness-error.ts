/** A witness that cannot start or go on, with what to do. */
export class WitnessError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "WitnessError";
  }
}
