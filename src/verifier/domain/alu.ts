/**
 * Arithmetic on what is known about two numbers: `dst = dst op src`, in 64 bits and in the low 32.
 *
 * Each operation updates bits and both widths of ranges; `alu` then lets them teach one another. For 32-bit
 * instructions the upper half is cleared at the end. Linux: adjust_scalar_min_max_vals().
 */
import {
  BPF_ADD,
  BPF_AND,
  BPF_ARSH,
  BPF_LSH,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from '../../isa/index.ts';
import { S32MAX, S32MIN } from '../state/layout.ts';
import type { Reg } from '../state/reg.ts';
import { bounds32FromBits, boundsFromBits, syncBounds, truncate, zeroExtend32 } from './bounds.ts';
import {
  add,
  addCarries,
  addOverflows,
  copy64,
  isAbovePower,
  lessSigned,
  lessUnsigned,
  MASK,
  SMAX,
  SMIN,
  set64,
  shiftLeft,
  shiftRight,
  shiftRightSigned,
  subtract,
  subtractOverflows,
  UMAX,
  UMIN,
} from './lanes64.ts';
import { mulBits } from './multiply.ts';
import { tnumNeg, tnumSwap } from './tnum.ts';

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const U64_MAX = (1n << 64n) - 1n;
const S32_MIN = -0x8000_0000;
const S32_MAX = 0x7fff_ffff;
const U32_MAX = 0xffff_ffff;
const u64 = (x: bigint) => BigInt.asUintN(64, x);

/** `dst = dst op src`. `is32`: on the low halves, the upper half becomes zero. `src` is not changed for good. */
export function alu(op: number, is32: boolean, dst: Reg, src: Reg): void {
  if (!isSafe(op, is32, src)) {
    dst.markUnknown();
    return;
  }
  switch (op) {
    case BPF_ADD:
      addNumbers(dst, src);
      break;
    case BPF_SUB:
      subNumbers(dst, src);
      break;
    case BPF_NEG: {
      // 0 - dst: `src` is the constant zero of the caller's making.
      const t = tnumNeg(dst.varOff);
      neg(dst);
      dst.varOff = t;
      break;
    }
    case BPF_MUL:
      mulBits(dst, src);
      mul32(dst, src);
      mul64(dst, src);
      break;
    case BPF_AND:
      andBits(dst, src);
      and32(dst, src);
      and64(dst, src);
      break;
    case BPF_OR:
      orBits(dst, src);
      or32(dst, src);
      or64(dst, src);
      break;
    case BPF_XOR:
      xorBits(dst, src);
      xor32(dst, src);
      xor64(dst, src);
      break;
    case BPF_LSH:
      if (is32) lsh32(dst, src);
      else lsh64(dst, src);
      break;
    case BPF_RSH:
      if (is32) rsh32(dst, src);
      else rsh64(dst, src);
      break;
    case BPF_ARSH:
      if (is32) arsh32(dst, src);
      else arsh64(dst, src);
      break;
    default:
      break;
  }
  if (is32) zeroExtend32(dst);
  syncBounds(dst);
}

/** Byte order: the low `size` bytes, in reverse order where `swap`, and zero above. */
export function swapBytes(dst: Reg, size: number, swap: boolean): void {
  if (swap) {
    dst.varOff = tnumSwap(dst.varOff, size);
    dst.setUnbounded();
  }
  if (size < 8) truncate(dst, size);
  syncBounds(dst);
}

/** `d += s`, ranges and bits, without letting them teach one another. */
export function addNumbers(d: Reg, s: Reg): void {
  add32(d, s);
  add64(d, s);
  addBits(d, s);
}

/** As addNumbers for the 64-bit ranges and bits of a pointer's variable part, where a sum that may wrap is any number. */
export function addWide(d: Reg, s: Reg): void {
  const { i, at } = d;
  const wraps = addCarries(i, at + UMAX, s.i, s.at + UMAX);
  add64(d, s);
  if (wraps) setUnboundedUnsigned(i, at);
  addBits(d, s);
}

/** `d -= s`, likewise. */
function subNumbers(d: Reg, s: Reg): void {
  sub32(d, s);
  sub64(d, s);
  subBits(d, s);
}

/** Whether the operation can be followed: shifts need a count below the width, division and modulo cannot be. */
function isSafe(op: number, is32: boolean, src: Reg): boolean {
  switch (op) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_NEG:
    case BPF_AND:
    case BPF_XOR:
    case BPF_OR:
    case BPF_MUL:
      return true;
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH:
      return (is32 ? src.isSubregConst : src.isConst) && src.isUmaxBelow(is32 ? 5 : 6);
    default:
      return false;
  }
}

