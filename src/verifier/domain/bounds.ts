/**
 * Keeping what is known about a number consistent: bits, signed and unsigned ranges in 64 and 32 bits teach one another.
 *
 * Every step only narrows. How often the steps repeat is visible in the logs Linux prints, so it is as there. This is
 * the innermost part of the walk: it works on the lanes of the register (state/layout.ts) and makes no `bigint`.
 * Linux: kernel/bpf/verifier.c, reg_bounds_sync().
 */
import { S32MAX, S32MIN, U32MAX, U32MIN } from '../state/layout.ts';
import type { Reg } from '../state/reg.ts';
import { copy64, lessSigned, lessUnsigned, MASK, SMAX, SMIN, set64, spread, UMAX, UMIN, VALUE } from './lanes64.ts';
import { type Tnum, tnumClearSubreg, tnumOr, tnumRange, tnumStep, tnumSubreg } from './tnum.ts';

const LOW32 = 0xffff_ffffn;

const SIGN = -0x8000_0000;

/** Ranges and bits of `r` learn all they can from one another. */
export function syncBounds(r: Reg): void {
  const { i, at } = r;
  if (i[at + MASK] === 0 && i[at + MASK + 1] === 0) {
    r.setConstBits();
    return;
  }
  if (isAnyBelowPower(i, at)) return;
  boundsFromBits(r);
  // What changes nothing once changes nothing the next time.
  if (deduceBounds(i, at) && deduceBounds(i, at)) deduceBounds(i, at);
  bitsFromBounds(i, at);
  boundsFromBits(r);
}

/**
 * Whether all that is known is that the number has at most so many bits, 1 to 32 of them, and every range says so: what
 * most loads and 32-bit results are. Nothing is left to learn.
 */
function isAnyBelowPower(i: Int32Array, at: number): boolean {
  const max = i[at + MASK]!;
  if ((max & (max + 1)) !== 0 || i[at + MASK + 1] !== 0 || i[at] !== 0 || i[at + 1] !== 0) return false;
  if (i[at + U32MIN] !== 0 || i[at + U32MAX] !== max) return false;
  if (max < 0 ? i[at + S32MIN] !== SIGN || i[at + S32MAX] !== ~SIGN : i[at + S32MIN] !== 0 || i[at + S32MAX] !== max) {
    return false;
  }
  return (
    isAt(i, at + UMIN, 0, 0) && isAt(i, at + UMAX, max, 0) && isAt(i, at + SMIN, 0, 0) && isAt(i, at + SMAX, max, 0)
  );
}

/** The ranges that the known bits allow. */
export function boundsFromBits(r: Reg): void {
  bounds64FromBits(r);
  bounds32FromBits(r);
}

function bounds64FromBits(r: Reg): void {
  const { i, at } = r;
  const lo = i[at]!;
  const hi = i[at + 1]!;
  const openHi = i[at + MASK + 1]!;
  const allLo = lo | i[at + MASK]!;
  const allHi = hi | openHi;
  // Lowest and highest: an open sign bit is taken as set, or as not set.
  const lowestHi = hi | (openHi & SIGN);
  const sminHi = i[at + SMIN + 1]!;
  if (lowestHi > sminHi || (lowestHi === sminHi && lo >>> 0 > i[at + SMIN]! >>> 0)) set64(i, at + SMIN, lo, lowestHi);
  const highestHi = hi | (openHi & ~SIGN);
  const smaxHi = i[at + SMAX + 1]!;
  if (highestHi < smaxHi || (highestHi === smaxHi && allLo >>> 0 < i[at + SMAX]! >>> 0)) {
    set64(i, at + SMAX, allLo, highestHi);
  }
  if (lessUnsigned(i, at + UMIN, i, at + VALUE)) set64(i, at + UMIN, lo, hi);
  const umaxHi = i[at + UMAX + 1]! >>> 0;
  if (allHi >>> 0 < umaxHi || (allHi >>> 0 === umaxHi && allLo >>> 0 < i[at + UMAX]! >>> 0)) {
    set64(i, at + UMAX, allLo, allHi);
  }
  onlyNumber(r);
}

