/**
 * Where lookups in a large trie begin: for each value of the first bits of a key, the node at which the walk along such
 * keys goes on, and the longest entry that it has passed by then.
 *
 *     slot   +0 the first node of at least so many bits, 0 for none   +4 its longest entry before: address of the value
 *
 * The trie keeps it right: an entry that comes, goes or is replaced changes the slots of keys that begin as it does, and
 * no others. It has as many slots as a trie of that size can afford; a small trie has none.
 */
import {
  LPM_CHILDREN,
  LPM_IS_ENTRY,
  LPM_KEY,
  LPM_LENGTH_MASK,
  LPM_PREFIX_SIZE,
  LPM_STEM,
  LPM_STEM_BITS,
  LPM_STEM_ENTRY,
  LPM_STEM_NODE,
  LPM_STEM_SLOT,
} from '../base/map-storage.ts';
import type { Addr, Memory } from '../base/memory.ts';

/** From how many entries on how many bits of a key choose a slot. Slots take a fifth of what entries take, at most. */
const SIZES: readonly (readonly [entries: number, bits: number])[] = [
  [65536, 16],
  [4096, 12],
  [192, 8],
];

export class LpmStem {
  readonly #mem: Memory;
  /** The header of the map. */
  readonly #map: Addr;
  readonly #root: Addr;
  readonly #valueOffset: number;
  /** Bits of the longest keys. */
  readonly #maxBits: number;
  readonly #allocate: (size: number) => Addr;
  #bits = 0;
  #slots: Addr = 0;

  /** `root` is the address of the word that holds the root; `allocate` answers a block or 0. */
  constructor(
    mem: Memory,
    map: Addr,
    root: Addr,
    valueOffset: number,
    maxBits: number,
    allocate: (size: number) => Addr,
  ) {
    this.#mem = mem;
    this.#map = map;
    this.#root = root;
    this.#valueOffset = valueOffset;
    this.#maxBits = maxBits;
    this.#allocate = allocate;
  }

  /** The entry of `key` has come, gone or been replaced, and now there are `entries` of them. */
  changed(key: Addr, entries: number): void {
    const bits = SIZES.find(([from]) => entries >= from)?.[1] ?? 0;
    if (bits > this.#bits && bits <= this.#maxBits && this.#grow(bits)) this.#fill(0, 1 << bits);
    else if (this.#bits > 0) this.#refresh(key);
  }

  /** Where memory is out the smaller stem stays. */
  #grow(bits: number): boolean {
    const slots = this.#allocate((1 << bits) * LPM_STEM_SLOT);
    if (slots === 0) return false;
    this.#bits = bits;
    this.#slots = slots;
    this.#mem.setU32(this.#map + LPM_STEM, slots);
    this.#mem.setU32(this.#map + LPM_STEM_BITS, bits);
    return true;
  }

  #refresh(key: Addr): void {
    const free = Math.max(0, this.#bits - this.#mem.u32(key));
    const first = (this.#head(key) >>> free) << free;
    this.#fill(first, first + (1 << free));
  }

  #fill(from: number, to: number): void {
    for (let slot = from; slot < to; slot++) this.#fillSlot(slot);
  }

  #fillSlot(slot: number): void {
    const mem = this.#mem;
    let entry = 0;
    let node = mem.u32(this.#root);
    while (node !== 0) {
      const head = mem.u32(node + LPM_KEY);
      const left = Math.max(0, this.#bits - (head & LPM_LENGTH_MASK));
      if ((this.#head(node + LPM_KEY) ^ slot) >>> left !== 0) node = 0;
      if (node === 0 || left === 0) break;
      if ((head & LPM_IS_ENTRY) !== 0) entry = node + this.#valueOffset;
      node = mem.u32(node + LPM_CHILDREN + 4 * ((slot >>> (left - 1)) & 1));
    }
    const at = this.#slots + slot * LPM_STEM_SLOT;
    mem.setU32(at + LPM_STEM_NODE, node);
    mem.setU32(at + LPM_STEM_ENTRY, entry);
  }

  /** The first bits of a key: the number of its slot. */
  #head(key: Addr): number {
    const first = this.#mem.u8(key + LPM_PREFIX_SIZE);
    const second = this.#maxBits > 8 ? this.#mem.u8(key + LPM_PREFIX_SIZE + 1) : 0;
    return ((first << 8) | second) >>> (16 - this.#bits);
  }
}
