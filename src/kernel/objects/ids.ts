/**
 * Ids of one kind of object: handed out in ascending order, like Linux's cyclic allocator, so that an id is not soon
 * used again. An object leaves the table when it is destroyed.
 */
const INT_MAX = 0x7fffffff;

export class Ids<T> {
  readonly #objects = new Map<number, T>();
  /** Ascending. */
  readonly #ids: number[] = [];
  #last: number;

  /** The first id is `first`. */
  constructor(first = 1) {
    this.#last = first - 1;
  }

  get size(): number {
    return this.#ids.length;
  }

  add(object: T): number {
    do {
      this.#last = this.#last >= INT_MAX ? 1 : this.#last + 1;
    } while (this.#objects.has(this.#last));
    this.#objects.set(this.#last, object);
    this.#ids.splice(this.#position(this.#last), 0, this.#last);
    return this.#last;
  }

  get(id: number): T | undefined {
    return this.#objects.get(id);
  }

  remove(id: number): void {
    if (this.#objects.delete(id)) this.#ids.splice(this.#position(id), 1);
  }

  /** The smallest id in use that is larger than `id`, or 0. */
  after(id: number): number {
    return this.#ids[this.#position(id + 1)] ?? 0;
  }

  /** Index of the first id that is not smaller than `id`. */
  #position(id: number): number {
    let low = 0;
    let high = this.#ids.length;
    if (high === 0 || this.#ids[high - 1]! < id) return high; // new ids come last
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#objects.values();
  }
}