function add64(d: Reg, s: Reg): void {
  const { i, at } = d;
  const j = s.i;
  const by = s.at;
  if (addOverflows(i, at + SMIN, j, by + SMIN) || addOverflows(i, at + SMAX, j, by + SMAX)) {
    setUnboundedSigned(i, at);
  } else {
    add(i, at + SMIN, j, by + SMIN);
    add(i, at + SMAX, j, by + SMAX);
  }
  // Both ends wrap, or neither: still one range.
  if (addCarries(i, at + UMIN, j, by + UMIN) !== addCarries(i, at + UMAX, j, by + UMAX)) {
    setUnboundedUnsigned(i, at);
  } else {
    add(i, at + UMIN, j, by + UMIN);
    add(i, at + UMAX, j, by + UMAX);
  }
}

function setUnboundedSigned(i: Int32Array, at: number): void {
  set64(i, at + SMIN, 0, S32_MIN);
  set64(i, at + SMAX, -1, S32_MAX);
}

function setUnboundedUnsigned(i: Int32Array, at: number): void {
  set64(i, at + UMIN, 0, 0);
  set64(i, at + UMAX, -1, -1);
}

/** Bits of `d + s`: unknown where an operand's are, or where a carry may or may not arrive. */
function addBits(d: Reg, s: Reg): void {
  const { i, at } = d;
  const j = s.i;
  const by = s.at;
  const maskLo = i[at + MASK]! | j[by + MASK]!;
  const maskHi = i[at + MASK + 1]! | j[by + MASK + 1]!;
  // The sum of the known bits, and with it all unknown ones added.
  add(i, at, j, by);
  add(i, at + MASK, j, by + MASK);
  add(i, at + MASK, i, at);
  setOpen(i, at, (i[at + MASK]! ^ i[at]!) | maskLo, (i[at + MASK + 1]! ^ i[at + 1]!) | maskHi);
}

/** Says which bits are unknown; of the value the others stay. */
function setOpen(i: Int32Array, at: number, maskLo: number, maskHi: number): void {
  i[at]! &= ~maskLo;
  i[at + 1]! &= ~maskHi;
  i[at + MASK] = maskLo;
  i[at + MASK + 1] = maskHi;
}

function andBits(d: Reg, s: Reg): void {
  const { i, at } = d;
  const j = s.i;
  for (let k = 0; k < 2; k++) {
    const mine = i[at + k]!;
    const other = j[s.at + k]!;
    const value = mine & other;
    i[at + k] = value;
    i[at + MASK + k] = (mine | i[at + MASK + k]!) & (other | j[s.at + MASK + k]!) & ~value;
  }
}

function orBits(d: Reg, s: Reg): void {
  const { i, at } = d;
  const j = s.i;
  for (let k = 0; k < 2; k++) {
    const value = i[at + k]! | j[s.at + k]!;
    i[at + k] = value;
    i[at + MASK + k] = (i[at + MASK + k]! | j[s.at + MASK + k]!) & ~value;
  }
}

function xorBits(d: Reg, s: Reg): void {
  const { i, at } = d;
  const j = s.i;
  for (let k = 0; k < 2; k++) {
    const mask = i[at + MASK + k]! | j[s.at + MASK + k]!;
    i[at + k] = (i[at + k]! ^ j[s.at + k]!) & ~mask;
    i[at + MASK + k] = mask;
  }
}

