/** The ranges of operands, and how their bits are kept. */

/** Lowest and highest number that a field takes: signed 16 bits, signed 32 bits, or 32 bits of either sign. */
export const S16: readonly [bigint, bigint] = [-0x8000n, 0x7fffn];
export const S32: readonly [bigint, bigint] = [-0x8000_0000n, 0x7fff_ffffn];
export const ANY32: readonly [bigint, bigint] = [-0x8000_0000n, 0xffff_ffffn];

/** The low 32 bits as a signed number. */
export function bits32(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}
