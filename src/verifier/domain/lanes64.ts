/**
 * 64-bit numbers as two lanes of an Int32Array, low half first: compared and combined without making a `bigint`.
 * A number is named by its array and the index of its low lane.
 */

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
