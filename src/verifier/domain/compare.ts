/**
 * Comparisons of two numbers of which only ranges and bits are known: is the answer settled, and what does each
 * answer teach? Linux: is_scalar_branch_taken(), regs_refine_cond_op().
 */
import {
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
} from '../../isa/index.ts';
import type { Reg } from '../state/reg.ts';
import { syncBounds } from './bounds.ts';
import { addSmall, copy64, lessSigned, lessUnsigned, MASK, SMAX, SMIN, same64, set64, UMAX, UMIN } from './lanes64.ts';
import { tnumAnd, tnumClearSubreg, tnumConst, tnumOr, tnumSubreg, tnumWithSubreg } from './tnum.ts';

/** Besides the jumps: "no bit of the mask is set", what a JSET that is not taken teaches. */
const JSET_NOT = BPF_JSET | 1;

/** The comparison that holds where `op` does not. */
export function negated(op: number): number {
  switch (op) {
    case BPF_JEQ:
      return BPF_JNE;
    case BPF_JNE:
      return BPF_JEQ;
    case BPF_JSET:
      return JSET_NOT;
    case JSET_NOT:
      return BPF_JSET;
    case BPF_JGE:
      return BPF_JLT;
    case BPF_JGT:
      return BPF_JLE;
    case BPF_JLE:
      return BPF_JGT;
    case BPF_JLT:
      return BPF_JGE;
    case BPF_JSGE:
      return BPF_JSLT;
    case BPF_JSGT:
      return BPF_JSLE;
    case BPF_JSLE:
      return BPF_JSGT;
    default:
      return BPF_JSGE;
  }
}

/** The comparison with its operands exchanged. */
export function flipped(op: number): number {
  switch (op) {
    case BPF_JGE:
      return BPF_JLE;
    case BPF_JGT:
      return BPF_JLT;
    case BPF_JLE:
      return BPF_JGE;
    case BPF_JLT:
      return BPF_JGT;
    case BPF_JSGE:
      return BPF_JSLE;
    case BPF_JSGT:
      return BPF_JSLT;
    case BPF_JSLE:
      return BPF_JSGE;
    case BPF_JSLT:
      return BPF_JSGT;
    default:
      return op;
  }
}

/** 1: `a op b` always holds, 0: never, -1: it depends. */
export function isTaken(op: number, is32: boolean, a: Reg, b: Reg): -1 | 0 | 1 {
  return is32 ? isTaken32(op, a, b) : isTaken64(op, a, b);
}

function isTaken32(op: number, a: Reg, b: Reg): -1 | 0 | 1 {
  const { i, at } = a;
  const j = b.i;
  const bt = b.at;
  const umin1 = a.u32min;
  const umax1 = a.u32max;
  const umin2 = b.u32min;
  const umax2 = b.u32max;
  const smin1 = a.s32min;
  const smax1 = a.s32max;
  const smin2 = b.s32min;
  const smax2 = b.s32max;
  switch (op) {
    case BPF_JEQ:
    case BPF_JNE: {
      const yes = op === BPF_JEQ ? 1 : 0;
      const no = op === BPF_JEQ ? 0 : 1;
      if (i[at + 2] === 0 && j[bt + 2] === 0) return i[at] === j[bt] ? yes : no;
      const known = ~i[at + 2]! & ~j[bt + 2]!;
      if ((i[at]! & known) !== (j[bt]! & known)) return no;
      if (umin1 > umax2 || umax1 < umin2) return no;
      if (smin1 > smax2 || smax1 < smin2) return no;
      return -1;
    }
    case BPF_JSET: {
      if (j[bt + 2] !== 0) {
        // The mask is settled by the other operand only.
        if (i[at + 2] !== 0) return -1;
        return bitsTaken32(j[bt]!, j[bt + 2]!, i[at]!);
      }
      return bitsTaken32(i[at]!, i[at + 2]!, j[bt]!);
    }
    case BPF_JGT:
      return umin1 > umax2 ? 1 : umax1 <= umin2 ? 0 : -1;
    case BPF_JSGT:
      return smin1 > smax2 ? 1 : smax1 <= smin2 ? 0 : -1;
    case BPF_JLT:
      return umax1 < umin2 ? 1 : umin1 >= umax2 ? 0 : -1;
    case BPF_JSLT:
      return smax1 < smin2 ? 1 : smin1 >= smax2 ? 0 : -1;
    case BPF_JGE:
      return umin1 >= umax2 ? 1 : umax1 < umin2 ? 0 : -1;
    case BPF_JSGE:
      return smin1 >= smax2 ? 1 : smax1 < smin2 ? 0 : -1;
    case BPF_JLE:
      return umax1 <= umin2 ? 1 : umin1 > umax2 ? 0 : -1;
    case BPF_JSLE:
      return smax1 <= smin2 ? 1 : smin1 > smax2 ? 0 : -1;
    default:
      return -1;
  }
}

