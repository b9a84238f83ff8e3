/**
 * A Memory for tests of what lives above it: one fixed buffer, blocks handed out upwards and given back by size.
 *
 * It checks what the real one need not: freeing what is not allocated is a thrown error, and `blocks` lets a test see
 * that everything was given back.
 */
import { alignUp } from '../../src/base/bytes.ts';
import type { Addr, Memory } from '../../src/base/memory.ts';

const NULL_PAGE = 4096;

export class FlatMemory implements Memory {
  readonly limit: number;
  used = 0;
  readonly #u8: Uint8Array;
  readonly #dv: DataView;
  #top = NULL_PAGE;
  readonly #live = new Map<Addr, number>();

  constructor(size = 1 << 24) {
    this.limit = size - NULL_PAGE;
    this.#u8 = new Uint8Array(size);
    this.#dv = new DataView(this.#u8.buffer);
  }

  /** Blocks that are allocated. */
  get blocks(): number {
    return this.#live.size;
  }

  alloc(size: number, align = 8): Addr {
    const addr = alignUp(this.#top, align);
    if (addr + size > this.#u8.length) return 0;
    this.#top = addr + alignUp(Math.max(size, 1), 8);
    this.#live.set(addr, size);
    this.used += size;
    return addr;
  }

  free(addr: Addr): void {
    if (addr === 0) return;
    const size = this.#live.get(addr);
    if (size === undefined) throw new Error(`free of 0x${addr.toString(16)}, which is not allocated`);
    this.#live.delete(addr);
    this.#u8.fill(0, addr, addr + size);
    this.used -= size;
    if (this.#live.size === 0) this.#top = NULL_PAGE;
  }

  isValid(addr: Addr, size: number): boolean {
    return addr >= NULL_PAGE && addr + size <= this.#u8.length;
  }

  u8(addr: Addr): number {
    return this.#dv.getUint8(addr);
  }
  u16(addr: Addr): number {
    return this.#dv.getUint16(addr, true);
  }
  u32(addr: Addr): number {
    return this.#dv.getUint32(addr, true);
  }
  i32(addr: Addr): number {
    return this.#dv.getInt32(addr, true);
  }
  u64(addr: Addr): bigint {
    return this.#dv.getBigUint64(addr, true);
  }
  setU8(addr: Addr, value: number): void {
    this.#dv.setUint8(addr, value);
  }
  setU16(addr: Addr, value: number): void {
    this.#dv.setUint16(addr, value, true);
  }
  setU32(addr: Addr, value: number): void {
    this.#dv.setUint32(addr, value, true);
  }
  setU64(addr: Addr, value: bigint): void {
    this.#dv.setBigUint64(addr, value, true);
  }
  setLoHi(addr: Addr, lo: number, hi: number): void {
    this.#dv.setUint32(addr, lo, true);
    this.#dv.setUint32(addr + 4, hi, true);
  }

  bytes(addr: Addr, size: number): Uint8Array {
    return this.#u8.subarray(addr, addr + size);
  }
  read(addr: Addr, size: number): Uint8Array {
    return this.#u8.slice(addr, addr + size);
  }
  write(addr: Addr, bytes: Uint8Array): void {
    this.#u8.set(bytes, addr);
  }
  copy(to: Addr, from: Addr, size: number): void {
    this.#u8.copyWithin(to, from, from + size);
  }
  fill(addr: Addr, size: number, byte: number): void {
    this.#u8.fill(byte, addr, addr + size);
  }
  equal(a: Addr, b: Addr, size: number): boolean {
    for (let i = 0; i < size; i++) if (this.#u8[a + i] !== this.#u8[b + i]) return false;
    return true;
  }
}
