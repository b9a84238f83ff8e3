/**
 * The hash of a key in linear memory, 32 bits: one place, because WebAssembly that looks up in the same tables has to
 * compute the same (vm/helpers/hash-key.ts).
 *
 *     h = 0
 *     for each block of up to 16 words w (4 bytes, little-endian, the last one filled up with zeros):
 *       h = (m[0] + h * m[1] + w[0] * m[2] + w[1] * m[3] + …) mod 2^64 >> 32
 *
 * The multipliers m are 64 bits wide and made from a seed that is random for each map. With them unknown, two keys
 * share a hash with a chance of 2^-32, whoever chose them (multilinear hashing; Carter and Wegman, "Universal classes
 * of hash functions", 1979), and any bits of a hash are as good as the others. A word costs one multiplication.
 */
import { HASH_BLOCK_WORDS, HASH_MULTIPLIERS_BEFORE } from '../base/map-storage.ts';
import type { Addr, Memory } from '../base/memory.ts';

/** Step of the generator, and the factors that mix what it counts to. */
const STEP = 0x9e3779b9;
const MIX1 = 0x85ebca6b;
const MIX2 = 0xc2b2ae35;

/** The multipliers for keys of `size` bytes: their low and their high halves in turn. */
export function hashMultipliers(seed: number, size: number): Int32Array {
  const words = Math.min(Math.ceil(size / 4), HASH_BLOCK_WORDS);
  let state = seed;
  return Int32Array.from({ length: 2 * (words + HASH_MULTIPLIERS_BEFORE) }, () => {
    state = (state + STEP) | 0;
    const x = Math.imul(state ^ (state >>> 16), MIX1);
    const y = Math.imul(x ^ (x >>> 13), MIX2);
    return y ^ (y >>> 16);
  });
}

/** The hash of the `size` bytes at `key`, unsigned. `multipliers` are those for this size or a larger one. */
export function hashKey(mem: Memory, key: Addr, size: number, multipliers: Int32Array): number {
  const end = key + size;
  let hash = 0;
  for (let at = key; at < end; at += 4 * HASH_BLOCK_WORDS) {
    hash = hashBlock(mem, at, Math.min(end, at + 4 * HASH_BLOCK_WORDS), hash, multipliers);
  }
  return hash;
}

function hashBlock(mem: Memory, from: Addr, end: Addr, hash: number, m: Int32Array): number {
  let lo = m[0]! >>> 0;
  let hi = m[1]!;
  let word = hash;
  let at = from - 4; // what the blocks before came to takes part like a word before the first
  for (let i = 2; ; i += 2) {
    const factor = m[i]!;
    // The product of word and factor, 64 bits, from halves of 16.
    const a = word & 0xffff;
    const b = word >>> 16;
    const c = factor & 0xffff;
    const d = factor >>> 16;
    const middle = b * c + ((a * c) >>> 16);
    const other = a * d + (middle & 0xffff);
    hi = (hi + b * d + (middle >>> 16) + (other >>> 16) + Math.imul(m[i + 1]!, word)) | 0;
    lo += Math.imul(word, factor) >>> 0;
    if (lo > 0xffffffff) {
      lo -= 0x100000000;
      hi = (hi + 1) | 0;
    }
    at += 4;
    if (at >= end) return hi >>> 0;
    word = at + 4 <= end ? mem.u32(at) : lastWord(mem, at, end);
  }
}

/** The last one to three bytes as a word. */
function lastWord(mem: Memory, at: Addr, end: Addr): number {
  let word = 0;
  for (let i = 0; at + i < end; i++) word |= mem.u8(at + i) << (8 * i);
  return word;
}
