/**
 * Elements of one size in blocks of linear memory: what tables take their elements from.
 *
 * An element that is given back goes on a list through its first word, the last one first; its other bytes stay as
 * they were. An element that was never used is zero. Blocks belong to the map and go with it.
 */
import type { Addr, Memory } from '../base/memory.ts';

/** Elements of the first block when they are not all allocated beforehand; each further block doubles. */
const FIRST_BLOCK = 64;
const LARGEST_BLOCK = 65536;

export class ElementPool {
  readonly #mem: Memory;
  readonly #allocate: (size: number) => Addr;
  readonly #stride: number;
  #free: Addr = 0;
  #fresh: Addr = 0;
  #freshEnd: Addr = 0;
  #blockSize: number;

  /** `allocate` answers a zeroed block or 0; `stride` is bytes of an element; no block is larger than `most` elements. */
  constructor(mem: Memory, allocate: (size: number) => Addr, stride: number, most: number) {
    this.#mem = mem;
    this.#allocate = allocate;
    this.#stride = stride;
    this.#blockSize = Math.min(FIRST_BLOCK, most);
  }

  /** Allocates `count` elements at once, now: false where memory is out. */
  reserve(count: number): boolean {
    const size = count * this.#stride;
    const block = this.#allocate(size);
    this.#fresh = block;
    this.#freshEnd = block === 0 ? 0 : block + size;
    return block !== 0;
  }

  /** An element, or 0 where memory is out. */
  take(): Addr {
    const element = this.#free;
    if (element === 0) return this.takeFresh();
    this.#free = this.#mem.u32(element);
    return element;
  }

  give(element: Addr): void {
    this.#mem.setU32(element, this.#free);
    this.#free = element;
  }

  /** An element that was never used, or 0 where memory is out. */
  takeFresh(): Addr {
    if (this.#fresh === this.#freshEnd) {
      if (!this.reserve(this.#blockSize)) return 0;
      this.#blockSize = Math.min(this.#blockSize * 2, LARGEST_BLOCK);
    }
    const element = this.#fresh;
    this.#fresh += this.#stride;
    return element;
  }
}