/** Whether no range of `r` is empty. */
export function hasRanges({ i, at }: Reg): boolean {
  return (
    !lessUnsigned(i, at + UMAX, i, at + UMIN) &&
    !lessSigned(i, at + SMAX, i, at + SMIN) &&
    i[at + U32MIN]! >>> 0 <= i[at + U32MAX]! >>> 0 &&
    i[at + S32MIN]! <= i[at + S32MAX]!
  );
}

/** Whether the number at `lane` is one of those that the bits allow. */
function isInside(i: Int32Array, at: number, lane: number): boolean {
  return (i[at + lane]! & ~i[at + MASK]!) === i[at] && (i[at + lane + 1]! & ~i[at + MASK + 1]!) === i[at + 1];
}

/** Where range and bits have just one number in common, it is that one. */
function onlyNumber(r: Reg): void {
  const { i, at } = r;
  // On a path that cannot be, the lower end may be above the upper one.
  if (isInside(i, at, UMIN) && lessUnsigned(i, at + UMIN, i, at + UMAX)) {
    // Two numbers in common: with the lowest bit open the lower end and the one right after it, or both ends.
    if ((i[at + MASK]! & 1) !== 0 && (i[at + UMIN]! & 1) === 0) return;
    if (isInside(i, at, UMAX)) return;
  }
  const t = r.varOff;
  const { umin, umax } = r;
  const next = tnumStep(t, umin);
  const minFits = (umin & ~t.mask) === t.value;
  let only: bigint;
  if (minFits) {
    if (next <= umax && umin !== umax) return;
    only = umin;
  } else if (next === (t.value | t.mask)) {
    only = next;
  } else if (next <= umax && tnumStep(t, next) > umax) {
    only = next;
  } else {
    return;
  }
  r.setConst(only);
}

export function bounds32FromBits(r: Reg): void {
  const { i, at } = r;
  const value = i[at]!;
  const mask = i[at + MASK]!;
  const lowest = value | (mask & SIGN);
  const highest = value | (mask & ~SIGN);
  const all = value | mask;
  if (lowest > i[at + S32MIN]!) i[at + S32MIN] = lowest;
  if (highest < i[at + S32MAX]!) i[at + S32MAX] = highest;
  if (value >>> 0 > i[at + U32MIN]! >>> 0) i[at + U32MIN] = value;
  if (all >>> 0 < i[at + U32MAX]! >>> 0) i[at + U32MAX] = all;
}

/** Whether anything changed. */
function deduceBounds(i: Int32Array, at: number): boolean {
  const low = deduce32(i, at);
  const whole = deduce64(i, at);
  const mixed = deduceMixed(i, at);
  return low || whole || mixed;
}

