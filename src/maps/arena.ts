/**
 * BPF_MAP_TYPE_ARENA: pages that programs and user space share, and that programs point into as they like.
 *
 * It has no elements. Room for all of its pages is taken when user space first maps it, or when a program that uses it is
 * loaded. A page is there for programs once it was allocated; once user space has mapped the arena all of them are,
 * since it may have touched any.
 *
 * User space's address is what map_extra says, or one of the kernel's choice when it is mapped: without one Linux
 * verifies no program that uses the arena.
 *
 * Linux: kernel/bpf/arena.c.
 */
import { E2BIG, EBUSY, EINVAL, EOPNOTSUPP, ERANGE } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_F_MMAPABLE, BPF_F_NO_USER_CONV, BPF_F_SEGV_ON_FAULT } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { flagsAllowed } from './flags.ts';
import type { MapType } from './map.ts';

const PAGE = 4096;
/** Pointers into an arena are told apart by their low 32 bits. */
const MAX_BYTES = 2 ** 32;
/** Where user space sees an arena that does not say where: its low half is not that of NULL, unless it has to be. */
const CHOSEN_ADDRESS = 0x7e00_0000_0000n;
const CHOSEN_START = 2 ** 28;
/** Zeros to read, and as many bytes to write to, for accesses of pages that are not there. */
const NOWHERE = 16;

export const arena: MapType = {
  check(def) {
    const allowed = BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV;
    if (def.keySize !== 0 || def.valueSize !== 0 || def.maxEntries === 0) return -EINVAL;
    if (!flagsAllowed(def, allowed) || (def.flags & BPF_F_MMAPABLE) === 0) return -EINVAL;
    if (def.extra % BigInt(PAGE) !== 0n) return -EINVAL;
    if (def.maxEntries * PAGE > MAX_BYTES) return -E2BIG;
    const first = def.extra >> 32n;
    const last = (def.extra + BigInt(def.maxEntries * PAGE) - 1n) >> 32n;
    return first === last ? 0 : -ERANGE;
  },
  create: (def, env) => orNull(() => new ArenaMap(def, env)),
};

/** What the engine needs to confine programs to an arena: see vm/arena.ts. */
export interface ArenaLayout {
  readonly base: Addr;
  readonly size: number;
  readonly userLow: number;
  readonly userHigh: number;
  readonly present: Addr;
  readonly nowhere: Addr;
}

const FREE = 0;
const ALLOCATED = 1;
/** Programs must not have it, nor does it count as there. */
const RESERVED = 2;

export class ArenaMap extends BaseMap {
  #pages: Addr = 0;
  /** A byte a page: whether programs can access it. */
  #present: Addr = 0;
  #nowhere: Addr = 0;
  #mapped = false;
  /** What each page is to allocation. */
  readonly #use = new Uint8Array(this.def.maxEntries);

