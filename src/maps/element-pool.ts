/**
 * Elements of one size in blocks of linear memory: what tables take their elements from.
 *
 * An element that is given back goes on a list through its first word, the last one first; its other bytes stay as
 * they were. An element that was never used is zero. Blocks belong to the map and go with it. What the pool knows of
 * itself stands in the map's header (base/map-storage.ts), since compiled programs take elements too.
 */
import { POOL_FREE, POOL_FRESH, POOL_FRESH_END } from '../base/map-storage.ts';
import type { Addr, Memory } from '../base/memory.ts';

/** Elements of the first block when they are not all allocated beforehand; each further block doubles. */
const FIRST_BLOCK = 64;
const LARGEST_BLOCK = 65536;

export class ElementPool {
  readonly #mem: Memory;
  /** The header of the map that owns it. */
  readonly #map: Addr;
  readonly #allocate: (size: number) => Addr;
  readonly #stride: number;
  #blockSize: number;

  /** `allocate` answers a zeroed block or 0; `stride` is bytes of an element; no block is larger than `most` elements. */
  constructor(mem: Memory, map: Addr, allocate: (size: number) => Addr, stride: number, most: number) {
    this.#mem = mem;
    this.#map = map;
    this.#allocate = allocate;
    this.#stride = stride;
    this.#blockSize = Math.min(FIRST_BLOCK, most);
  }

  /** Allocates `count` elements at once, now: false where memory is out. */
  reserve(count: number): boolean {
    const size = count * this.#stride;
    const block = this.#allocate(size);
    this.#mem.setU32(this.#map + POOL_FRESH, block);
    this.#mem.setU32(this.#map + POOL_FRESH_END, block === 0 ? 0 : block + size);
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
      if (!this.reserve(this.#blockSize)) return 0;
      this.#blockSize = Math.min(this.#blockSize * 2, LARGEST_BLOCK);
    }
    const element = this.#mem.u32(fresh);
    this.#mem.setU32(fresh, element + this.#stride);
    return element;
  }
}