function add32(d: Reg, s: Reg): void {
  const smin = d.s32min + s.s32min;
  const smax = d.s32max + s.s32max;
  if (smin < S32_MIN || smin > S32_MAX || smax < S32_MIN || smax > S32_MAX) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = smin;
    d.s32max = smax;
  }
  const umin = d.u32min + s.u32min;
  const umax = d.u32max + s.u32max;
  if (umin > U32_MAX !== umax > U32_MAX) {
    d.u32min = 0;
    d.u32max = -1;
  } else {
    d.u32min = umin | 0;
    d.u32max = umax | 0;
  }
}

function sub64(d: Reg, s: Reg): void {
  const { i, at } = d;
  const j = s.i;
  const by = s.at;
  if (subtractOverflows(i, at + SMIN, j, by + SMAX) || subtractOverflows(i, at + SMAX, j, by + SMIN)) {
    setUnboundedSigned(i, at);
  } else {
    subtract(i, at + SMIN, j, by + SMAX);
    subtract(i, at + SMAX, j, by + SMIN);
  }
  // Both ends wrap, or neither: still one range.
  if (lessUnsigned(i, at + UMIN, j, by + UMAX) !== lessUnsigned(i, at + UMAX, j, by + UMIN)) {
    setUnboundedUnsigned(i, at);
  } else {
    subtract(i, at + UMIN, j, by + UMAX);
    subtract(i, at + UMAX, j, by + UMIN);
  }
}

/** Bits of `d - s`: unknown where an operand's are, or where a borrow may or may not arrive. */
function subBits(d: Reg, s: Reg): void {
  const { i, at } = d;
  const j = s.i;
  const by = s.at;
  const maskLo = i[at + MASK]! | j[by + MASK]!;
  const maskHi = i[at + MASK + 1]! | j[by + MASK + 1]!;
  // The difference of the known bits: most with the unknown ones of `d` added, least with those of `s` taken away.
  subtract(i, at, j, by);
  const leastLo = i[at]! - j[by + MASK]!;
  const leastHi = i[at + 1]! - j[by + MASK + 1]! - (i[at]! >>> 0 < j[by + MASK]! >>> 0 ? 1 : 0);
  add(i, at + MASK, i, at);
  setOpen(i, at, (i[at + MASK]! ^ leastLo) | maskLo, (i[at + MASK + 1]! ^ leastHi) | maskHi);
}

function sub32(d: Reg, s: Reg): void {
  const smin = d.s32min - s.s32max;
  const smax = d.s32max - s.s32min;
  if (smin < S32_MIN || smin > S32_MAX || smax < S32_MIN || smax > S32_MAX) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = smin;
    d.s32max = smax;
  }
  const umin = d.u32min - s.u32max;
  const umax = d.u32max - s.u32min;
  if (umin < 0 !== umax < 0) {
    d.u32min = 0;
    d.u32max = -1;
  } else {
    d.u32min = umin | 0;
    d.u32max = umax | 0;
  }
}

/** Ranges of 0 - d, as sub64 and sub32 would give them. */
function neg(d: Reg): void {
  const smin = -d.smax;
  const smax = -d.smin;
  const s32min = -d.s32max;
  const s32max = -d.s32min;
  const umin = d.umin;
  const umax = d.umax;
  const u32min = d.u32min;
  const u32max = d.u32max;
  if (smax > S64_MAX) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = smin;
    d.smax = smax;
  }
  if (umin === 0n && umax !== 0n) {
    d.umin = 0n;
    d.umax = U64_MAX;
  } else {
    d.umin = u64(-umax);
    d.umax = u64(-umin);
  }
  if (s32max > S32_MAX) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = s32min | 0;
    d.s32max = s32max | 0;
  }
  if (u32min === 0 && u32max !== 0) {
    d.u32min = 0;
    d.u32max = -1;
  } else {
    d.u32min = -u32max | 0;
    d.u32max = -u32min | 0;
  }
}

