/**
 * Keeping what is known about a number consistent: bits, signed and unsigned ranges in 64 and 32 bits teach one another.
 *
 * Every step only narrows. How often the steps repeat is visible in the logs Linux prints, so it is as there.
 * Linux: kernel/bpf/verifier.c, reg_bounds_sync().
 */
import type { Reg } from '../state/reg.ts';
import { type Tnum, tnumClearSubreg, tnumIntersect, tnumOr, tnumRange, tnumStep, tnumSubreg } from './tnum.ts';

const S64_SIGN = 1n << 63n;
const LOW32 = 0xffff_ffffn;
const HIGH32 = 0xffff_ffff_0000_0000n;

/** Ranges and bits of `r` learn all they can from one another. */
export function syncBounds(r: Reg): void {
  if (r.isConst) {
    r.setConst(r.value);
    return;
  }
  boundsFromBits(r);
  deduceBounds(r);
  deduceBounds(r);
  deduceBounds(r);
  bitsFromBounds(r);
  boundsFromBits(r);
}

/** The ranges that the known bits allow. */
export function boundsFromBits(r: Reg): void {
  bounds64FromBits(r);
  bounds32FromBits(r);
}

function bounds64FromBits(r: Reg): void {
  const value = r.value;
  const mask = r.mask;
  const lowest = BigInt.asIntN(64, value | (mask & S64_SIGN));
  const highest = BigInt.asIntN(64, value | (mask & (S64_SIGN - 1n)));
  if (lowest > r.smin) r.smin = lowest;
  if (highest < r.smax) r.smax = highest;
  if (value > r.umin) r.umin = value;
  const all = value | mask;
  if (all < r.umax) r.umax = all;
  onlyNumber(r);
}

/** Whether the unsigned minimum is one of the numbers that the bits allow. */
function isInside(i: Int32Array, at: number): boolean {
  return (i[at + 8]! & ~i[at + 2]!) === i[at] && (i[at + 9]! & ~i[at + 3]!) === i[at + 1];
}

/** Where range and bits have just one number in common, it is that one. */
function onlyNumber(r: Reg): void {
  const { i, at } = r;
  // With the lowest bit open, a range of several numbers that begins inside has another one right after.
  if (
    (i[at + 2]! & 1) !== 0 &&
    (i[at + 8]! & 1) === 0 &&
    isInside(i, at) &&
    !(i[at + 8] === i[at + 10] && i[at + 9] === i[at + 11])
  )
    return;
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
  const value = r.i[r.at]!;
  const mask = r.i[r.at + 2]!;
  const lowest = value | (mask & -0x8000_0000);
  const highest = value | (mask & 0x7fff_ffff);
  if (lowest > r.s32min) r.s32min = lowest;
  if (highest < r.s32max) r.s32max = highest;
  if (value >>> 0 > r.u32min) r.u32min = value;
  const all = (value | mask) >>> 0;
  if (all < r.u32max) r.u32max = all;
}

function deduceBounds(r: Reg): void {
  deduce32(r);
  deduce64(r);
  deduceMixed(r);
}

/** Narrows the 32-bit ranges from the 64-bit ones and from one another. */
function deduce32(r: Reg): void {
  const { i, at } = r;
  // Halves of the 64-bit ranges: smin, smax, umin, umax in layout order.
  const sminLo = i[at + 4]!;
  const sminHi = i[at + 5]!;
  const smaxLo = i[at + 6]!;
  const smaxHi = i[at + 7]!;
  const uminLo = i[at + 8]!;
  const uminHi = i[at + 9]!;
  const umaxLo = i[at + 10]!;
  const umaxHi = i[at + 11]!;
  let smin = r.s32min;
  let smax = r.s32max;
  let umin = r.u32min;
  let umax = r.u32max;
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
  r.s32min = smin;
  r.s32max = smax;
  r.u32min = umin;
  r.u32max = umax;
}

