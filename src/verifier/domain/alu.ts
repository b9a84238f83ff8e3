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
import type { Reg } from '../state/reg.ts';
import { bounds32FromBits, boundsFromBits, syncBounds, truncate, zeroExtend32 } from './bounds.ts';
import {
  tnumAdd,
  tnumAnd,
  tnumArsh,
  tnumLsh,
  tnumMul,
  tnumNeg,
  tnumOr,
  tnumRsh,
  tnumSub,
  tnumSubreg,
  tnumSwap,
  tnumXor,
} from './tnum.ts';

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const U64_MAX = (1n << 64n) - 1n;
const S32_MIN = -0x8000_0000;
const S32_MAX = 0x7fff_ffff;
const U32_MAX = 0xffff_ffff;
const u64 = (x: bigint) => BigInt.asUintN(64, x);
const s64 = (x: bigint) => BigInt.asIntN(64, x);

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
      dst.varOff = tnumMul(dst.varOff, src.varOff);
      mul32(dst, src);
      mul64(dst, src);
      break;
    case BPF_AND:
      dst.varOff = tnumAnd(dst.varOff, src.varOff);
      and32(dst, src);
      and64(dst, src);
      break;
    case BPF_OR:
      dst.varOff = tnumOr(dst.varOff, src.varOff);
      or32(dst, src);
      or64(dst, src);
      break;
    case BPF_XOR:
      dst.varOff = tnumXor(dst.varOff, src.varOff);
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
  d.varOff = tnumAdd(d.varOff, s.varOff);
}

/** `d -= s`, likewise. */
function subNumbers(d: Reg, s: Reg): void {
  sub32(d, s);
  sub64(d, s);
  d.varOff = tnumSub(d.varOff, s.varOff);
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
      return is32 ? src.isSubregConst && src.umax < 32n : src.isConst && src.umax < 64n;
    default:
      return false;
  }
}

function add64(d: Reg, s: Reg): void {
  const smin = d.smin + s.smin;
  const smax = d.smax + s.smax;
  if (smin < S64_MIN || smin > S64_MAX || smax < S64_MIN || smax > S64_MAX) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = smin;
    d.smax = smax;
  }
  // Both ends wrap, or neither: still one range.
  const umin = d.umin + s.umin;
  const umax = d.umax + s.umax;
  if (umin > U64_MAX !== umax > U64_MAX) {
    d.umin = 0n;
    d.umax = U64_MAX;
  } else {
    d.umin = u64(umin);
    d.umax = u64(umax);
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
  const smin = d.smin - s.smax;
  const smax = d.smax - s.smin;
  if (smin < S64_MIN || smin > S64_MAX || smax < S64_MIN || smax > S64_MAX) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = smin;
    d.smax = smax;
  }
  const umin = d.umin - s.umax;
  const umax = d.umax - s.umin;
  if (umin < 0n !== umax < 0n) {
    d.umin = 0n;
    d.umax = U64_MAX;
  } else {
    d.umin = u64(umin);
    d.umax = u64(umax);
  }
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
  d.umin = d.value;
  if (s.umax < d.umax) d.umax = s.umax;
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
  if (s.umin > d.umin) d.umin = s.umin;
  d.umax = d.value | d.mask;
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
  d.umin = d.value;
  d.umax = d.value | d.mask;
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
  if (s64(d.umin) <= s64(d.umax)) {
    d.smin = d.umin;
    d.smax = d.umax;
  } else {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
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
  d.varOff = tnumSubreg(tnumLsh(tnumSubreg(d.varOff), BigInt(s.u32min)));
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
  const min = s.umin;
  const max = s.umax;
  // A shift by 32 keeps the sign of the low half, as compilers write a sign extension.
  if (min === 32n && max === 32n && d.s32max >= 0) d.smax = BigInt(d.s32max) << 32n;
  else d.smax = S64_MAX;
  if (min === 32n && max === 32n && d.s32min >= 0) d.smin = BigInt(d.s32min) << 32n;
  else d.smin = S64_MIN;
  if (d.umax > 1n << (63n - max)) {
    d.umin = 0n;
    d.umax = U64_MAX;
  } else {
    d.umin = d.umin << min;
    d.umax = d.umax << max;
  }
  lsh32Ranges(d, Number(min & 0xffff_ffffn), Number(max & 0xffff_ffffn));
  d.varOff = tnumLsh(d.varOff, min);
  boundsFromBits(d);
}

function rsh32(d: Reg, s: Reg): void {
  const min = s.u32min;
  const max = s.u32max;
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  d.varOff = tnumRsh(tnumSubreg(d.varOff), BigInt(min));
  d.u32min = d.u32min >>> max;
  d.u32max = d.u32max >>> min;
  // The 64-bit ranges follow from the low half afterwards.
  d.setUnbounded64();
  bounds32FromBits(d);
}

function rsh64(d: Reg, s: Reg): void {
  const min = s.umin;
  const max = s.umax;
  d.smin = S64_MIN;
  d.smax = S64_MAX;
  d.varOff = tnumRsh(d.varOff, min);
  d.umin = d.umin >> max;
  d.umax = d.umax >> min;
  d.setUnbounded32();
  boundsFromBits(d);
}

function arsh32(d: Reg, s: Reg): void {
  const min = s.u32min;
  d.s32min = d.s32min >> min;
  d.s32max = d.s32max >> min;
  d.varOff = tnumArsh(tnumSubreg(d.varOff), BigInt(min), 32);
  d.u32min = 0;
  d.u32max = -1;
  // The 64-bit ranges follow from the low half afterwards.
  d.setUnbounded64();
  bounds32FromBits(d);
}

function arsh64(d: Reg, s: Reg): void {
  const min = s.umin;
  d.smin = d.smin >> min;
  d.smax = d.smax >> min;
  d.varOff = tnumArsh(d.varOff, min, 64);
  d.umin = 0n;
  d.umax = U64_MAX;
  d.setUnbounded32();
  boundsFromBits(d);
}
