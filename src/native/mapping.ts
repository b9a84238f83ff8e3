/**
 * A shared mapping of kernel memory. An access to it after munmap would kill the process, so nobody gets a view: reads
 * copy, and after `close` every access is an error of ours.
 */
import { bug } from '../base/errors.ts';

export class Mapping {
  readonly size: number;
  private bytes: Uint8Array | undefined;
  private lanes: BigUint64Array | undefined;
  private data: DataView | undefined;
  private readonly unmap: () => void;

  constructor(memory: ArrayBuffer, unmap: () => void) {
    this.size = memory.byteLength;
    this.bytes = new Uint8Array(memory);
    this.lanes = new BigUint64Array(memory);
    this.data = new DataView(memory);
    this.unmap = unmap;
  }

  /** A copy of `size` bytes. */
  read(offset: number, size: number): Uint8Array {
    return this.open().slice(offset, offset + size);
  }
  write(offset: number, bytes: Uint8Array): void {
    this.open().set(bytes, offset);
  }
  u8(offset: number): number {
    return (this.data ?? closed()).getUint8(offset);
  }
  u16(offset: number): number {
    return (this.data ?? closed()).getUint16(offset, true);
  }
  u32(offset: number): number {
    return (this.data ?? closed()).getUint32(offset, true);
  }
  /** What another CPU writes with release order: its data is seen if this is. `offset` is a multiple of 8. */
  acquireU64(offset: number): number {
    return Number(Atomics.load(this.lanes ?? closed(), offset / 8));
  }
  /** The same for 32 bits of a header that is being filled in. `offset` is a multiple of 4. */
  acquireU32(offset: number): number {
    const lane = Atomics.load(this.lanes ?? closed(), Math.floor(offset / 8));
    return Number(offset % 8 === 0 ? lane & 0xffffffffn : lane >> 32n);
  }
  /** Gives everything read so far back to the writer. */
  releaseU64(offset: number, value: number): void {
    Atomics.store(this.lanes ?? closed(), offset / 8, BigInt(value));
  }

  close(): void {
    if (this.bytes === undefined) return;
    this.bytes = undefined;
    this.lanes = undefined;
    this.data = undefined;
    this.unmap();
  }

  private open(): Uint8Array {
    return this.bytes ?? closed();
  }
}

function closed(): never {
  bug('an access to a mapping that was closed');
}
