/**
 * The address space that a kernel's programs, maps and helpers share: one 32-bit linear memory.
 *
 * A BPF pointer is the zero-extended byte offset into it. 0 is NULL, and the first page is never handed out, so a
 * dereference of a small wrong number does not reach anything that lives. `vm/` implements this; `maps/` and
 * `helpers/` are written against it.
 */

/** An address in a kernel's linear memory: an unsigned 32-bit number. 0 is NULL. */
export type Addr = number;

export interface Memory {
  /** Bytes in use by allocations, and the most that may be. Past `limit` allocations fail. */
  readonly used: number;
  readonly limit: number;

  /**
   * A zeroed block of `size` bytes, aligned to 8 (or to `align`, a power of two up to 4096), or 0 where memory is out:
   * the caller answers -ENOMEM. May grow the memory: views taken before are stale after (see `bytes`).
   */
  alloc(size: number, align?: number): Addr;
  /** Gives a block back; `addr` is what alloc answered. 0 is ignored. */
  free(addr: Addr): void;

  /** Whether `size` bytes from `addr` lie inside the memory and outside its NULL page. */
  isValid(addr: Addr, size: number): boolean;

  u8(addr: Addr): number;
  u16(addr: Addr): number;
  u32(addr: Addr): number;
  /** Signed 32 bits: the form that `|0` arithmetic wants. */
  i32(addr: Addr): number;
  u64(addr: Addr): bigint;
  setU8(addr: Addr, value: number): void;
  setU16(addr: Addr, value: number): void;
  setU32(addr: Addr, value: number): void;
  setU64(addr: Addr, value: bigint): void;
  /** A 64-bit store from two halves, without a bigint. */
  setLoHi(addr: Addr, lo: number, hi: number): void;

  /** A view of live memory. Use it at once: any `alloc` may detach it. */
  bytes(addr: Addr, size: number): Uint8Array;
  /** A copy that stays valid. */
  read(addr: Addr, size: number): Uint8Array;
  write(addr: Addr, bytes: Uint8Array): void;
  /** memmove: the ranges may overlap. */
  copy(to: Addr, from: Addr, size: number): void;
  fill(addr: Addr, size: number, byte: number): void;
  /** memcmp for equality. */
  equal(a: Addr, b: Addr, size: number): boolean;
}