  /** The first of its pages, which are zero at first; 0 where there is no room for them. For user space. */
  pages(): Addr {
    if (!this.#reserve()) return 0;
    if (!this.#mapped) this.mem.fill(this.#present, this.def.maxEntries, 1);
    this.#mapped = true;
    return this.#pages;
  }

  /** Where its pages are, for programs; null where there is no room for them. */
  layout(): ArenaLayout | null {
    if (!this.#reserve()) return null;
    return {
      base: this.#pages,
      size: this.byteSize,
      userLow: Number(BigInt.asUintN(32, this.userAddress)),
      userHigh: Number(BigInt.asIntN(32, this.userAddress >> 32n)),
      present: this.#present,
      nowhere: this.#nowhere,
    };
  }

  get byteSize(): number {
    return this.def.maxEntries * PAGE;
  }

  /** Whether it is known where user space sees it. */
  get hasUserAddress(): boolean {
    return this.def.extra !== 0n || this.#mapped;
  }

  /** Where user space sees its first page, once that is known. */
  get userAddress(): bigint {
    if (this.def.extra !== 0n) return this.def.extra;
    return CHOSEN_ADDRESS + (this.byteSize + CHOSEN_START <= MAX_BYTES ? BigInt(CHOSEN_START) : 0n);
  }

  /**
   * Pages for a program, zero: `count` of them in a row, from the one at `at` (an address of user space's) on, or where
   * there is room when that is 0. Answers user space's address of the first; 0 where they cannot be had.
   */
  allocatePages(at: bigint, count: number): bigint {
    if (count === 0 || count > this.def.maxEntries || !this.#reserve()) return 0n;
    const first = at === 0n ? this.#findRoom(count) : this.#pageAt(at);
    if (first < 0 || !this.#isFree(first, count)) return 0n;
    this.#use.fill(ALLOCATED, first, first + count);
    this.mem.fill(this.#pages + first * PAGE, count * PAGE, 0);
    this.mem.fill(this.#present + first, count, 1);
    return this.userAddress + BigInt(first * PAGE);
  }

  /** Gives pages back, from the one at `at` on. What is not the arena's is left alone. */
  freePages(at: bigint, count: number): void {
    const first = this.#pageAt(at);
    if (first < 0 || !this.#reserve()) return;
    const end = Math.min(first + count, this.def.maxEntries);
    for (let page = first; page < end; page++) {
      if (this.#use[page] !== ALLOCATED) continue;
      this.#use[page] = FREE;
      this.mem.fill(this.#pages + page * PAGE, PAGE, 0);
      if (!this.#mapped) this.mem.setU8(this.#present + page, 0);
    }
  }

  /** Keeps pages from being allocated: 0, -EINVAL for pages that are not the arena's, -EBUSY where one is taken. */
  reservePages(at: bigint, count: number): number {
    if (count === 0) return 0;
    const first = this.#pageAt(at);
    if (first < 0 || first + count > this.def.maxEntries) return -EINVAL;
    if (!this.#isFree(first, count)) return -EBUSY;
    this.#use.fill(RESERVED, first, first + count);
    return 0;
  }

  /** The page that begins at an address of user space's, -1 where none does. */
  #pageAt(at: bigint): number {
    const offset = BigInt.asUintN(32, at - this.userAddress);
    if (offset % BigInt(PAGE) !== 0n || offset >= BigInt(this.byteSize)) return -1;
    return Number(offset) / PAGE;
  }

  #isFree(first: number, count: number): boolean {
    if (first + count > this.def.maxEntries) return false;
    for (let page = first; page < first + count; page++) if (this.#use[page] !== FREE) return false;
    return true;
  }

  /** The first page of `count` free ones in a row, or -1. */
  #findRoom(count: number): number {
    let run = 0;
    for (let page = 0; page < this.#use.length; page++) {
      run = this.#use[page] === FREE ? run + 1 : 0;
      if (run === count) return page - count + 1;
    }
    return -1;
  }

  /** Takes the memory, once; false where there is none. */
  #reserve(): boolean {
    if (this.#pages !== 0) return true;
    const present = this.tryAllocate(this.def.maxEntries);
    const nowhere = present && this.tryAllocate(NOWHERE);
    const pages = nowhere && this.tryAllocate(this.byteSize, PAGE);
    if (pages === 0) {
      if (nowhere !== 0) this.free(nowhere);
      if (present !== 0) this.free(present);
      return false;
    }
    this.#present = present;
    this.#nowhere = nowhere;
    this.#pages = pages;
    return true;
  }

  override readElem(_key: Uint8Array, _flags: bigint): number {
    return -EINVAL;
  }
  override writeElem(_key: Uint8Array, _value: Uint8Array, _flags: bigint): number {
    return -EOPNOTSUPP;
  }
  override deleteElem(_key: Uint8Array): number {
    return -EOPNOTSUPP;
  }
  override nextKey(_key: Uint8Array | null): number {
    return -EOPNOTSUPP;
  }
}
