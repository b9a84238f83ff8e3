/** What an iterator program prints for one object, as bpf_seq_write and its like see it. */

/** Room for what one read may give, as in Linux: 8 pages. */
export const SEQUENCE_ROOM = 8 * 4096;

export class Sequence {
  readonly #bytes = new Uint8Array(SEQUENCE_ROOM);
  #length = 0;
  /** Something did not fit: what the object printed is not whole. */
  overflowed = false;

  /** False where it does not fit. */
  write(bytes: Uint8Array): boolean {
    if (this.#length + bytes.length > this.#bytes.length) {
      this.#length = this.#bytes.length;
      this.overflowed = true;
      return false;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return true;
  }

  /** Bytes that are left. */
  get room(): number {
    return this.#bytes.length - this.#length;
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written after the first `length` bytes. */
  cut(length: number): void {
    this.#length = length;
    this.overflowed = false;
  }

  /** A copy of all of it, which is empty then. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.cut(0);
    return bytes;
  }
}