function bitsTaken32(value: number, mask: number, bits: number): -1 | 0 | 1 {
  if ((~mask & value & bits) !== 0) return 1;
  return ((mask | value) & bits) === 0 ? 0 : -1;
}

function isTaken64(op: number, a: Reg, b: Reg): -1 | 0 | 1 {
  const { i, at } = a;
  const j = b.i;
  const by = b.at;
  switch (op) {
    case BPF_JEQ:
    case BPF_JNE: {
      const yes = op === BPF_JEQ ? 1 : 0;
      const no = op === BPF_JEQ ? 0 : 1;
      if (a.isConst && b.isConst) return same64(i, at, j, by) ? yes : no;
      if (!bitsOverlap(i, at, j, by)) return no;
      if (lessUnsigned(j, by + UMAX, i, at + UMIN) || lessUnsigned(i, at + UMAX, j, by + UMIN)) return no;
      if (lessSigned(j, by + SMAX, i, at + SMIN) || lessSigned(i, at + SMAX, j, by + SMIN)) return no;
      // Ranges that cannot be told apart in 64 bits may differ in the low half.
      if (a.u32min > b.u32max || a.u32max < b.u32min) return no;
      if (a.s32min > b.s32max || a.s32max < b.s32min) return no;
      return -1;
    }
    case BPF_JSET: {
      if (!b.isConst) return a.isConst ? bitsTaken64(b, a.value) : -1;
      return bitsTaken64(a, b.value);
    }
    case BPF_JGT:
      return isAbove(i, at, j, by);
    case BPF_JSGT:
      return isAboveSigned(i, at, j, by);
    case BPF_JLT:
      return isAbove(j, by, i, at);
    case BPF_JSLT:
      return isAboveSigned(j, by, i, at);
    case BPF_JGE:
      return not(isAbove(j, by, i, at));
    case BPF_JSGE:
      return not(isAboveSigned(j, by, i, at));
    case BPF_JLE:
      return not(isAbove(i, at, j, by));
    case BPF_JSLE:
      return not(isAboveSigned(i, at, j, by));
    default:
      return -1;
  }
}

type Answer = -1 | 0 | 1;
const not = (x: Answer): Answer => (x === -1 ? -1 : x === 0 ? 1 : 0);

/** Whether every number of the first range is above every one of the second, or none is. */
function isAbove(i: Int32Array, at: number, j: Int32Array, by: number): Answer {
  if (lessUnsigned(j, by + UMAX, i, at + UMIN)) return 1;
  return lessUnsigned(j, by + UMIN, i, at + UMAX) ? -1 : 0;
}

function isAboveSigned(i: Int32Array, at: number, j: Int32Array, by: number): Answer {
  if (lessSigned(j, by + SMAX, i, at + SMIN)) return 1;
  return lessSigned(j, by + SMIN, i, at + SMAX) ? -1 : 0;
}

/** Whether the bits that both know agree. */
function bitsOverlap(i: Int32Array, at: number, j: Int32Array, by: number): boolean {
  const lo = (i[at]! ^ j[by]!) & ~i[at + MASK]! & ~j[by + MASK]!;
  const hi = (i[at + 1]! ^ j[by + 1]!) & ~i[at + MASK + 1]! & ~j[by + MASK + 1]!;
  return (lo | hi) === 0;
}

function bitsTaken64(r: Reg, bits: bigint): Answer {
  const { value, mask } = r;
  if ((~mask & value & bits) !== 0n) return 1;
  return ((mask | value) & bits) === 0n ? 0 : -1;
}

