/** The work of a session that this library knows of: the block that has it open, and the tool calls under way. */
export class Work {
  readonly #running = new Map<symbol, string>();
  readonly #waiting = new Set<() => void>();

  /** Something begins. The returned function says that it has ended. */
  begin(name: string): () => void {
    const key = Symbol(name);
    this.#running.set(key, name);
    return () => {
      if (this.#running.delete(key) && this.#running.size === 0) {
        for (const done of [...this.#waiting]) done();
        this.#waiting.clear();
      }
    };
  }

  /** Resolves when nothing runs. */
  ended(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((done) => this.#waiting.add(done));
  }

  /** What runs, in words. */
  running(): readonly string[] {
    return [...this.#running.values()];
  }
}