function mul64(d: Reg, s: Reg): void {
  const umax = d.umax * s.umax;
  const umin = d.umin * s.umin;
  // Signed corners, before the unsigned range changes anything.
  const a = d.smin * s.smin;
  const b = d.smin * s.smax;
  const c = d.smax * s.smin;
  const e = d.smax * s.smax;
  if (umax > U64_MAX) {
    d.umin = 0n;
    d.umax = U64_MAX;
  } else {
    d.umin = umin;
    d.umax = umax;
  }
  let min = a;
  let max = a;
  if (b < min) min = b;
  if (b > max) max = b;
  if (c < min) min = c;
  if (c > max) max = c;
  if (e < min) min = e;
  if (e > max) max = e;
  if (min < S64_MIN || max > S64_MAX) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = min;
    d.smax = max;
  }
}

function mul32(d: Reg, s: Reg): void {
  // Products of 32-bit numbers are compared with the range as doubles: at least 2^63 is far from both ends.
  const umax = d.u32max * s.u32max;
  if (umax > U32_MAX) {
    d.u32min = 0;
    d.u32max = -1;
  } else {
    d.u32min = (d.u32min * s.u32min) | 0;
    d.u32max = umax | 0;
  }
  const a = d.s32min * s.s32min;
  const b = d.s32min * s.s32max;
  const c = d.s32max * s.s32min;
  const e = d.s32max * s.s32max;
  const min = Math.min(a, b, c, e);
  const max = Math.max(a, b, c, e);
  if (min < S32_MIN || max > S32_MAX) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = min;
    d.s32max = max;
  }
}

/** Bits are done; here: the result of AND is no larger than either operand. */
function and64(d: Reg, s: Reg): void {
  if (d.isConst) {
    d.setConst64();
    return;
  }
  const { i, at } = d;
  copy64(i, at + UMIN, i, at);
  if (lessUnsigned(s.i, s.at + UMAX, i, at + UMAX)) copy64(i, at + UMAX, s.i, s.at + UMAX);
  signedFromUnsigned64(d);
}

function and32(d: Reg, s: Reg): void {
  if (isKnown32(d, s)) {
    d.setConst32Bits();
    return;
  }
  const umax = Math.min(d.u32max, s.u32max);
  d.u32min = d.i[d.at]!;
  d.u32max = umax;
  signedFromUnsigned32(d);
}

function or64(d: Reg, s: Reg): void {
  if (d.isConst && s.isConst) {
    d.setConst64();
    return;
  }
  const { i, at } = d;
  if (lessUnsigned(i, at + UMIN, s.i, s.at + UMIN)) copy64(i, at + UMIN, s.i, s.at + UMIN);
  set64(i, at + UMAX, i[at]! | i[at + MASK]!, i[at + 1]! | i[at + MASK + 1]!);
  signedFromUnsigned64(d);
}

function or32(d: Reg, s: Reg): void {
  if (isKnown32(d, s)) {
    d.setConst32Bits();
    return;
  }
  d.u32min = Math.max(d.u32min, s.u32min);
  d.u32max = d.i[d.at]! | d.i[d.at + 2]!;
  signedFromUnsigned32(d);
}

function xor64(d: Reg, s: Reg): void {
  if (d.isConst && s.isConst) {
    d.setConst64();
    return;
  }
  const { i, at } = d;
  copy64(i, at + UMIN, i, at);
  set64(i, at + UMAX, i[at]! | i[at + MASK]!, i[at + 1]! | i[at + MASK + 1]!);
  signedFromUnsigned64(d);
}

function xor32(d: Reg, s: Reg): void {
  if (isKnown32(d, s)) {
    d.setConst32Bits();
    return;
  }
  d.u32min = d.i[d.at]!;
  d.u32max = d.i[d.at]! | d.i[d.at + 2]!;
  signedFromUnsigned32(d);
}

/** Whether result and operand are both known in the low half. */
const isKnown32 = (d: Reg, s: Reg) => d.isSubregConst && s.isSubregConst;

