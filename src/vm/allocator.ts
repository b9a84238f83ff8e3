/**
 * Which parts of an address range are in use: a two-level segregated fit, with its books outside the range.
 *
 * Free blocks hang in lists by size (a power of two, split into 16 steps), and bitmaps say which lists have any, so
 * `alloc` and `free` take constant time. Neighbouring free blocks are always joined. A program that scribbles over
 * memory it was not given can spoil other programs' data but never these books.
 */

/** Sizes and addresses are multiples of this. */
export const GRANULE = 16;

const STEP_BITS = 4;
const STEPS = 1 << STEP_BITS;
/** First-level classes: sizes below 256 bytes share class 0, the last holds blocks of 2 GiB and more. */
const CLASSES = 25;
const SMALL = GRANULE * STEPS;
const NONE = -1;

export class Allocator {
  /** Bytes handed out. */
  used = 0;
  /** Where the managed range ends. */
  #end: number;
  /** Lists that are not empty: one bit a class, and one bit a step of each class. */
  #classes = 0;
  readonly #steps = new Uint16Array(CLASSES);
  readonly #heads = new Int32Array(CLASSES * STEPS).fill(NONE);
  /** Blocks, by number: start and size, neighbours in address order, neighbours in the free list. */
  #start = new Float64Array(64);
  #size = new Float64Array(64);
  #before = new Int32Array(64);
  #after = new Int32Array(64);
  #prev = new Int32Array(64);
  #next = new Int32Array(64);
  #free = new Uint8Array(64);
  #count = 0;
  readonly #spare: number[] = [];
  #last = NONE;
  /** Address -> number, of blocks in use. */
  readonly #inUse = new Map<number, number>();

  /** An empty range at `start`, a multiple of the granule; `extend` gives it room. */
  constructor(start: number) {
    this.#end = start;
  }

  get end(): number {
    return this.#end;
  }

  /** Moves the end of the range up to `end`, a multiple of the granule. */
  extend(end: number): void {
    const block = this.#newBlock(this.#end, end - this.#end, this.#last, NONE);
    if (this.#last !== NONE) this.#after[this.#last] = block;
    this.#last = block;
    this.#end = end;
    this.#release(block);
  }

  /** The start of `size` bytes aligned to `align` (a power of two), or NONE (-1) where no free block is large enough. */
  alloc(size: number, align: number): number {
    const bytes = roundUp(size);
    const slack = align > GRANULE ? align - GRANULE : 0;
    let block = this.#find(bytes + slack);
    if (block === NONE) return NONE;
    this.#unlink(block);
    const start = this.#start[block]!;
    const skip = Math.ceil(start / align) * align - start;
    if (skip > 0) {
      const front = block;
      block = this.#split(front, skip);
      this.#link(front);
    }
    if (this.#size[block]! > bytes) this.#link(this.#split(block, bytes));
    this.#inUse.set(this.#start[block]!, block);
    this.used += bytes;
    return this.#start[block]!;
  }

  /** Bytes of the block in use at `start`; undefined where none begins there. */
  sizeOf(start: number): number | undefined {
    const block = this.#inUse.get(start);
    return block === undefined ? undefined : this.#size[block]!;
  }

  /** Gives back the block that `alloc` answered. False where none is in use there. */
  free(start: number): boolean {
    const block = this.#inUse.get(start);
    if (block === undefined) return false;
    this.#inUse.delete(start);
    this.used -= this.#size[block]!;
    this.#release(block);
    return true;
  }

  /** Joins a block with free neighbours and puts it into its list. */
  #release(block: number): void {
    let joined = block;
    const before = this.#before[block]!;
    if (before !== NONE && this.#free[before] === 1) {
      this.#unlink(before);
      this.#absorb(before, block);
      joined = before;
    }
    const after = this.#after[joined]!;
    if (after !== NONE && this.#free[after] === 1) {
      this.#unlink(after);
      this.#absorb(joined, after);
    }
    this.#link(joined);
  }

  /** Takes `right`, the block behind `left`, into it. */
  #absorb(left: number, right: number): void {
    this.#size[left]! += this.#size[right]!;
    const after = this.#after[right]!;
    this.#after[left] = after;
    if (after === NONE) this.#last = left;
    else this.#before[after] = left;
    this.#spare.push(right);
  }

