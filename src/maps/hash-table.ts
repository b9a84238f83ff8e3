/**
 * The table behind every hash map: chains of elements in linear memory, found by bucket, walked by index.
 *
 *     buckets   u32[power of two >= 3/2 max_entries]   first element of each chain, 0 for none
 *     entries   u32[max_entries]                   element of each index, 0 for none: the order of walks
 *     element   +0 next in chain (or in the pool's list)   +4 hash   +8 index + 1   +12 referenced (LRU)
 *               +16 key, padded to 8   +16+round_up(key_size, 8) value
 *
 * base/map-storage.ts has the offsets, also of what the header says of the table: all of its state stands there, since
 * programs look up, update and delete in WebAssembly of their own.
 *
 * Memory of elements belongs to the map until the map goes, so a pointer that a program keeps past a delete stays
 * readable, and a replaced element keeps its old value until the spare is used again, as in Linux. As in Linux the
 * next insertion may take the element of the last deletion.
 */
import { alignUp } from '../base/bytes.ts';
import { E2BIG, ENOMEM } from '../base/errno.ts';
import {
  ELEMENT_HASH,
  ELEMENT_INDEX,
  ELEMENT_KEY,
  ELEMENT_NEXT,
  ELEMENT_REFERENCED,
  HASH_COUNT,
  HASH_ENTRIES,
  HASH_HAND,
  HASH_MASK,
  HASH_MULTIPLIERS,
  HASH_NEXT_INDEX,
  HASH_SPARE,
  HASH_VALUE_OFFSET,
} from '../base/map-storage.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_F_NO_PREALLOC, BPF_F_ZERO_SEED } from '../uapi/generated/constants.ts';
import { BaseMap } from './base-map.ts';
import { ElementPool } from './element-pool.ts';
import { hashKey, hashMultipliers } from './hash-function.ts';
import type { MapDef, MapEnv } from './map.ts';
import { copyBytes, sameBytes } from './values.ts';

/**
 * Buckets for each entry, at least: most elements are the first of their chain, which is what a lookup tries in place.
 * Where there are few, more cost little.
 */
const ROOM = 1.5;
const ROOM_OF_FEW = 4;
const FEW = 32768;

export abstract class HashTable extends BaseMap {
  protected readonly valueOffset: number;
  protected readonly stride: number;
  readonly #buckets: Addr;
  readonly #mask: number;
  readonly #multipliers: Int32Array;
  readonly #entries: Addr;
  readonly #pool: ElementPool;

