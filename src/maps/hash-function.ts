/**
 * The hash of a key in linear memory, 32 bits: one place, because WebAssembly that looks up in the same tables has to
 * compute the same.
 *
 *     h = seed ^ size
 *     for each 4-byte word w, little-endian, the last one filled up with zeros:
 *       h = rotl(h ^ w * C1, 13) * 5 + C2
 *     h = (h ^ h >>> 16) * C3;  h = (h ^ h >>> 13) * C4;  h ^ h >>> 16
 *
 * The seed is random for each map, so that who chooses keys does not choose chains.
 */
import { HASH_C1, HASH_C2, HASH_C3, HASH_C4 } from '../base/map-storage.ts';
import type { Addr, Memory } from '../base/memory.ts';

/** The hash of the `size` bytes at `key`, unsigned. */
export function hashKey(mem: Memory, key: Addr, size: number, seed: number): number {
  let h = seed ^ size;
  const words = size & ~3;
  let at = 0;
  for (; at < words; at += 4) h = mix(h, mem.i32(key + at));
  if (at < size) {
    let tail = 0;
    for (let shift = 0; at < size; at++, shift += 8) tail |= mem.u8(key + at) << shift;
    h = mix(h, tail);
  }
  h = Math.imul(h ^ (h >>> 16), HASH_C3);
  h = Math.imul(h ^ (h >>> 13), HASH_C4);
  return (h ^ (h >>> 16)) >>> 0;
}

function mix(h: number, word: number): number {
  const x = h ^ Math.imul(word, HASH_C1);
  return (Math.imul((x << 13) | (x >>> 19), 5) + HASH_C2) | 0;
}
