/** Bytes of a WebAssembly binary as they are written: a buffer that grows, and LEB128 numbers. */

export class ByteWriter {
  #buffer = new Uint8Array(256);
  /** Bytes written so far. */
  length = 0;

  byte(value: number): void {
    if (this.length === this.#buffer.length) this.#grow(1);
    this.#buffer[this.length++] = value;
  }

  /** Changes a byte that was written before. */
  patch(at: number, value: number): void {
    this.#buffer[at] = value;
  }

  bytes(values: Uint8Array): void {
    if (this.length + values.length > this.#buffer.length) this.#grow(values.length);
    this.#buffer.set(values, this.length);
    this.length += values.length;
  }

  /** Unsigned LEB128 of a number below 2^32, signed or unsigned. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit number. */
  s32(value: number): void {
    let rest = value | 0;
    while (rest > 63 || rest < -64) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** Signed LEB128 of a 64-bit number, given as its halves. */
  s64(lo: number, hi: number): void {
    let low = lo | 0;
    let high = hi | 0;
    // Once the high half only repeats the sign, the low half is all there is.
    while (high !== low >> 31) {
      this.byte((low & 0x7f) | 0x80);
      low = (low >>> 7) | (high << 25);
      high >>= 7;
    }
    this.s32(low);
  }

  /** A name: its length and its UTF-8 bytes. */
  name(text: string): void {
    const utf8 = new TextEncoder().encode(text);
    this.u32(utf8.length);
    this.bytes(utf8);
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.#buffer.slice(0, this.length);
  }

  #grow(by: number): void {
    const wider = new Uint8Array(Math.max(this.#buffer.length * 2, this.length + by));
    wider.set(this.#buffer);
    this.#buffer = wider;
  }
}
