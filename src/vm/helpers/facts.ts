/** What the header of a map says, read when a program is compiled: none of it changes while the map lives. */
import {
  MAP_HEADER_KEY_SIZE,
  MAP_HEADER_MAX_ENTRIES,
  MAP_HEADER_SPECIAL,
  MAP_HEADER_STORAGE,
  MAP_HEADER_STRIDE,
  MAP_HEADER_TYPE,
  MAP_HEADER_VALUE_SIZE,
} from '../../base/map-header.ts';
import type { Addr, Memory } from '../../base/memory.ts';

export interface MapFacts {
  readonly mem: Memory;
  readonly addr: Addr;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly storage: Addr;
  readonly stride: number;
  /** Values hold fields that are the kernel's own. */
  readonly special: boolean;
  /** A word of the header that belongs to the type: base/map-storage.ts. */
  word(offset: number): number;
}

export function mapFacts(mem: Memory, addr: Addr): MapFacts {
  return {
    mem,
    addr,
    type: mem.u32(addr + MAP_HEADER_TYPE),
    keySize: mem.u32(addr + MAP_HEADER_KEY_SIZE),
    valueSize: mem.u32(addr + MAP_HEADER_VALUE_SIZE),
    maxEntries: mem.u32(addr + MAP_HEADER_MAX_ENTRIES),
    storage: mem.u32(addr + MAP_HEADER_STORAGE),
    stride: mem.u32(addr + MAP_HEADER_STRIDE),
    special: mem.u32(addr + MAP_HEADER_SPECIAL) !== 0,
    word: (offset) => mem.u32(addr + offset),
  };
}
