/** Bytes of a file that arrive in pieces, read by whoever knows how long the next thing is. */
export class BytesAhead {
  /** What has arrived and was not taken. */
  private bytes: Uint8Array = new Uint8Array();
  private at = 0;
  private toSkip = 0;
  /** Offset in the file of the next byte to take. */
  offset = 0;

  push(piece: Uint8Array): void {
    const left = this.bytes.subarray(this.at);
    this.at = 0;
    this.bytes = left.length === 0 ? piece : Buffer.concat([left, piece]);
    this.skip(0);
  }

  get available(): number {
    return this.bytes.length - this.at;
  }

  /** Whether bytes are still to be skipped that have not arrived. */
  get isSkipping(): boolean {
    return this.toSkip > 0;
  }

  /** The next `size` bytes without taking them, or undefined until they have arrived. */
  peek(size: number): DataView | undefined {
    if (this.isSkipping || this.available < size) return undefined;
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, size);
  }

  /** Takes `size` bytes, which have arrived. */
  take(size: number): Uint8Array {
    const taken = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    this.offset += size;
    return taken;
  }

  /** Passes over `size` bytes, arrived or not. */
  skip(size: number): void {
    this.toSkip += size;
    const now = Math.min(this.toSkip, this.available);
    this.at += now;
    this.offset += now;
    this.toSkip -= now;
  }
}
