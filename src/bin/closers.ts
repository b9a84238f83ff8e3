/** What a command has to close when it ends, last first. An error of closing is told, and does not stop the rest. */
export class Closers {
  readonly #closers: (() => Promise<void> | void)[] = [];

  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        process.stderr.write(`skep: while closing: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
  }
}
