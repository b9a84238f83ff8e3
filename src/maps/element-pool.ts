/**
 * Elements of one size in blocks of linear memory: what tables take their elements from.
 *
 * An element that is given back goes on a list through its first word, the last one first; its other bytes stay as
 * they were. An element that was never used is zero. Blocks belong to the map and go with it. What the pool knows of
 * itself stands in the map's header (base/map-storage.ts), since compiled programs take elements too.
 */
import { POOL_FREE, POOL_FRESH, POOL_FRESH_END } from '../base/map-storage.ts';
import type { Addr, Memory } from '../base/memory.ts';

/** Elements of a block when they are not all allocated beforehand: at least so many, or a part of what there is. */
const LEAST_BLOCK = 16;
const GROWTH = 1 / 8;

export class ElementPool {
  readonly #mem: Memory;
  /** The header of the map that owns it, or POOL_BOOKS further on for a second pool of its. */
  readonly #map: Addr;
  readonly #allocate: (size: number) => Addr;
  readonly #stride: number;
  readonly #most: number;
  /** Elements of all blocks. */
  #count = 0;

  /** `allocate` answers a zeroed block or 0; `stride` is bytes of an element; there are never more than `most`. */
  constructor(mem: Memory, map: Addr, allocate: (size: number) => Addr, stride: number, most: number) {
    this.#mem = mem;
    this.#map = map;
    this.#allocate = allocate;
    this.#stride = stride;
    this.#most = most;
  }

  /** Allocates `count` elements at once, now: false where memory is out. */
  reserve(count: number): boolean {
    const size = count * this.#stride;
    const block = this.#allocate(size);
    this.#mem.setU32(this.#map + POOL_FRESH, block);
    this.#mem.setU32(this.#map + POOL_FRESH_END, block === 0 ? 0 : block + size);
    if (block !== 0) this.#count += count;
    return block !== 0;
  }

  /** An element, or 0 where memory is out. */
  take(): Addr {
    const element = this.#mem.u32(this.#map + POOL_FREE);
    if (element === 0) return this.takeFresh();
    this.#mem.setU32(this.#map + POOL_FREE, this.#mem.u32(element));
    return element;
  }

  give(element: Addr): void {
    this.#mem.setU32(element, this.#mem.u32(this.#map + POOL_FREE));
    this.#mem.setU32(this.#map + POOL_FREE, element);
  }

  /** An element that was never used, or 0 where memory is out. */
  takeFresh(): Addr {
    const fresh = this.#map + POOL_FRESH;
    if (this.#mem.u32(fresh) === this.#mem.u32(this.#map + POOL_FRESH_END)) {
      const block = Math.max(LEAST_BLOCK, Math.floor(this.#count * GROWTH));
      if (!this.reserve(Math.max(1, Math.min(block, this.#most - this.#count)))) return 0;
    }
    const element = this.#mem.u32(fresh);
    this.#mem.setU32(fresh, element + this.#stride);
    return element;
  }
}
