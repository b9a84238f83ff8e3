/**
 * String functions on memory that may not be there: each character is read as a probing load reads it.
 *
 * Positions count from 0; -ENOENT where there is none, -E2BIG where no zero came in time, -ERANGE for what can be no
 * address of the kernel, -EFAULT for one that is not mapped.
 */
import { E2BIG, ENOENT } from '../../base/errno.ts';
import type { Memory } from '../../base/memory.ts';
import type { Helper } from '../helper.ts';
import { unmapped } from '../probe-read.ts';

/** XATTR_SIZE_MAX: as far as is looked. */
const LIMIT = 65536;

/** A string by its two halves. */
class Text {
  readonly #mem: Memory;
  readonly #at: number;
  readonly #hi: number;
  constructor(mem: Memory, lo: number, hi: number) {
    this.#mem = mem;
    this.#at = lo >>> 0;
    this.#hi = hi;
  }

  /** The character at `index`, or -errno. */
  at(index: number): number {
    const at = this.#at + index;
    if (this.#hi === 0 && this.#mem.isValid(at, 1)) return this.#mem.u8(at);
    return unmapped(this.#hi);
  }
}

const upper = (c: number): number => (c >= 97 && c <= 122 ? c - 32 : c);
const same = (c: number): number => c;

function compare(a: Text, b: Text, fold: (c: number) => number): number {
  for (let k = 0; k < LIMIT; k++) {
    const x = a.at(k);
    if (x < 0) return x;
    const y = b.at(k);
    if (y < 0) return y;
    if (fold(x) !== fold(y)) return fold(x) < fold(y) ? -1 : 1;
    if (x === 0) return 0;
  }
  return -E2BIG;
}

/** Of the characters before the zero and the zero itself, the first or last that is `c`. */
function find(s: Text, count: number, c: number, last: boolean): number {
  let found = -ENOENT;
  const end = Math.min(count, LIMIT);
  for (let k = 0; k < end; k++) {
    const x = s.at(k);
    if (x < 0) return x;
    if (x === c) {
      if (!last) return k;
      found = k;
    }
    if (x === 0) return found;
  }
  return count >= LIMIT ? -E2BIG : found;
}

function lengthOf(s: Text, count: number): number {
  const zero = find(s, count, 0, false);
  return zero === -ENOENT ? count : zero;
}

/** How many characters at the start are (not) in `set`. */
function span(s: Text, set: Text, wanted: boolean): number {
  for (let k = 0; k < LIMIT; k++) {
    const x = s.at(k);
    if (x < 0) return x;
    if (x === 0) return k;
    const at = find(set, LIMIT, x, false);
    if (at < 0 && at !== -ENOENT) return at;
    if (at >= 0 !== wanted) return k;
  }
  return -E2BIG;
}

/** Where `needle` begins in the first `count` characters of `s`. */
function search(s: Text, needle: Text, count: number): number {
  for (let from = 0; from < LIMIT; from++) {
    for (let k = 0; ; k++) {
      const want = needle.at(k);
      if (want < 0) return want;
      if (want === 0) return from;
      if (from + k >= count) return -ENOENT;
      if (from + k >= LIMIT) return -E2BIG;
      const x = s.at(from + k);
      if (x < 0) return x;
      if (x === 0) return -ENOENT;
      if (x !== want) break;
    }
  }
  return -E2BIG;
}

type Args = readonly number[];

function onStrings(args: string, run: (mem: Memory, args: Args) => number): Helper {
  return {
    args,
    ret: 'int',
    bind:
      ({ mem }) =>
      (...given) =>
        run(mem, given),
  };
}

const first = (mem: Memory, a: Args): Text => new Text(mem, a[0]!, a[1]!);
const second = (mem: Memory, a: Args): Text => new Text(mem, a[2]!, a[3]!);
const byte = (x: number): number => x & 0xff;
/** A size_t as a number; sizes that large are beyond any string. */
const size = (lo: number, hi: number): number => (hi >>> 0) * 2 ** 32 + (lo >>> 0);

export const bpf_strcmp = onStrings('LL', (mem, a) => compare(first(mem, a), second(mem, a), same));
export const bpf_strcasecmp = onStrings('LL', (mem, a) => compare(first(mem, a), second(mem, a), upper));
export const bpf_strlen = onStrings('L', (mem, a) => find(first(mem, a), LIMIT + 1, 0, false));
export const bpf_strnlen = onStrings('LL', (mem, a) => lengthOf(first(mem, a), size(a[2]!, a[3]!)));
export const bpf_strchr = onStrings('Li', (mem, a) => find(first(mem, a), LIMIT + 1, byte(a[2]!), false));
export const bpf_strrchr = onStrings('Li', (mem, a) => find(first(mem, a), LIMIT + 1, byte(a[2]!), true));
export const bpf_strnchr = onStrings('LLi', (mem, a) => find(first(mem, a), size(a[2]!, a[3]!), byte(a[4]!), false));
export const bpf_strchrnul = onStrings('Li', (mem, a) => {
  const s = first(mem, a);
  const at = find(s, LIMIT + 1, byte(a[2]!), false);
  return at === -ENOENT ? find(s, LIMIT + 1, 0, false) : at;
});
export const bpf_strspn = onStrings('LL', (mem, a) => span(first(mem, a), second(mem, a), true));
export const bpf_strcspn = onStrings('LL', (mem, a) => span(first(mem, a), second(mem, a), false));
export const bpf_strstr = onStrings('LL', (mem, a) => search(first(mem, a), second(mem, a), Number.POSITIVE_INFINITY));
export const bpf_strnstr = onStrings('LLL', (mem, a) => search(first(mem, a), second(mem, a), size(a[4]!, a[5]!)));
