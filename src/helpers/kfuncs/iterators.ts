/**
 * Open-coded iterators over numbers and over the bits of memory. Their state lies on the program's stack, and what _next
 * answers points into it.
 *
 *     struct bpf_iter_num    +0 s32 the number last answered   +4 s32 the number to stop before
 *     struct bpf_iter_bits   +0 u64 the word, or where a copy of several is   +8 s32 bits   +12 s32 the bit last answered
 */
import { E2BIG, EFAULT, EINVAL, ENOMEM } from '../../base/errno.ts';
import type { Addr, Memory } from '../../base/memory.ts';
import type { Helper } from '../helper.ts';

/** BPF_MAX_LOOPS */
const MAX_NUMBERS = 8 * 1024 * 1024;

const NUM_END = 4;

export const bpf_iter_num_new: Helper = {
  args: 'iii',
  ret: 'int',
  bind:
    ({ mem }) =>
    (it, start, end) => {
      const error = start! > end! ? -EINVAL : end! - start! > MAX_NUMBERS ? -E2BIG : 0;
      mem.setU32(it! >>> 0, error === 0 ? start! - 1 : 0);
      mem.setU32((it! >>> 0) + NUM_END, error === 0 ? end! : 0);
      return error;
    },
};

export const bpf_iter_num_next: Helper = {
  args: 'i',
  ret: 'ptr',
  bind:
    ({ mem }) =>
    (it) => {
      const at = it! >>> 0;
      const next = (mem.i32(at) + 1) | 0;
      // As in Linux the last number may be the largest there is: the sum wraps, and is compared as it is.
      if (next >= mem.i32(at + NUM_END)) {
        mem.setLoHi(at, 0, 0);
        return 0;
      }
      mem.setU32(at, next);
      return at;
    },
};

export const bpf_iter_num_destroy: Helper = {
  args: 'i',
  ret: 'void',
  bind:
    ({ mem }) =>
    (it) => {
      mem.setLoHi(it! >>> 0, 0, 0);
      return 0;
    },
};

const WORD = 8;
const WORD_BITS = 64;
const MAX_WORDS = 511;
const BITS_COUNT = 8;
const BITS_LAST = 12;

export const bpf_iter_bits_new: Helper = {
  args: 'iLi',
  ret: 'int',
  bind:
    ({ mem }) =>
    (it, from, fromHi, words) =>
      newBits(mem, it! >>> 0, from! >>> 0, fromHi!, words! >>> 0),
};

function newBits(mem: Memory, it: Addr, from: Addr, fromHi: number, words: number): number {
  mem.fill(it, 2 * WORD, 0);
  if (words === 0 || (from === 0 && fromHi === 0)) return -EINVAL;
  if (words > MAX_WORDS) return -E2BIG;
  if (fromHi !== 0 || !mem.isValid(from, words * WORD)) return -EFAULT;
  let at = it;
  if (words > 1) {
    at = mem.alloc(words * WORD);
    if (at === 0) return -ENOMEM;
    mem.setLoHi(it, at, 0);
  }
  mem.copy(at, from, words * WORD);
  mem.setU32(it + BITS_COUNT, words * WORD_BITS);
  mem.setU32(it + BITS_LAST, -1);
  return 0;
}

/** Where the words are: in the iterator itself where there is only one. */
const wordsOf = (mem: Memory, it: Addr): Addr => (mem.i32(it + BITS_COUNT) > WORD_BITS ? mem.u32(it) : it);

export const bpf_iter_bits_next: Helper = {
  args: 'i',
  ret: 'ptr',
  bind:
    ({ mem }) =>
    (address) => {
      const it = address! >>> 0;
      const count = mem.i32(it + BITS_COUNT);
      const words = wordsOf(mem, it);
      for (let bit = mem.i32(it + BITS_LAST) + 1; bit < count; bit++) {
        if (((mem.u8(words + (bit >> 3)) >> (bit & 7)) & 1) === 0) continue;
        mem.setU32(it + BITS_LAST, bit);
        return it + BITS_LAST;
      }
      // Done for good; the copy is still there to be given back.
      if (count > 0) mem.setU32(it + BITS_LAST, count);
      return 0;
    },
};

export const bpf_iter_bits_destroy: Helper = {
  args: 'i',
  ret: 'void',
  bind:
    ({ mem }) =>
    (address) => {
      const it = address! >>> 0;
      if (mem.i32(it + BITS_COUNT) > WORD_BITS) mem.free(mem.u32(it));
      mem.fill(it, 2 * WORD, 0);
      return 0;
    },
};
