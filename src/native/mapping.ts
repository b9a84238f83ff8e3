/**
 * A shared mapping of kernel memory. An access to it after munmap would kill the process, so accesses go through here,
 * and after `close` each is an error of ours. `bytes` hands the memory out all the same, for maps whose values are read
 * and written in place: then closing puts zeros in its place, and the addresses are given back when the last view of
 * them is collected.
 */
import { bug } from '../base/errors.ts';

/** How the pages of a mapping end. */
export interface Pages {
  unmap(): void;
  /** Puts private zero pages there, that stale views may read and write. */
  blank(): void;
}

/** Gives addresses back once no view of them can be reached. The address space is the process's, and so is this. */
const ABANDONED = new FinalizationRegistry<Pages>((pages) => pages.unmap());

export class Mapping {
  readonly size: number;
  private memory: Uint8Array<ArrayBuffer> | undefined;
  private lanes: BigUint64Array | undefined;
  private words: Int32Array | undefined;
  private data: DataView | undefined;
  private readonly pages: Pages;
  private handedOut = false;

  /** `memory` is a whole number of pages. */
  constructor(memory: ArrayBuffer, pages: Pages) {
    this.size = memory.byteLength;
    this.memory = new Uint8Array(memory);
    this.lanes = new BigUint64Array(memory);
    this.words = new Int32Array(memory);
    this.data = new DataView(memory);
    this.pages = pages;
  }

  /** A copy of `size` bytes. */
  read(offset: number, size: number): Uint8Array {
    return this.open().slice(offset, offset + size);
  }
  write(offset: number, bytes: Uint8Array): void {
    this.open().set(bytes, offset);
  }
  /** The memory itself, `size` bytes of it. Past `close` it is private zeros. */
  bytes(size: number): Uint8Array {
    this.handedOut = true;
    return this.open().subarray(0, size);
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
    return Atomics.load(this.words ?? closed(), offset >>> 2) >>> 0;
  }
  /** Makes what was written before visible to whoever acquires these 32 bits. */
  releaseU32(offset: number, value: number): void {
    Atomics.store(this.words ?? closed(), offset >>> 2, value);
  }
  /** Gives everything read or written so far to the other side. */
  releaseU64(offset: number, value: number): void {
    Atomics.store(this.lanes ?? closed(), offset / 8, BigInt(value));
  }

  close(): void {
    const { memory } = this;
    if (memory === undefined) return;
    this.memory = undefined;
    this.lanes = undefined;
    this.words = undefined;
    this.data = undefined;
    if (!this.handedOut) {
      this.pages.unmap();
      return;
    }
    this.pages.blank();
    ABANDONED.register(memory.buffer, this.pages);
  }

  private open(): Uint8Array<ArrayBuffer> {
    return this.memory ?? closed();
  }
}

function closed(): never {
  bug('an access to a mapping that was closed');
}