/** Narrows the 64-bit ranges from one another. */
function deduce64(r: Reg): void {
  let smin = r.smin;
  let smax = r.smax;
  let umin = r.umin;
  let umax = r.umax;
  const uminS = BigInt.asIntN(64, umin);
  const umaxS = BigInt.asIntN(64, umax);
  if (uminS <= umaxS) {
    if (uminS > smin) smin = uminS;
    if (umaxS < smax) smax = umaxS;
  }
  const sminU = BigInt.asUintN(64, smin);
  const smaxU = BigInt.asUintN(64, smax);
  if (sminU <= smaxU) {
    if (sminU > umin) umin = sminU;
    if (smaxU < umax) umax = smaxU;
  } else if (umax < sminU) {
    // The signed range covers both ends of the unsigned numbers; the unsigned one meets only the low end.
    smin = BigInt.asIntN(64, umin);
    if (smaxU < umax) umax = smaxU;
  } else if (smaxU < umin) {
    smax = BigInt.asIntN(64, umax);
    if (sminU > umin) umin = sminU;
  }
  r.smin = smin;
  r.smax = smax;
  r.umin = umin;
  r.umax = umax;
}

/** Narrows the 64-bit ranges by what the 32-bit ones say about their low halves. */
function deduceMixed(r: Reg): void {
  const lowMin = BigInt(r.u32min);
  const lowMax = BigInt(r.u32max);
  const umin = (r.umin & HIGH32) | lowMin;
  const umax = (r.umax & HIGH32) | lowMax;
  if (umin > r.umin) r.umin = umin;
  if (umax < r.umax) r.umax = umax;
  const smin = BigInt.asIntN(64, (BigInt.asUintN(64, r.smin) & HIGH32) | lowMin);
  const smax = BigInt.asIntN(64, (BigInt.asUintN(64, r.smax) & HIGH32) | lowMax);
  if (smin > r.smin) r.smin = smin;
  if (smax < r.smax) r.smax = smax;
  // A sign-extended number whose low half is not negative is that low half.
  if (r.s32min >= 0 && r.smin >= -0x8000_0000n && r.smax <= 0x7fff_ffffn) {
    const low = BigInt(r.s32min);
    const high = BigInt(r.s32max);
    r.smin = low;
    r.smax = high;
    r.umin = low;
    r.umax = high;
    r.varOff = tnumIntersect(r.varOff, tnumRange(BigInt.asUintN(64, low), BigInt.asUintN(64, high)));
  }
}

/** The bits that the ranges settle. */
function bitsFromBounds(r: Reg): void {
  const whole = tnumIntersect(r.varOff, tnumRange(r.umin, r.umax));
  const low = tnumIntersect(tnumSubreg(whole), tnumRange(BigInt(r.u32min), BigInt(r.u32max)));
  r.varOff = tnumOr(tnumClearSubreg(whole), low);
}

/** The 64-bit half of what is known, where only the low 32 bits are and the rest is zero. */
export function zeroExtend32(r: Reg): void {
  const t = r.varOff;
  r.varOff = { value: t.value & LOW32, mask: t.mask & LOW32 };
  r.umin = BigInt(r.u32min);
  r.umax = BigInt(r.u32max);
  // A low half that is never negative carries its signed range over.
  if (r.s32min >= 0) {
    r.smin = BigInt(r.s32min);
    r.smax = BigInt(r.s32max);
  } else {
    r.smin = 0n;
    r.smax = LOW32;
  }
  syncBounds(r);
}

/** Truncates to the low `size` bytes (1, 2, 4 or 8), zero above. */
export function truncate(r: Reg, size: number): void {
  const bits = BigInt(size * 8);
  const mask = (1n << bits) - 1n;
  const t = r.varOff;
  r.varOff = { value: t.value & mask, mask: t.mask & mask };
  // Where the bits above do not change over the range, the range stays one when they go.
  if ((r.umin & ~mask) === (r.umax & ~mask)) {
    r.umin &= mask;
    r.umax &= mask;
  } else {
    r.umin = 0n;
    r.umax = mask;
  }
  r.smin = BigInt.asIntN(64, r.umin);
  r.smax = BigInt.asIntN(64, r.umax);
  // Less than four bytes leave nothing of the 32-bit ranges; four leave them as they are.
  if (size < 4) r.setUnbounded32();
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