/** Narrows the 32-bit ranges from the 64-bit ones and from one another. */
function deduce32(i: Int32Array, at: number): boolean {
  const sminLo = i[at + SMIN]!;
  const sminHi = i[at + SMIN + 1]!;
  const smaxLo = i[at + SMAX]!;
  const smaxHi = i[at + SMAX + 1]!;
  const uminLo = i[at + UMIN]!;
  const uminHi = i[at + UMIN + 1]!;
  const umaxLo = i[at + UMAX]!;
  const umaxHi = i[at + UMAX + 1]!;
  let smin = i[at + S32MIN]!;
  let smax = i[at + S32MAX]!;
  let umin = i[at + U32MIN]! >>> 0;
  let umax = i[at + U32MAX]! >>> 0;
  // Within one block of 2^32 the low halves are a range themselves.
  if (uminHi === umaxHi) {
    if (uminLo >>> 0 > umin) umin = uminLo >>> 0;
    if (umaxLo >>> 0 < umax) umax = umaxLo >>> 0;
    if (uminLo <= umaxLo) {
      if (uminLo > smin) smin = uminLo;
      if (umaxLo < smax) smax = umaxLo;
    }
  }
  if (sminHi === smaxHi) {
    if (sminLo >>> 0 <= smaxLo >>> 0) {
      if (sminLo >>> 0 > umin) umin = sminLo >>> 0;
      if (smaxLo >>> 0 < umax) umax = smaxLo >>> 0;
    }
    if (sminLo <= smaxLo) {
      if (sminLo > smin) smin = sminLo;
      if (smaxLo < smax) smax = smaxLo;
    }
  }
  // Across one block boundary, from a low half that is negative to one that is not, they are a signed range.
  if (((uminHi + 1) | 0) === umaxHi && uminLo < 0 && umaxLo >= 0) {
    if (uminLo > smin) smin = uminLo;
    if (umaxLo < smax) smax = umaxLo;
  }
  if (((sminHi + 1) | 0) === smaxHi && sminLo < 0 && smaxLo >= 0) {
    if (sminLo > smin) smin = sminLo;
    if (smaxLo < smax) smax = smaxLo;
  }
  // Ranges that do not cross the sign say the same in both readings.
  if ((umin | 0) <= (umax | 0)) {
    if ((umin | 0) > smin) smin = umin | 0;
    if ((umax | 0) < smax) smax = umax | 0;
  }
  if (smin >>> 0 <= smax >>> 0) {
    if (smin >>> 0 > umin) umin = smin >>> 0;
    if (smax >>> 0 < umax) umax = smax >>> 0;
  } else if (umax < smin >>> 0) {
    smin = umin | 0;
    if (smax >>> 0 < umax) umax = smax >>> 0;
  } else if (smax >>> 0 < umin) {
    smax = umax | 0;
    if (smin >>> 0 > umin) umin = smin >>> 0;
  }
  if (
    smin === i[at + S32MIN] &&
    smax === i[at + S32MAX] &&
    (umin | 0) === i[at + U32MIN] &&
    (umax | 0) === i[at + U32MAX]
  ) {
    return false;
  }
  i[at + S32MIN] = smin;
  i[at + S32MAX] = smax;
  i[at + U32MIN] = umin;
  i[at + U32MAX] = umax;
  return true;
}

/** Narrows the 64-bit ranges from one another: lanes read as signed or as unsigned numbers. */
function deduce64(i: Int32Array, at: number): boolean {
  const smin = at + SMIN;
  const smax = at + SMAX;
  const umin = at + UMIN;
  const umax = at + UMAX;
  let changed = false;
  if (!lessSigned(i, umax, i, umin)) {
    if (lessSigned(i, smin, i, umin)) {
      copy64(i, smin, i, umin);
      changed = true;
    }
    if (lessSigned(i, umax, i, smax)) {
      copy64(i, smax, i, umax);
      changed = true;
    }
  }
  if (!lessUnsigned(i, smax, i, smin)) {
    if (lessUnsigned(i, umin, i, smin)) {
      copy64(i, umin, i, smin);
      changed = true;
    }
    if (lessUnsigned(i, smax, i, umax)) {
      copy64(i, umax, i, smax);
      changed = true;
    }
  } else if (lessUnsigned(i, umax, i, smin)) {
    // The signed range covers both ends of the unsigned numbers; the unsigned one meets only the low end.
    copy64(i, smin, i, umin);
    if (lessUnsigned(i, smax, i, umax)) copy64(i, umax, i, smax);
    changed = true;
  } else if (lessUnsigned(i, smax, i, umin)) {
    copy64(i, smax, i, umax);
    if (lessUnsigned(i, umin, i, smin)) copy64(i, umin, i, smin);
    changed = true;
  }
  return changed;
}

