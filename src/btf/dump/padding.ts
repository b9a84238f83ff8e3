/**
 * Unnamed bit-fields that put the next member of a C struct where BTF says it is (`long: 64;`), as few as possible:
 * what the compiler's own alignment does is left to it.
 */
import { BtfError } from '../../base/errors.ts';

const PADS: readonly (readonly [type: string, bits: number])[] = [
  ['long', 64],
  ['int', 32],
  ['short', 16],
  ['char', 8],
];

/** Widest gap that is filled, in bits. */
const MAX_GAP = 8 * (1 << 20);

/**
 * Declarations that fill the bits from `from` to `to`. `align` is the alignment in bytes of what follows;
 * `inBitfield` says that bit-fields are on both sides, which the compiler would run together.
 */
export function padding(from: number, to: number, align: number, inBitfield: boolean): string[] {
  if (from >= to) return [];
  if (to - from > MAX_GAP) throw new BtfError(`a struct has a gap of ${to - from} bits, too wide to be declared`);
  const out: string[] = [];
  let [type, bits] = PADS.find(([, b]) => roundUp(from, b) <= to) ?? PADS.at(-1)!;
  let at = from;
  const boundary = roundUp(at, bits);
  if (boundary > at && boundary <= to) {
    // the compiler gets to the boundary by itself if what follows needs it; else a marker makes it
    const isMarked =
      inBitfield ||
      (boundary === to && roundUp(at, align * 8) !== boundary) ||
      (boundary !== to && to - boundary <= boundary - at);
    if (isMarked) out.push(`${type}: ${inBitfield ? boundary - at : 0};`);
    at = boundary;
  }
  for (; at + bits <= to; at += bits) out.push(`${type}: ${bits};`);
  if (at < to) {
    const rest = to - at;
    [type, bits] = PADS.findLast(([, b]) => b >= rest)!;
    out.push(`${type}: ${rest};`);
  }
  return out;
}

function roundUp(n: number, to: number): number {
  return to === 0 ? n : Math.ceil(n / to) * to;
}