  /** `valueBytes`: what an element holds for its key, all CPUs together. */
  constructor(def: MapDef, env: MapEnv, valueBytes: number) {
    super(def, env);
    const buckets = 2 ** Math.ceil(Math.log2(def.maxEntries * (def.maxEntries <= FEW ? ROOM_OF_FEW : ROOM)));
    this.#mask = buckets - 1;
    this.#multipliers = hashMultipliers((def.flags & BPF_F_ZERO_SEED) === 0 ? env.random() : 0, def.keySize);
    this.valueOffset = ELEMENT_KEY + alignUp(def.keySize, 8);
    this.stride = this.valueOffset + alignUp(valueBytes, 8);
    this.#buckets = this.allocate(buckets * 4);
    this.#entries = this.allocate(def.maxEntries * 4);
    this.#pool = new ElementPool(env.mem, this.addr, (size) => this.tryAllocate(size), this.stride, def.maxEntries + 1);
    const preallocate = (def.flags & BPF_F_NO_PREALLOC) === 0;
    if (preallocate && !this.#pool.reserve(def.maxEntries + 1)) this.outOfMemory();
    this.setStorage(this.#buckets, this.stride);
    this.mem.setU32(this.addr + HASH_MASK, this.#mask);
    this.mem.setU32(this.addr + HASH_MULTIPLIERS, this.#placeMultipliers());
    this.mem.setU32(this.addr + HASH_VALUE_OFFSET, this.valueOffset);
    this.mem.setU32(this.addr + HASH_ENTRIES, this.#entries);
  }

  protected get isFull(): boolean {
    return this.#count === this.def.maxEntries;
  }

  /** The element of `key`, or 0. */
  protected find(key: Addr): Addr {
    const { mem } = this;
    const { keySize } = this.def;
    const hash = hashKey(mem, key, keySize, this.#multipliers);
    let element = mem.u32(this.#buckets + (hash & this.#mask) * 4);
    while (element !== 0) {
      if (mem.u32(element + ELEMENT_HASH) === hash && sameBytes(mem, element + ELEMENT_KEY, key, keySize))
        return element;
      element = mem.u32(element + ELEMENT_NEXT);
    }
    return 0;
  }

  /** A new element for a key that is not there, its value as it was left; or -E2BIG, -ENOMEM. */
  protected insert(key: Addr): Addr | number {
    if (this.isFull) return -E2BIG;
    const element = this.#pool.take();
    if (element === 0) return -ENOMEM;
    // What comes back from the pool kept its index; what is new gets the next one.
    if (this.mem.u32(element + ELEMENT_INDEX) === 0) {
      const index = this.#nextIndex + 1;
      this.mem.setU32(this.addr + HASH_NEXT_INDEX, index);
      this.mem.setU32(element + ELEMENT_INDEX, index);
    }
    this.#link(element, key, hashKey(this.mem, key, this.def.keySize, this.#multipliers));
    this.#setEntry(this.indexOf(element), element);
    this.#setCount(this.#count + 1);
    return element;
  }

  /** An element that takes the place of `old`, its value as it was left; or -ENOMEM. `old` becomes the next spare. */
  protected replace(old: Addr): Addr | number {
    // A spare has no index of its own: with one, fewer would be left than elements fit.
    const element = this.mem.u32(this.addr + HASH_SPARE) || this.#pool.takeFresh();
    if (element === 0) return -ENOMEM;
    const index = this.indexOf(old);
    this.#unlink(old);
    this.mem.setU32(element + ELEMENT_INDEX, index + 1);
    this.#link(element, old + ELEMENT_KEY, this.mem.u32(old + ELEMENT_HASH));
    this.#setEntry(index, element);
    this.mem.setU32(this.addr + HASH_SPARE, old);
    return element;
  }

  /** Takes `element` out of the table. */
  protected remove(element: Addr): void {
    this.#unlink(element);
    this.#setEntry(this.indexOf(element), 0);
    this.#pool.give(element);
    this.#setCount(this.#count - 1);
  }

  /** The first element of an index >= `from`, or 0. */
  protected elementFrom(from: number): Addr {
    for (let index = from; index < this.#nextIndex; index++) {
      const element = this.mem.u32(this.#entries + index * 4);
      if (element !== 0) return element;
    }
    return 0;
  }

  /** Where `element` stands in walks. */
  protected indexOf(element: Addr): number {
    return this.mem.u32(element + ELEMENT_INDEX) - 1;
  }

  protected keyOf(element: Addr): Addr {
    return element + ELEMENT_KEY;
  }

  protected setReferenced(element: Addr): void {
    this.mem.setU32(element + ELEMENT_REFERENCED, 1);
  }

  /**
   * The element to give up when the table is full: a clock hand goes round the indexes, spares an element once if it
   * was referenced since the hand came by, and takes the first that was not.
   */
  protected oldest(): Addr {
    const { mem } = this;
    const hand = this.addr + HASH_HAND;
    for (;;) {
      const index = mem.u32(hand) % this.#nextIndex;
      mem.setU32(hand, index + 1);
      const element = mem.u32(this.#entries + index * 4);
      if (element === 0) continue;
      if (mem.u32(element + ELEMENT_REFERENCED) === 0) return element;
      mem.setU32(element + ELEMENT_REFERENCED, 0);
    }
  }

  #placeMultipliers(): Addr {
    const at = this.allocate(this.#multipliers.byteLength);
    this.#multipliers.forEach((half, i) => {
      this.mem.setU32(at + 4 * i, half);
    });
    return at;
  }

  #link(element: Addr, key: Addr, hash: number): void {
    const { mem } = this;
    const bucket = this.#buckets + (hash & this.#mask) * 4;
    mem.setU32(element + ELEMENT_NEXT, mem.u32(bucket));
    mem.setU32(element + ELEMENT_HASH, hash);
    mem.setU32(element + ELEMENT_REFERENCED, 0);
    copyBytes(mem, element + ELEMENT_KEY, key, this.def.keySize);
    mem.setU32(bucket, element);
  }

  #unlink(element: Addr): void {
    const { mem } = this;
    let link = this.#buckets + (mem.u32(element + ELEMENT_HASH) & this.#mask) * 4;
    while (mem.u32(link) !== element) link = mem.u32(link) + ELEMENT_NEXT;
    mem.setU32(link, mem.u32(element + ELEMENT_NEXT));
  }

  #setEntry(index: number, element: Addr): void {
    this.mem.setU32(this.#entries + index * 4, element);
  }

  get #nextIndex(): number {
    return this.mem.u32(this.addr + HASH_NEXT_INDEX);
  }
  get #count(): number {
    return this.mem.u32(this.addr + HASH_COUNT);
  }
  #setCount(count: number): void {
    this.mem.setU32(this.addr + HASH_COUNT, count);
  }
}
