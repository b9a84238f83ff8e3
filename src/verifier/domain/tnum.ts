/**
 * Tristate numbers: 64-bit values of which some bits are known.
 *
 * `mask` has a 1 for every unknown bit; `value` has the known bits and zeros where `mask` has ones. All numbers are
 * unsigned 64-bit. Linux: kernel/bpf/tnum.c; the arithmetic is from "Sound, Precise, and Fast Abstract Interpretation
 * with Tristate Numbers" (CGO 2022).
 */
export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

const U64 = 0xffff_ffff_ffff_ffffn;
const U32 = 0xffff_ffffn;
const HIGH32 = 0xffff_ffff_0000_0000n;

const TNUM_UNKNOWN: Tnum = { value: 0n, mask: U64 };

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);

export const tnumConst = (value: bigint): Tnum => ({ value: u64(value), mask: 0n });

/** The smallest tnum that holds every number of `min`..`max`, both unsigned. */
export function tnumRange(min: bigint, max: bigint): Tnum {
  const bits = bitLength(min ^ max);
  // All 64 bits differ: nothing is known.
  if (bits > 63) return TNUM_UNKNOWN;
  const delta = (1n << BigInt(bits)) - 1n;
  return { value: min & ~delta, mask: delta };
}

/** How many bits it takes to write `x`: 0 for 0. */
export function bitLength(x: bigint): number {
  const hi = Number(x >> 32n);
  return hi !== 0 ? 64 - Math.clz32(hi) : 32 - Math.clz32(Number(x & U32));
}

export function tnumSub(a: Tnum, b: Tnum): Tnum {
  const dv = a.value - b.value;
  const borrows = (dv + a.mask) ^ (dv - b.mask);
  const mask = u64(borrows | a.mask | b.mask);
  return { value: u64(dv) & ~mask, mask };
}

export const tnumNeg = (a: Tnum): Tnum => tnumSub({ value: 0n, mask: 0n }, a);

export function tnumAnd(a: Tnum, b: Tnum): Tnum {
  const value = a.value & b.value;
  return { value, mask: (a.value | a.mask) & (b.value | b.mask) & ~value };
}

export function tnumOr(a: Tnum, b: Tnum): Tnum {
  const value = a.value | b.value;
  return { value, mask: (a.mask | b.mask) & ~value };
}

export function tnumXor(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask | b.mask;
  return { value: (a.value ^ b.value) & ~mask, mask };
}

/** The smallest number of `t` above `x`; its largest where none is. */
export function tnumStep(t: Tnum, x: bigint): bigint {
  const { value, mask } = t;
  const max = value | mask;
  if (x >= max) return max;
  if (x < value) return value;
  // The first bit from the top where x leaves what the tnum can be.
  const odd = (x ^ value) & ~mask;
  if (odd === 0n) return value | (((x | ~mask) + 1n) & mask & U64);
  const top = BigInt(bitLength(odd) - 1);
  const below = (1n << top) - 1n;
  const free = mask & ~below;
  if (!(x & (1n << top))) {
    // There the tnum has a 1: keep the bits above, take the smallest below.
    return value | (x & free);
  }
  // There it has a 0: count up in the free bits above.
  return value | (((x | ~free) + 1n) & free & U64);
}

/** Whether some number may be in both. */
export function tnumOverlap(a: Tnum, b: Tnum): boolean {
  const known = ~a.mask & ~b.mask;
  return (a.value & known) === (b.value & known);
}

/** Whether every number of `b` is in `a`. */
export function tnumIn(a: Tnum, b: Tnum): boolean {
  if (b.mask & ~a.mask) return false;
  return a.value === (b.value & ~a.mask);
}

export const tnumSubreg = (a: Tnum): Tnum => ({ value: a.value & U32, mask: a.mask & U32 });
export const tnumClearSubreg = (a: Tnum): Tnum => ({ value: a.value & HIGH32, mask: a.mask & HIGH32 });
/** The high half of `a` over the low half of `low`. */
export const tnumWithSubreg = (a: Tnum, low: Tnum): Tnum => ({
  value: (a.value & HIGH32) | (low.value & U32),
  mask: (a.mask & HIGH32) | (low.mask & U32),
});

/** The low `bytes` bytes in reverse order, the rest zero. */
export function tnumSwap(a: Tnum, bytes: number): Tnum {
  return { value: swapBytes(a.value, bytes), mask: swapBytes(a.mask, bytes) };
}

function swapBytes(x: bigint, bytes: number): bigint {
  let out = 0n;
  for (let k = 0; k < bytes; k++) {
    out = (out << 8n) | (x & 0xffn);
    x >>= 8n;
  }
  return out;
}
