import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FlatMemory } from '../../test/support/flat-memory.ts';
import { hashKey, hashMultipliers } from './hash-function.ts';

/** What the head of hash-function.ts says, in bigints. */
function asWritten(key: Uint8Array, multipliers: Int32Array): number {
  const m = new BigUint64Array(multipliers.slice().buffer);
  const padded = new Uint8Array(Math.ceil(key.length / 4) * 4);
  padded.set(key);
  const words = [...new Uint32Array(padded.buffer)];
  let hash = 0n;
  for (let block = 0; block < words.length; block += 16) {
    let sum = m[0]! + hash * m[1]!;
    for (const [i, word] of words.slice(block, block + 16).entries()) sum += BigInt(word) * m[2 + i]!;
    hash = BigInt.asUintN(64, sum) >> 32n;
  }
  return Number(hash);
}

test('the hash is the sum that the multipliers make of the words', () => {
  fc.assert(
    fc.property(fc.integer(), fc.uint8Array({ minLength: 1, maxLength: 200 }), (seed, key) => {
      const mem = new FlatMemory(1 << 16);
      const at = mem.alloc(key.length + 8);
      mem.write(at, key);
      mem.fill(at + key.length, 8, 0xff); // what is behind the key plays no part
      const multipliers = hashMultipliers(seed, key.length);
      expect(hashKey(mem, at, key.length, multipliers)).toBe(asWritten(key, multipliers));
    }),
  );
});

/** The longest chain, and how many pairs share a bucket, of 4096 keys in 4096 buckets. */
function chains(seed: number, keyOf: (n: number) => Uint8Array): { longest: number; pairs: number } {
  const mem = new FlatMemory(1 << 16);
  const size = keyOf(0).length;
  const at = mem.alloc(size);
  const multipliers = hashMultipliers(seed, size);
  const buckets = new Uint32Array(4096);
  for (let n = 0; n < 4096; n++) {
    mem.write(at, keyOf(n));
    const bucket = hashKey(mem, at, size, multipliers) & 4095;
    buckets[bucket]!++;
  }
  return { longest: Math.max(...buckets), pairs: buckets.reduce((sum, n) => sum + (n * (n - 1)) / 2, 0) };
}

const words = (...w: number[]): Uint8Array => new Uint8Array(Uint32Array.from(w).buffer);

test.each<[string, (n: number) => Uint8Array]>([
  ['numbers in a row', (n) => words(n)],
  ['multiples of a page', (n) => words(n << 12)],
  ['two words that count in opposite directions', (n) => words(n, -n)],
  ['a high and a low half', (n) => words(n & 63, 0, n >> 6, 7)],
  ['one bit each', (n) => words(1 << (n & 31), 1 << ((n >> 5) & 31), n >> 10)],
])('keys that are %s make no longer chains than keys by chance', (_, keyOf) => {
  // Random keys would make 2047 pairs, give or take 45. What a seed makes of regular keys varies more than that.
  let pairs = 0;
  for (let seed = 0; seed < 32; seed++) {
    const found = chains(seed * 0x01000193, keyOf);
    pairs += found.pairs / 32;
    expect(found.longest).toBeLessThan(64);
  }
  expect(pairs).toBeLessThan(2.5 * 2048);
});
