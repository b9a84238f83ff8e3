/**
 * Bits of a product: long multiplication, a bit of the first factor at a time, in halves of 32 bits. An unknown bit joins
 * the sums with and without the second factor. The arithmetic is that of tnum.ts's head.
 */
import type { Reg } from '../state/reg.ts';
import { MASK, VALUE } from './lanes64.ts';

/** `d = d * s`, as far as bits are known. */
export function mulBits(d: Reg, s: Reg): void {
  const { i, at } = d;
  const j = s.i;
  // The first factor, shifted right as its bits are used, and the second one, shifted left.
  let valueLo = i[at + VALUE]!;
  let valueHi = i[at + VALUE + 1]!;
  let maskLo = i[at + MASK]!;
  let maskHi = i[at + MASK + 1]!;
  let otherLo = j[s.at + VALUE]!;
  let otherHi = j[s.at + VALUE + 1]!;
  let openLo = j[s.at + MASK]!;
  let openHi = j[s.at + MASK + 1]!;
  // The product so far: its bits that are known to be set, and those that are not known.
  let setLo = 0;
  let setHi = 0;
  let freeLo = 0;
  let freeHi = 0;
  while ((valueLo | valueHi | maskLo | maskHi) !== 0) {
    if (((valueLo | maskLo) & 1) !== 0) {
      // The sum of the bits that are set; then what it is with all unknown bits added.
      const sumLo = (setLo + otherLo) | 0;
      const sumHi = (setHi + otherHi + (sumLo >>> 0 < otherLo >>> 0 ? 1 : 0)) | 0;
      const unknownLo = (freeLo + openLo) | 0;
      const unknownHi = (freeHi + openHi + (unknownLo >>> 0 < openLo >>> 0 ? 1 : 0)) | 0;
      const mostLo = (sumLo + unknownLo) | 0;
      const mostHi = (sumHi + unknownHi + (mostLo >>> 0 < sumLo >>> 0 ? 1 : 0)) | 0;
      let nextLo = (mostLo ^ sumLo) | freeLo | openLo;
      let nextHi = (mostHi ^ sumHi) | freeHi | openHi;
      let known = sumLo & ~nextLo;
      let knownHi = sumHi & ~nextHi;
      if ((valueLo & 1) === 0) {
        nextLo |= freeLo | (known ^ setLo);
        nextHi |= freeHi | (knownHi ^ setHi);
        known &= setLo;
        knownHi &= setHi;
      }
      freeLo = nextLo;
      freeHi = nextHi;
      setLo = known & ~nextLo;
      setHi = knownHi & ~nextHi;
    }
    valueLo = (valueLo >>> 1) | (valueHi << 31);
    valueHi >>>= 1;
    maskLo = (maskLo >>> 1) | (maskHi << 31);
    maskHi >>>= 1;
    otherHi = (otherHi << 1) | (otherLo >>> 31);
    otherLo <<= 1;
    openHi = (openHi << 1) | (openLo >>> 31);
    openLo <<= 1;
  }
  i[at + VALUE] = setLo;
  i[at + VALUE + 1] = setHi;
  i[at + MASK] = freeLo;
  i[at + MASK + 1] = freeHi;
}