/** Narrows the 64-bit ranges by what the 32-bit ones say about their low halves. */
function deduceMixed(i: Int32Array, at: number): boolean {
  const lowMin = i[at + U32MIN]!;
  const lowMax = i[at + U32MAX]!;
  let changed = false;
  for (let lane = at + SMIN; lane <= at + UMIN; lane += UMIN - SMIN) {
    if (lowMin >>> 0 > i[lane]! >>> 0) {
      i[lane] = lowMin;
      changed = true;
    }
  }
  for (let lane = at + SMAX; lane <= at + UMAX; lane += UMAX - SMAX) {
    if (lowMax >>> 0 < i[lane]! >>> 0) {
      i[lane] = lowMax;
      changed = true;
    }
  }
  // A sign-extended number whose low half is not negative is that low half.
  const low = i[at + S32MIN]!;
  if (low < 0) return changed;
  const sminHi = i[at + SMIN + 1]!;
  const smaxHi = i[at + SMAX + 1]!;
  if (!(sminHi >= 0 || (sminHi === -1 && i[at + SMIN]! < 0))) return changed;
  if (!(smaxHi < 0 || (smaxHi === 0 && i[at + SMAX]! >= 0))) return changed;
  const high = i[at + S32MAX]!;
  const highHi = high >> 31;
  settleBits(i, at, low, 0, high, highHi);
  if (isAt(i, at + SMIN, low, 0) && isAt(i, at + SMAX, high, highHi)) {
    if (isAt(i, at + UMIN, low, 0) && isAt(i, at + UMAX, high, highHi)) return changed;
  }
  set64(i, at + SMIN, low, 0);
  set64(i, at + SMAX, high, highHi);
  set64(i, at + UMIN, low, 0);
  set64(i, at + UMAX, high, highHi);
  return true;
}

const isAt = (i: Int32Array, lane: number, lo: number, hi: number): boolean => i[lane] === lo && i[lane + 1] === hi;

/** The bits that a range min..max settles. */
function settleBits(i: Int32Array, at: number, minLo: number, minHi: number, maxLo: number, maxHi: number): void {
  const differHi = minHi ^ maxHi;
  // Nothing in common, not even the first bit.
  if (differHi < 0) return;
  const openHi = spread(differHi);
  const openLo = differHi !== 0 ? -1 : spread(minLo ^ maxLo);
  const maskLo = i[at + MASK]! & openLo;
  const maskHi = i[at + MASK + 1]! & openHi;
  i[at] = (i[at]! | (minLo & ~openLo)) & ~maskLo;
  i[at + 1] = (i[at + 1]! | (minHi & ~openHi)) & ~maskHi;
  i[at + MASK] = maskLo;
  i[at + MASK + 1] = maskHi;
}

/** The bits that the ranges settle. */
function bitsFromBounds(i: Int32Array, at: number): void {
  settleBits(i, at, i[at + UMIN]!, i[at + UMIN + 1]!, i[at + UMAX]!, i[at + UMAX + 1]!);
  const low = i[at + U32MIN]!;
  const open = spread(low ^ i[at + U32MAX]!);
  const mask = i[at + MASK]! & open;
  i[at] = (i[at]! | (low & ~open)) & ~mask;
  i[at + MASK] = mask;
}

/** The 64-bit half of what is known, where only the low 32 bits are and the rest is zero. `syncBounds` is to follow. */
export function zeroExtend32(r: Reg): void {
  const { i, at } = r;
  i[at + 1] = 0;
  i[at + MASK + 1] = 0;
  set64(i, at + UMIN, i[at + U32MIN]!, 0);
  set64(i, at + UMAX, i[at + U32MAX]!, 0);
  // A low half that is never negative carries its signed range over.
  const low = i[at + S32MIN]!;
  if (low >= 0) {
    const high = i[at + S32MAX]!;
    set64(i, at + SMIN, low, 0);
    set64(i, at + SMAX, high, high >> 31);
  } else {
    set64(i, at + SMIN, 0, 0);
    set64(i, at + SMAX, -1, 0);
  }
}

