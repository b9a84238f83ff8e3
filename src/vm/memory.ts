/**
 * A kernel's linear memory: `Memory` over one WebAssembly.Memory, which programs compiled by the JIT share.
 *
 * When the memory grows its old buffer is detached, so the one DataView and the one byte view over it are renewed
 * in `#renew`, and nowhere else. Which addresses are in use is the allocator's business.
 */

import { ENOMEM } from '../base/errno.ts';
import { BpfError, bug } from '../base/errors.ts';
import type { Addr, Memory } from '../base/memory.ts';
import { Allocator, GRANULE } from './allocator.ts';

/** Bytes of a WebAssembly page. */
export const PAGE_SIZE = 65536;

/** The first page belongs to NULL: nothing below this address is handed out. */
export const NULL_PAGE = 65536;

const MAX_PAGES = 65536;
/** Growing by at least an eighth keeps the number of renewals small. */
const GROWTH = 1 / 8;

export interface LinearMemoryOptions {
  /** Most bytes that allocations may take together; default 1 GiB, at most 4 GiB less two pages. */
  readonly limit?: number;
}

export class LinearMemory implements Memory {
  readonly wasm: WebAssembly.Memory;
  readonly limit: number;
  /** Over the whole memory. Read it anew after anything that may allocate. */
  view: DataView;
  #bytes: Uint8Array;
  readonly #allocator = new Allocator(NULL_PAGE);
  readonly #maxPages: number;
  /** From here on memory was never handed out, so it is still zero. */
  #fresh = NULL_PAGE;

  constructor(options: LinearMemoryOptions = {}) {
    const most = (MAX_PAGES - 2) * PAGE_SIZE;
    this.limit = Math.min(options.limit ?? 2 ** 30, most);
    // Twice the limit leaves room for what alignment and fragments waste.
    this.#maxPages = Math.min(MAX_PAGES - 1, 2 + Math.ceil((2 * this.limit) / PAGE_SIZE));
    this.wasm = reserve(this.#maxPages);
    this.view = new DataView(this.wasm.buffer);
    this.#bytes = new Uint8Array(this.wasm.buffer);
    this.#allocator.extend(this.wasm.buffer.byteLength);
  }

  get used(): number {
    return this.#allocator.used;
  }

  /** Bytes of address space that exist, in use or not. */
  get size(): number {
    return this.#bytes.length;
  }

  alloc(size: number, align = 8): Addr {
    if (!Number.isInteger(size) || size < 0) bug(`alloc of ${size} bytes`);
    const allocator = this.#allocator;
    if (allocator.used + size > this.limit) return 0;
    let addr = allocator.alloc(size, align);
    if (addr < 0) {
      // A fit is looked for in lists of blocks that are surely large enough: up to a sixteenth larger than asked.
      if (!this.#grow(size + size / 16 + align + GRANULE)) return 0;
      addr = allocator.alloc(size, align);
      if (addr < 0) return 0;
    }
    const end = addr + allocator.sizeOf(addr)!;
    if (addr < this.#fresh) this.#bytes.fill(0, addr, Math.min(end, this.#fresh));
    if (end > this.#fresh) this.#fresh = end;
    return addr;
  }

  free(addr: Addr): void {
    if (addr !== 0 && !this.#allocator.free(addr)) bug(`free of 0x${addr.toString(16)}, which is not allocated`);
  }

  isValid(addr: Addr, size: number): boolean {
    return addr >= NULL_PAGE && size >= 0 && addr + size <= this.#bytes.length;
  }

  u8(addr: Addr): number {
    return this.view.getUint8(addr);
  }
  u16(addr: Addr): number {
    return this.view.getUint16(addr, true);
  }
  u32(addr: Addr): number {
    return this.view.getUint32(addr, true);
  }
  i32(addr: Addr): number {
    return this.view.getInt32(addr, true);
  }
  u64(addr: Addr): bigint {
    return this.view.getBigUint64(addr, true);
  }
  setU8(addr: Addr, value: number): void {
    this.view.setUint8(addr, value);
  }
  setU16(addr: Addr, value: number): void {
    this.view.setUint16(addr, value, true);
  }
  setU32(addr: Addr, value: number): void {
    this.view.setUint32(addr, value, true);
  }
  setU64(addr: Addr, value: bigint): void {
    this.view.setBigUint64(addr, value, true);
  }
  setLoHi(addr: Addr, lo: number, hi: number): void {
    this.view.setInt32(addr, lo, true);
    this.view.setInt32(addr + 4, hi, true);
  }

  bytes(addr: Addr, size: number): Uint8Array {
    this.#checkRange(addr, size);
    return this.#bytes.subarray(addr, addr + size);
  }
  read(addr: Addr, size: number): Uint8Array {
    this.#checkRange(addr, size);
    return this.#bytes.slice(addr, addr + size);
  }
  write(addr: Addr, bytes: Uint8Array): void {
    this.#bytes.set(bytes, addr);
  }
  copy(to: Addr, from: Addr, size: number): void {
    this.#checkRange(to, size);
    this.#checkRange(from, size);
    this.#bytes.copyWithin(to, from, from + size);
  }
  fill(addr: Addr, size: number, byte: number): void {
    this.#checkRange(addr, size);
    this.#bytes.fill(byte, addr, addr + size);
  }
  equal(a: Addr, b: Addr, size: number): boolean {
    this.#checkRange(a, size);
    this.#checkRange(b, size);
    const bytes = this.#bytes;
    for (let i = 0; i < size; i++) if (bytes[a + i] !== bytes[b + i]) return false;
    return true;
  }

  /** A typed array's own methods cut a range that is too long; like a DataView, this refuses it with a RangeError. */
  #checkRange(addr: Addr, size: number): void {
    if (!(addr >= 0 && size >= 0 && addr + size <= this.#bytes.length)) {
      throw new RangeError(`${size} bytes at 0x${addr.toString(16)} lie outside of the memory`);
    }
  }

  /** Adds at least `bytes`; false where the maximum is reached or the host has no memory to give. */
  #grow(bytes: number): boolean {
    const pages = this.#bytes.length / PAGE_SIZE;
    const needed = Math.ceil(bytes / PAGE_SIZE);
    const room = this.#maxPages - pages;
    if (needed > room) return false;
    const wanted = Math.min(room, Math.max(needed, Math.ceil(pages * GROWTH)));
    if (!this.#tryGrow(wanted) && !(wanted > needed && this.#tryGrow(needed))) return false;
    this.#renew();
    this.#allocator.extend(this.#bytes.length);
    return true;
  }

  #tryGrow(pages: number): boolean {
    try {
      this.wasm.grow(pages);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  #renew(): void {
    this.view = new DataView(this.wasm.buffer);
    this.#bytes = new Uint8Array(this.wasm.buffer);
  }
}

/** The host sets aside the whole address range, which a limit on virtual memory may forbid. */
function reserve(maximum: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 2, maximum });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new BpfError('memory', ENOMEM, `the host does not reserve ${maximum * PAGE_SIZE} bytes`, { cause });
  }
}
