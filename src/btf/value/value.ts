/**
 * What BTF-typed bytes are in JavaScript:
 *
 *   int up to 32 bits, float       number
 *   wider int, pointer             bigint
 *   bool                           boolean
 *   enum                           the constant's name; its number (64-bit: bigint) where none fits
 *   char[N]                        string, up to the first zero
 *   unsigned char[N]               Uint8Array
 *   other arrays                   array
 *   struct, union, data section    object; members of anonymous members belong to the outer object, as in C
 */
export type BtfValue = number | bigint | boolean | string | Uint8Array | BtfValue[] | { [name: string]: BtfValue };

/** Deepest nesting of a value: a type that contains itself ends here. */
export const MAX_DEPTH = 64;

/** Bit-fields and integers, little-endian: `count` bits (up to 128) from bit `from` of `bytes`, unsigned. */
export function readBits(bytes: Uint8Array, from: number, count: number): bigint {
  let value = 0n;
  const last = Math.floor((from + count - 1) / 8);
  for (let at = last; at >= Math.floor(from / 8); at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return BigInt.asUintN(count, value >> BigInt(from % 8));
}

/** Writes `count` bits at bit `from`, leaving those around them. */
export function writeBits(bytes: Uint8Array, from: number, count: number, value: bigint): void {
  let rest = BigInt.asUintN(count, value);
  for (let bit = from; bit < from + count; ) {
    const shift = bit % 8;
    const take = Math.min(8 - shift, from + count - bit);
    const mask = ((1 << take) - 1) << shift;
    const at = Math.floor(bit / 8);
    bytes[at] = (bytes[at]! & ~mask) | ((Number(rest & 0xffn) << shift) & mask);
    rest >>= BigInt(take);
    bit += take;
  }
}
