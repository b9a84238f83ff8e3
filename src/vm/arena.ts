/**
 * The arena of a program: pages that it points into as it likes, and that user space sees too.
 *
 * A pointer into an arena is what user space would use, or the low half of it; only the low half counts. Nothing is
 * proven about such pointers, so each access is confined here: to a page of the arena that is there. Elsewhere a load
 * reads zeros and a store goes nowhere, as in Linux, where the page fault is caught.
 */
import type { Addr } from '../base/memory.ts';
import type { LinearMemory } from './memory.ts';

export interface Arena {
  /** Its first page in linear memory. */
  readonly base: Addr;
  /** Bytes, whole pages. */
  readonly size: number;
  /** The address of the first page for user space, in halves. */
  readonly userLow: number;
  readonly userHigh: number;
  /** A byte for each page: 0 where the page is not there. */
  readonly present: Addr;
  /** 16 bytes for accesses of what is not there: 8 that are zero and are never written, 8 that take what is. */
  readonly nowhere: Addr;
}

export const ARENA_PAGE_BITS = 12;
/** Where in `Arena.nowhere` writes go. */
export const SINK = 8;

/** Where an access of `size` bytes at the pointer with this low half goes. `off` is the instruction's. */
export function arenaAddress(
  mem: LinearMemory,
  arena: Arena,
  pointer: number,
  off: number,
  size: number,
  write: boolean,
): Addr {
  const at = (pointer + off - arena.userLow) >>> 0;
  const last = at + size - 1;
  const isThere =
    last < arena.size &&
    mem.u8(arena.present + (at >>> ARENA_PAGE_BITS)) !== 0 &&
    mem.u8(arena.present + (last >>> ARENA_PAGE_BITS)) !== 0;
  return isThere ? arena.base + at : arena.nowhere + (write ? SINK : 0);
}