/** Narrows `a` and `b` by the fact that `a op b` holds. */
function refine(op: number, is32: boolean, a: Reg, b: Reg): void {
  switch (op) {
    case BPF_JEQ:
      if (is32) refineEqual32(a, b);
      else refineEqual64(a, b);
      break;
    case BPF_JNE:
      refineNotEqual(is32, a, b);
      break;
    case BPF_JSET:
      refineBitSet(is32, a, b);
      break;
    case JSET_NOT:
      refineBitsClear(is32, a, b);
      break;
    case BPF_JLE:
      refineUnsigned(is32, a, b, 0);
      break;
    case BPF_JLT:
      refineUnsigned(is32, a, b, 1);
      break;
    case BPF_JGE:
      refineUnsigned(is32, b, a, 0);
      break;
    case BPF_JGT:
      refineUnsigned(is32, b, a, 1);
      break;
    case BPF_JSLE:
      refineSigned(is32, a, b, 0);
      break;
    case BPF_JSLT:
      refineSigned(is32, a, b, 1);
      break;
    case BPF_JSGE:
      refineSigned(is32, b, a, 0);
      break;
    case BPF_JSGT:
      refineSigned(is32, b, a, 1);
      break;
    default:
      break;
  }
}

function refineEqual32(a: Reg, b: Reg): void {
  const umin = Math.max(a.u32min, b.u32min);
  const umax = Math.min(a.u32max, b.u32max);
  const smin = Math.max(a.s32min, b.s32min);
  const smax = Math.min(a.s32max, b.s32max);
  const mask = a.i[a.at + MASK]! & b.i[b.at + MASK]!;
  const value = (a.i[a.at]! | b.i[b.at]!) & ~mask;
  for (let r = a; ; r = b) {
    r.u32min = umin;
    r.u32max = umax;
    r.s32min = smin;
    r.s32max = smax;
    r.i[r.at] = value;
    r.i[r.at + MASK] = mask;
    if (r === b) break;
  }
}

function refineEqual64(a: Reg, b: Reg): void {
  const { i, at } = a;
  const j = b.i;
  const by = b.at;
  if (lessUnsigned(i, at + UMIN, j, by + UMIN)) copy64(i, at + UMIN, j, by + UMIN);
  if (lessUnsigned(j, by + UMAX, i, at + UMAX)) copy64(i, at + UMAX, j, by + UMAX);
  if (lessSigned(i, at + SMIN, j, by + SMIN)) copy64(i, at + SMIN, j, by + SMIN);
  if (lessSigned(j, by + SMAX, i, at + SMAX)) copy64(i, at + SMAX, j, by + SMAX);
  for (let k = 0; k < 2; k++) {
    const mask = i[at + MASK + k]! & j[by + MASK + k]!;
    i[at + k] = (i[at + k]! | j[by + k]!) & ~mask;
    i[at + MASK + k] = mask;
  }
  // Value, mask and ranges: the same for both.
  for (let k = 0; k < UMAX + 2; k++) j[by + k] = i[at + k]!;
}

/** Only a known operand at the edge of the other's range teaches something. */
function refineNotEqual(is32: boolean, a: Reg, b: Reg): void {
  if (!(is32 ? b.isSubregConst : b.isConst)) {
    if (!(is32 ? a.isSubregConst : a.isConst)) return;
    refineNotEqual(is32, b, a);
    return;
  }
  if (is32) {
    const value = b.i[b.at]!;
    if (a.u32min === value >>> 0) a.u32min = value + 1;
    if (a.u32max === value >>> 0) a.u32max = value - 1;
    if (a.s32min === value) a.s32min = value + 1;
    if (a.s32max === value) a.s32max = value - 1;
  } else {
    const { i, at } = a;
    const j = b.i;
    const by = b.at;
    if (same64(i, at + UMIN, j, by)) addSmall(i, at + UMIN, 1);
    if (same64(i, at + UMAX, j, by)) addSmall(i, at + UMAX, -1);
    if (same64(i, at + SMIN, j, by)) addSmall(i, at + SMIN, 1);
    if (same64(i, at + SMAX, j, by)) addSmall(i, at + SMAX, -1);
  }
}

