/**
 * 64-bit numbers as two lanes of an Int32Array, low half first: compared and combined without making a `bigint`.
 * A number is named by its array and the index of its low lane.
 */

// First lanes of the numbers of a record (state/layout.ts).
export const VALUE = 0;
export const MASK = 2;
export const SMIN = 4;
export const SMAX = 6;
export const UMIN = 8;
export const UMAX = 10;

/** a < b, unsigned. */
export function lessUnsigned(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  const ah = a[x + 1]! >>> 0;
  const bh = b[y + 1]! >>> 0;
  return ah < bh || (ah === bh && a[x]! >>> 0 < b[y]! >>> 0);
}

/** a < b, signed. */
export function lessSigned(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  const ah = a[x + 1]!;
  const bh = b[y + 1]!;
  return ah < bh || (ah === bh && a[x]! >>> 0 < b[y]! >>> 0);
}

export const same64 = (a: Int32Array, x: number, b: Int32Array, y: number): boolean =>
  a[x] === b[y] && a[x + 1] === b[y + 1];

export function copy64(a: Int32Array, x: number, b: Int32Array, y: number): void {
  a[x] = b[y]!;
  a[x + 1] = b[y + 1]!;
}

export function set64(a: Int32Array, x: number, lo: number, hi: number): void {
  a[x] = lo;
  a[x + 1] = hi;
}

/** Bits that differ somewhere between two numbers with `differ` as their exclusive or: all from the highest one down. */
export const spread = (differ: number): number => (differ === 0 ? 0 : -1 >>> Math.clz32(differ));

/** a += b. */
export function add(a: Int32Array, x: number, b: Int32Array, y: number): void {
  const before = a[x]! >>> 0;
  const lo = (before + (b[y]! >>> 0)) >>> 0;
  a[x] = lo;
  a[x + 1] = a[x + 1]! + b[y + 1]! + (lo < before ? 1 : 0);
}

/** a -= b. */
export function subtract(a: Int32Array, x: number, b: Int32Array, y: number): void {
  const before = a[x]! >>> 0;
  const by = b[y]! >>> 0;
  a[x] = before - by;
  a[x + 1] = a[x + 1]! - b[y + 1]! - (before < by ? 1 : 0);
}

/** Whether a - b leaves the signed 64-bit numbers. */
export function subtractOverflows(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  const hi = a[x + 1]! - b[y + 1]! - (a[x]! >>> 0 < b[y]! >>> 0 ? 1 : 0);
  return hi !== (hi | 0);
}

/** a += 1 or -1. */
export function addSmall(a: Int32Array, x: number, by: 1 | -1): void {
  if (by === 1 ? a[x] === -1 : a[x] === 0) a[x + 1]! += by;
  a[x]! += by;
}

/** Whether a + b leaves the unsigned 64-bit numbers. */
export function addCarries(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  const carry = (a[x]! >>> 0) + (b[y]! >>> 0) > 0xffff_ffff ? 1 : 0;
  return (a[x + 1]! >>> 0) + (b[y + 1]! >>> 0) + carry > 0xffff_ffff;
}

/** Whether a + b leaves the signed 64-bit numbers. */
export function addOverflows(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  const carry = (a[x]! >>> 0) + (b[y]! >>> 0) > 0xffff_ffff ? 1 : 0;
  const hi = a[x + 1]! + b[y + 1]! + carry;
  return hi !== (hi | 0);
}

/** a <<= count, 0..63. */
export function shiftLeft(a: Int32Array, x: number, count: number): void {
  if (count === 0) return;
  const lo = a[x]!;
  if (count >= 32) {
    a[x + 1] = lo << (count - 32);
    a[x] = 0;
  } else {
    a[x + 1] = (a[x + 1]! << count) | (lo >>> (32 - count));
    a[x] = lo << count;
  }
}

/** a >>= count, 0..63, zeros from the left. */
export function shiftRight(a: Int32Array, x: number, count: number): void {
  if (count === 0) return;
  const hi = a[x + 1]!;
  if (count >= 32) {
    a[x] = hi >>> (count - 32);
    a[x + 1] = 0;
  } else {
    a[x] = (a[x]! >>> count) | (hi << (32 - count));
    a[x + 1] = hi >>> count;
  }
}

/** a >>= count, 0..63, the sign from the left. */
export function shiftRightSigned(a: Int32Array, x: number, count: number): void {
  if (count === 0) return;
  const hi = a[x + 1]!;
  if (count >= 32) {
    a[x] = hi >> (count - 32);
    a[x + 1] = hi >> 31;
  } else {
    a[x] = (a[x]! >>> count) | (hi << (32 - count));
    a[x + 1] = hi >> count;
  }
}

/** Whether a > 2^n, unsigned, n in 0..63. */
export function isAbovePower(a: Int32Array, x: number, n: number): boolean {
  const hi = a[x + 1]! >>> 0;
  const lo = a[x]! >>> 0;
  if (n >= 32) {
    const power = 2 ** (n - 32);
    return hi > power || (hi === power && lo > 0);
  }
  return hi > 0 || lo > 2 ** n;
}

/** Whether a < 2^n, unsigned, n in 0..64. */
export function isBelowPower(a: Int32Array, x: number, n: number): boolean {
  if (n >= 64) return true;
  const hi = a[x + 1]!;
  return n >= 32 ? hi >>> (n - 32) === 0 : hi === 0 && a[x]! >>> n === 0;
}
