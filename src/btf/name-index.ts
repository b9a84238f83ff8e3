/**
 * Finds types by name without making a string of every name: a chained hash table over the bytes of the string
 * section, in two typed arrays.
 */
export class NameIndex {
  readonly #strings: Uint8Array;
  /** Where the name of each type lies in #strings, negative for none. */
  readonly #names: Int32Array;
  /** Bucket -> first type + 1; type -> next type + 1. Chains ascend. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;

  constructor(strings: Uint8Array, names: Int32Array) {
    this.#strings = strings;
    this.#names = names;
    let buckets = 16;
    while (buckets < names.length) buckets *= 2;
    this.#heads = new Int32Array(buckets);
    this.#next = new Int32Array(names.length);
    for (let i = names.length - 1; i >= 0; i--) {
      const at = names[i]!;
      if (at < 0) continue;
      const bucket = hash(strings, at) & (buckets - 1);
      this.#next[i] = this.#heads[bucket]!;
      this.#heads[bucket] = i + 1;
    }
  }

  /** Indexes of the types with this name, ascending. `name` has no zero byte. */
  find(name: Uint8Array): number[] {
    const found: number[] = [];
    for (let i = this.#heads[hash(name, 0) & (this.#heads.length - 1)]!; i !== 0; i = this.#next[i - 1]!) {
      if (this.#isNamed(i - 1, name)) found.push(i - 1);
    }
    return found;
  }

  #isNamed(index: number, name: Uint8Array): boolean {
    const at = this.#names[index]!;
    for (let i = 0; i < name.length; i++) if (this.#strings[at + i] !== name[i]) return false;
    return this.#strings[at + name.length] === 0;
  }
}

/** Names longer than this share their hash with others of the same beginning. */
const HASHED_BYTES = 128;

/** FNV-1a of the bytes from `at` to a zero or the end. */
function hash(b: Uint8Array, at: number): number {
  const end = Math.min(b.length, at + HASHED_BYTES);
  let h = 0x811c9dc5;
  for (let i = at; i < end && b[i] !== 0; i++) h = Math.imul(h ^ b[i]!, 0x01000193);
  return h ^ (h >>> 15);
}