/** Truncates to the low `size` bytes (1, 2 or 4), zero above. */
export function truncate(r: Reg, size: number): void {
  const { i, at } = r;
  const mask = size === 4 ? -1 : (1 << (size * 8)) - 1;
  i[at]! &= mask;
  i[at + 1] = 0;
  i[at + MASK]! &= mask;
  i[at + MASK + 1] = 0;
  // Where the bits above do not change over the range, the range stays one when they go.
  if (i[at + UMIN + 1] === i[at + UMAX + 1] && (i[at + UMIN]! & ~mask) === (i[at + UMAX]! & ~mask)) {
    i[at + UMIN]! &= mask;
    i[at + UMAX]! &= mask;
  } else {
    i[at + UMIN] = 0;
    i[at + UMAX] = mask;
  }
  i[at + UMIN + 1] = 0;
  i[at + UMAX + 1] = 0;
  copy64(i, at + SMIN, i, at + UMIN);
  copy64(i, at + SMAX, i, at + UMAX);
  // Four bytes leave the 32-bit ranges as they are; of fewer, which are never negative, they are those of all 64 bits.
  if (size < 4) {
    i[at + S32MIN] = i[at + UMIN]!;
    i[at + S32MAX] = i[at + UMAX]!;
    i[at + U32MIN] = i[at + UMIN]!;
    i[at + U32MAX] = i[at + UMAX]!;
  }
  syncBounds(r);
}

/** Sign-extends the low `size` bytes (1, 2 or 4) to 64 bits. */
export function signExtend64(r: Reg, size: number): void {
  const bits = size * 8;
  if (r.isConst) {
    r.setConst(BigInt.asUintN(64, BigInt.asIntN(bits, r.value)));
    return;
  }
  const shift = BigInt(bits);
  if (r.smax >> shift === r.smin >> shift) {
    const lowMax = BigInt.asIntN(bits, r.smax);
    const lowMin = BigInt.asIntN(bits, r.smin);
    if (lowMax < 0n === lowMin < 0n) {
      const min = lowMax < lowMin ? lowMax : lowMin;
      const max = lowMax < lowMin ? lowMin : lowMax;
      r.smin = min;
      r.smax = max;
      r.umin = BigInt.asUintN(64, min);
      r.umax = BigInt.asUintN(64, max);
      r.varOff = tnumRange(r.umin, r.umax);
      r.s32min = Number(BigInt.asIntN(32, min));
      r.s32max = Number(BigInt.asIntN(32, max));
      r.u32min = r.s32min;
      r.u32max = r.s32max;
      return;
    }
  }
  const max = (1n << (shift - 1n)) - 1n;
  r.smin = -max - 1n;
  r.smax = max;
  r.umin = 0n;
  r.umax = 0xffff_ffff_ffff_ffffn;
  r.s32min = Number(BigInt.asIntN(32, -max - 1n));
  r.s32max = Number(BigInt.asIntN(32, max));
  r.u32min = 0;
  r.u32max = -1;
  r.varOff = { value: 0n, mask: 0xffff_ffff_ffff_ffffn };
}

/** Sign-extends the low `size` bytes (1 or 2) to 32 bits; the 64-bit half is for the caller to redo. */
export function signExtend32(r: Reg, size: number): void {
  const bits = size * 8;
  if (r.isConst) {
    r.setConst(BigInt.asUintN(64, BigInt.asIntN(bits, r.value) & 0xffff_ffffn));
    return;
  }
  if (r.s32max >> bits === r.s32min >> bits) {
    const shift = 32 - bits;
    const lowMax = (r.s32max << shift) >> shift;
    const lowMin = (r.s32min << shift) >> shift;
    if (lowMin < 0 === lowMax < 0) {
      const min = Math.min(lowMin, lowMax);
      const max = Math.max(lowMin, lowMax);
      r.s32min = min;
      r.s32max = max;
      r.u32min = min;
      r.u32max = max;
      const t: Tnum = tnumRange(BigInt(min >>> 0), BigInt(max >>> 0));
      r.varOff = tnumOr(tnumClearSubreg(r.varOff), tnumSubreg(t));
      return;
    }
  }
  const max = 2 ** (bits - 1) - 1;
  r.s32min = -max - 1;
  r.s32max = max;
  r.u32min = 0;
  r.u32max = -1;
  r.varOff = tnumOr(tnumClearSubreg(r.varOff), { value: 0n, mask: LOW32 });
}