function signedFromUnsigned64(d: Reg): void {
  const { i, at } = d;
  if (lessSigned(i, at + UMAX, i, at + UMIN)) {
    setUnboundedSigned(i, at);
  } else {
    copy64(i, at + SMIN, i, at + UMIN);
    copy64(i, at + SMAX, i, at + UMAX);
  }
}

function signedFromUnsigned32(d: Reg): void {
  const umin = d.u32min | 0;
  const umax = d.u32max | 0;
  if (umin <= umax) {
    d.s32min = umin;
    d.s32max = umax;
  } else {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  }
}

function lsh32(d: Reg, s: Reg): void {
  lsh32Ranges(d, s.u32min, s.u32max);
  const { i, at } = d;
  set64(i, at, i[at]! << s.u32min, 0);
  set64(i, at + MASK, i[at + MASK]! << s.u32min, 0);
  // The 64-bit ranges follow from the low half afterwards.
  d.setUnbounded64();
  bounds32FromBits(d);
}

function lsh32Ranges(d: Reg, min: number, max: number): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  // Bits may fall out at the top.
  if (max > 31 || d.u32max > 2 ** (31 - max)) {
    d.u32min = 0;
    d.u32max = -1;
  } else {
    d.u32min = d.u32min << min;
    d.u32max = d.u32max << max;
  }
}

function lsh64(d: Reg, s: Reg): void {
  // The count is known, and below 64.
  const count = s.u32min;
  const { i, at } = d;
  setUnboundedSigned(i, at);
  // A shift by 32 keeps the sign of the low half, as compilers write a sign extension.
  if (count === 32) {
    set64(i, at + SMAX, 0, i[at + S32MAX]!);
    set64(i, at + SMIN, 0, i[at + S32MIN]!);
  }
  if (isAbovePower(i, at + UMAX, 63 - count)) {
    setUnboundedUnsigned(i, at);
  } else {
    shiftLeft(i, at + UMIN, count);
    shiftLeft(i, at + UMAX, count);
  }
  lsh32Ranges(d, count, count);
  shiftLeft(i, at, count);
  shiftLeft(i, at + MASK, count);
  boundsFromBits(d);
}

function rsh32(d: Reg, s: Reg): void {
  const min = s.u32min;
  const max = s.u32max;
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  const { i, at } = d;
  set64(i, at, i[at]! >>> min, 0);
  set64(i, at + MASK, i[at + MASK]! >>> min, 0);
  d.u32min = d.u32min >>> max;
  d.u32max = d.u32max >>> min;
  // The 64-bit ranges follow from the low half afterwards.
  d.setUnbounded64();
  bounds32FromBits(d);
}

function rsh64(d: Reg, s: Reg): void {
  // The count is known, and below 64.
  const count = s.u32min;
  const { i, at } = d;
  setUnboundedSigned(i, at);
  shiftRight(i, at, count);
  shiftRight(i, at + MASK, count);
  shiftRight(i, at + UMIN, count);
  shiftRight(i, at + UMAX, count);
  d.setUnbounded32();
  boundsFromBits(d);
}

function arsh32(d: Reg, s: Reg): void {
  const min = s.u32min;
  d.s32min = d.s32min >> min;
  d.s32max = d.s32max >> min;
  const { i, at } = d;
  set64(i, at, i[at]! >> min, 0);
  set64(i, at + MASK, i[at + MASK]! >> min, 0);
  d.u32min = 0;
  d.u32max = -1;
  // The 64-bit ranges follow from the low half afterwards.
  d.setUnbounded64();
  bounds32FromBits(d);
}

function arsh64(d: Reg, s: Reg): void {
  // The count is known, and below 64.
  const count = s.u32min;
  const { i, at } = d;
  shiftRightSigned(i, at + SMIN, count);
  shiftRightSigned(i, at + SMAX, count);
  shiftRightSigned(i, at, count);
  shiftRightSigned(i, at + MASK, count);
  setUnboundedUnsigned(i, at);
  d.setUnbounded32();
  boundsFromBits(d);
}
