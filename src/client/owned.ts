/** Things to close together, the last one first. What is being built is collected here, so that a failure closes it all. */
export class Owned {
  #closers: (() => Promise<void>)[] = [];

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Closes everything; the first error is thrown after the rest was closed too. Further calls do nothing. */
  async close(): Promise<void> {
    let failed: { error: unknown } | undefined;
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failed ??= { error };
      }
    }
    if (failed) throw failed.error;
  }

  /** Runs `make`; if it fails, what it collected is closed and the failure thrown. */
  static async build<T>(make: (owned: Owned) => Promise<T>): Promise<T> {
    const owned = new Owned();
    try {
      return await make(owned);
    } catch (error) {
      // The failure is the news; an error of closing on top of it is not.
      await owned.close().catch(() => {});
      throw error;
    }
  }
}