/** Of a mask with one bit, that bit is set in the other. */
function refineBitSet(is32: boolean, a: Reg, b: Reg): void {
  if (!(is32 ? b.isSubregConst : b.isConst)) {
    if (!(is32 ? a.isSubregConst : a.isConst)) return;
    refineBitSet(is32, b, a);
    return;
  }
  const bits = is32 ? BigInt(b.u32min) : b.value;
  if (bits === 0n || (bits & (bits - 1n)) !== 0n) return;
  if (is32) a.varOff = tnumWithSubreg(a.varOff, tnumOr(tnumSubreg(a.varOff), tnumConst(bits)));
  else a.varOff = tnumOr(a.varOff, tnumConst(bits));
}

function refineBitsClear(is32: boolean, a: Reg, b: Reg): void {
  if (!(is32 ? b.isSubregConst : b.isConst)) {
    if (!(is32 ? a.isSubregConst : a.isConst)) return;
    refineBitsClear(is32, b, a);
    return;
  }
  // Ranges are redone from the bits: on a path that cannot be, they might contradict each other.
  a.setUnbounded();
  if (is32) {
    const low = tnumAnd(tnumSubreg(a.varOff), tnumConst(~BigInt(b.u32min)));
    a.varOff = tnumOr(tnumClearSubreg(a.varOff), tnumSubreg(low));
  } else {
    a.varOff = tnumAnd(a.varOff, tnumConst(~b.value));
  }
}

/** a <= b, or a + 1 <= b where `gap` is 1. */
function refineUnsigned(is32: boolean, a: Reg, b: Reg, gap: 0 | 1): void {
  if (is32) {
    const max = Math.min(a.u32max, b.u32max - gap);
    const min = Math.max(a.u32min + gap, b.u32min);
    a.u32max = max;
    b.u32min = min;
  } else {
    narrow(a, b, UMIN, UMAX, gap, UNSIGNED);
  }
}

function refineSigned(is32: boolean, a: Reg, b: Reg, gap: 0 | 1): void {
  if (is32) {
    const max = Math.min(a.s32max, b.s32max - gap);
    const min = Math.max(a.s32min + gap, b.s32min);
    a.s32max = max;
    b.s32min = min;
  } else {
    narrow(a, b, SMIN, SMAX, gap, SIGNED);
  }
}

/** What high halves are turned over by, so that they compare as unsigned numbers do. */
const UNSIGNED = 0;
const SIGNED = -0x8000_0000;

/** a.max = min(a.max, b.max - gap), b.min = max(b.min, a.min + gap), as 64-bit numbers of that sign. */
function narrow(a: Reg, b: Reg, min: number, max: number, gap: 0 | 1, sign: number): void {
  const { i } = a;
  const j = b.i;
  const aMax = a.at + max;
  const bMax = b.at + max;
  const aMin = a.at + min;
  const bMin = b.at + min;
  const topHi = j[bMax + 1]! - (gap === 1 && j[bMax] === 0 ? 1 : 0);
  const topLo = j[bMax]! - gap;
  const bottomHi = i[aMin + 1]! + (gap === 1 && i[aMin] === -1 ? 1 : 0);
  const bottomLo = i[aMin]! + gap;
  const mineHi = (i[aMax + 1]! ^ sign) >>> 0;
  const newHi = (topHi ^ sign) >>> 0;
  if (newHi < mineHi || (newHi === mineHi && topLo >>> 0 < i[aMax]! >>> 0)) set64(i, aMax, topLo, topHi);
  const otherHi = (j[bMin + 1]! ^ sign) >>> 0;
  const lowHi = (bottomHi ^ sign) >>> 0;
  if (lowHi > otherHi || (lowHi === otherHi && bottomLo >>> 0 > j[bMin]! >>> 0)) set64(j, bMin, bottomLo, bottomHi);
}

/** Narrows both by `a op b`, and lets all ranges settle. */
export function learn(op: number, is32: boolean, a: Reg, b: Reg): void {
  refine(op, is32, a, b);
  syncBounds(a);
  syncBounds(b);
}
