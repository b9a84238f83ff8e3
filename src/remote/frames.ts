/**
 * Frames: a u32 length, little-endian, and that many bytes with one value. Cuts a stream of bytes into them.
 */
import { FormatError } from '../base/errors.ts';
import { readValue, type Value, Writer } from './value.ts';

/** The largest frame either side takes: the kernel's BTF, a program of a million instructions, a large batch. */
export const MAX_FRAME = 32 * 1024 * 1024;
const LENGTH_SIZE = 4;

/** A value as a frame. FormatError where it is too large to be taken at the other end. */
export function frame(value: Value): Uint8Array {
  const writer = new Writer();
  writer.u32(0);
  writer.value(value);
  const size = writer.bytes.length - LENGTH_SIZE;
  if (size > MAX_FRAME) throw new FormatError(`a message of ${size} bytes is larger than ${MAX_FRAME}`);
  writer.setU32(0, size);
  return writer.bytes;
}

export class FrameReader {
  readonly #limit: number;
  #pieces: Uint8Array[] = [];
  #buffered = 0;

  /** `limit`: the largest frame that is taken. */
  constructor(limit = MAX_FRAME) {
    this.#limit = limit;
  }

  /** The values of the frames that end in `bytes`. FormatError where a frame is too large or malformed. */
  *push(bytes: Uint8Array): Generator<Value> {
    this.#pieces.push(bytes);
    this.#buffered += bytes.length;
    for (;;) {
      if (this.#buffered < LENGTH_SIZE) return;
      const size = this.#length();
      if (size > this.#limit) throw new FormatError(`a message of ${size} bytes is larger than ${this.#limit}`);
      if (this.#buffered < LENGTH_SIZE + size) return;
      yield readValue(this.#take(LENGTH_SIZE + size).subarray(LENGTH_SIZE));
    }
  }

  #length(): number {
    if (this.#pieces[0]!.length < LENGTH_SIZE) this.#pieces = [this.#joined()];
    const [b0, b1, b2, b3] = this.#pieces[0]!;
    return (b0! | (b1! << 8) | (b2! << 16) | (b3! << 24)) >>> 0;
  }

  #take(size: number): Uint8Array {
    const all = this.#joined();
    this.#pieces = all.length === size ? [] : [all.subarray(size)];
    this.#buffered -= size;
    return all.subarray(0, size);
  }

  /** Joined only when a frame is complete, so a large frame in small pieces is copied once. */
  #joined(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!;
    const all = new Uint8Array(this.#buffered);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}