  /** Cuts a block after `bytes`; answers the new block behind the cut. Neither is in a list. */
  #split(block: number, bytes: number): number {
    const after = this.#after[block]!;
    const rest = this.#newBlock(this.#start[block]! + bytes, this.#size[block]! - bytes, block, after);
    this.#size[block] = bytes;
    this.#after[block] = rest;
    if (after === NONE) this.#last = rest;
    else this.#before[after] = rest;
    return rest;
  }

  /** A free block of at least `bytes`, or NONE. */
  #find(bytes: number): number {
    // Any block of the next list up is large enough, so no list is searched.
    const wanted = bytes < SMALL ? bytes : bytes + stepSize(bytes) - GRANULE;
    if (wanted >= 2 ** 32) return NONE;
    const list = listOf(wanted);
    const cls = list >> STEP_BITS;
    const steps = this.#steps[cls]! & (-1 << (list & (STEPS - 1)));
    if (steps !== 0) return this.#heads[(cls << STEP_BITS) | lowestBit(steps)]!;
    const classes = this.#classes & (-1 << (cls + 1));
    if (classes === 0) return NONE;
    const next = lowestBit(classes);
    return this.#heads[(next << STEP_BITS) | lowestBit(this.#steps[next]!)]!;
  }

  #link(block: number): void {
    const list = listOf(this.#size[block]!);
    const head = this.#heads[list]!;
    this.#free[block] = 1;
    this.#prev[block] = NONE;
    this.#next[block] = head;
    if (head !== NONE) this.#prev[head] = block;
    this.#heads[list] = block;
    this.#steps[list >> STEP_BITS]! |= 1 << (list & (STEPS - 1));
    this.#classes |= 1 << (list >> STEP_BITS);
  }

  #unlink(block: number): void {
    const list = listOf(this.#size[block]!);
    const prev = this.#prev[block]!;
    const next = this.#next[block]!;
    this.#free[block] = 0;
    if (next !== NONE) this.#prev[next] = prev;
    if (prev !== NONE) {
      this.#next[prev] = next;
      return;
    }
    this.#heads[list] = next;
    if (next !== NONE) return;
    const cls = list >> STEP_BITS;
    this.#steps[cls]! &= ~(1 << (list & (STEPS - 1)));
    if (this.#steps[cls] === 0) this.#classes &= ~(1 << cls);
  }

  #newBlock(start: number, size: number, before: number, after: number): number {
    const block = this.#spare.pop() ?? this.#count++;
    if (block === this.#start.length) this.#growBooks();
    this.#start[block] = start;
    this.#size[block] = size;
    this.#before[block] = before;
    this.#after[block] = after;
    this.#free[block] = 0;
    return block;
  }

  #growBooks(): void {
    const room = this.#start.length * 2;
    const wider = <T extends Float64Array | Int32Array | Uint8Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#start = wider(new Float64Array(room), this.#start);
    this.#size = wider(new Float64Array(room), this.#size);
    this.#before = wider(new Int32Array(room), this.#before);
    this.#after = wider(new Int32Array(room), this.#after);
    this.#prev = wider(new Int32Array(room), this.#prev);
    this.#next = wider(new Int32Array(room), this.#next);
    this.#free = wider(new Uint8Array(room), this.#free);
  }
}

function roundUp(size: number): number {
  return size <= GRANULE ? GRANULE : Math.ceil(size / GRANULE) * GRANULE;
}

/** The position of the highest bit of a number from 1 to 2^32 - 1. */
function highestBit(n: number): number {
  return 31 - Math.clz32(n);
}

function lowestBit(n: number): number {
  return 31 - Math.clz32(n & -n);
}

/** How far apart the sizes of one class are: `bytes` at least SMALL. */
function stepSize(bytes: number): number {
  return 1 << (highestBit(bytes) - STEP_BITS);
}

/** The list for blocks of `bytes`, below 2^32: class in the upper bits, step in the lower four. */
function listOf(bytes: number): number {
  if (bytes < SMALL) return bytes / GRANULE;
  const high = highestBit(bytes);
  const step = (bytes >>> (high - STEP_BITS)) & (STEPS - 1);
  return ((high - 7) << STEP_BITS) | step;
}
