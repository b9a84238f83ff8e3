/** Reads one column from its beginning. */
export class ColumnReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes[this.#at++]! | 0; // 0 past the end
  }

  unsigned(): number {
    const first = this.byte();
    return first < 0x80 ? first : (first & 0x7f) + this.#tail();
  }

  /** The bytes of a number after its first. */
  #tail(): number {
    let value = 0;
    for (let scale = 0x80; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Copies bytes up to a zero, or to the end; answers where the copy ends. */
  copyText(to: Uint8Array, at: number): number {
    const zero = this.#bytes.indexOf(0, this.#at);
    const end = zero < 0 ? this.#bytes.length : zero;
    for (let i = this.#at; i < end; i++) to[at++] = this.#bytes[i]!;
    this.#at = end + 1;
    return at;
  }

  word(): number {
    return (this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24)) >>> 0;
  }
}
