/**
 * Where lookups in a trie begin: for each value of the first bits of a key, the node at which the walk along such keys goes
 * on, and the longest entry that it has passed by then.
 *
 *     slot   +0 the first node of at least so many bits, 0 for none   +4 its longest entry before: address of the value
 *
 * The trie keeps it right: an entry that comes, goes or is replaced changes the slots of keys that begin as it does, and
 * no others. It has a slot for each entry, about; a trie of a few entries has none.
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

/** Bits that choose a slot: an even number, so that a trie that grows is not at it all the time. */
const FEWEST_BITS = 4;
const MOST_BITS = 20;

/** What the stem needs to know of its trie. */
export interface StemOf {
  readonly mem: Memory;
  /** The header of the map. */
  readonly map: Addr;
  /** Address of the word that holds the root. */
  readonly root: Addr;
  /** From a node to its value. */
  readonly valueOffset: number;
  /** Bits of the longest keys. */
  readonly maxBits: number;
  /** Answers a block or 0, and gives one back. */
  readonly allocate: (size: number) => Addr;
  readonly free: (block: Addr) => void;
}

export class LpmStem {
  readonly #of: StemOf;
  readonly #mem: Memory;
  #bits = 0;
  #slots: Addr = 0;
  /** The slots that are being written: those from the first on, before the second. */
  #from = 0;
  #to = 0;

  constructor(of: StemOf) {
    this.#of = of;
    this.#mem = of.mem;
  }

  /** The entry of `key` has come, gone or been replaced, and now there are `entries` of them. */
  changed(key: Addr, entries: number): void {
    const bits = bitsFor(entries);
    if (bits > this.#bits && bits <= this.#of.maxBits && this.#grow(bits)) this.#write(0, 1 << bits);
    else if (this.#bits > 0) this.#refresh(key);
  }

  /** Where memory is out the smaller stem stays. */
  #grow(bits: number): boolean {
    const slots = this.#of.allocate((1 << bits) * LPM_STEM_SLOT);
    if (slots === 0) return false;
    if (this.#slots !== 0) this.#of.free(this.#slots);
    this.#bits = bits;
    this.#slots = slots;
    this.#mem.setU32(this.#of.map + LPM_STEM, slots);
    this.#mem.setU32(this.#of.map + LPM_STEM_BITS, bits);
    return true;
  }

  #refresh(key: Addr): void {
    const free = Math.max(0, this.#bits - this.#mem.u32(key));
    const first = (this.#head(key) >>> free) << free;
    this.#write(first, first + (1 << free));
  }

  #write(from: number, to: number): void {
    this.#from = from;
    this.#to = to;
    this.#writeBelow(this.#mem.u32(this.#of.root), 0, 0, 1 << this.#bits);
  }

  /**
   * Writes the slots from `from` to `to`, of keys whose walk comes to `node` (or to none), with `entry` as the longest so
   * far. It goes no deeper than a key has bits.
   */
  #writeBelow(node: Addr, entry: Addr, from: number, to: number): void {
    if (to <= this.#from || from >= this.#to) return;
    if (node === 0) {
      this.#set(from, to, 0, entry);
      return;
    }
    const mem = this.#mem;
    const first = mem.u32(node + LPM_KEY);
    const left = Math.max(0, this.#bits - (first & LPM_LENGTH_MASK));
    const own = (this.#head(node + LPM_KEY) >>> left) << left;
    const end = own + (1 << left);
    this.#set(from, own, 0, entry);
    this.#set(end, to, 0, entry);
    if (left === 0) {
      this.#set(own, end, node, entry);
      return;
    }
    const longest = (first & LPM_IS_ENTRY) !== 0 ? node + this.#of.valueOffset : entry;
    const middle = (own + end) / 2;
    this.#writeBelow(mem.u32(node + LPM_CHILDREN), longest, own, middle);
    this.#writeBelow(mem.u32(node + LPM_CHILDREN + 4), longest, middle, end);
  }

  #set(from: number, to: number, node: Addr, entry: Addr): void {
    const end = Math.min(to, this.#to);
    for (let slot = Math.max(from, this.#from); slot < end; slot++) {
      const at = this.#slots + slot * LPM_STEM_SLOT;
      this.#mem.setU32(at + LPM_STEM_NODE, node);
      this.#mem.setU32(at + LPM_STEM_ENTRY, entry);
    }
  }

  /** The first bits of a key: the number of its slot. */
  #head(key: Addr): number {
    let head = 0;
    for (let at = 0; at < 4; at++) {
      head = (head << 8) | (8 * at < this.#of.maxBits ? this.#mem.u8(key + LPM_PREFIX_SIZE + at) : 0);
    }
    return head >>> (32 - this.#bits);
  }
}

/** The even number of bits that make no more slots than there are entries; 0 where that are too few. */
function bitsFor(entries: number): number {
  const bits = Math.floor(Math.log2(Math.max(1, entries)) / 2) * 2;
  return bits < FEWEST_BITS ? 0 : Math.min(bits, MOST_BITS);
}
