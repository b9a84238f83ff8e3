/**
 * One register or spilled register: a window on a record of a frame (layout.ts). Rules read and write it by name.
 */
import { isBelowPower } from '../domain/lanes64.ts';
import type { Tnum } from '../domain/tnum.ts';
import {
  AUX,
  AUX2,
  AUX3,
  FRAMENO,
  ID,
  LANES,
  LANES64,
  MASK,
  OFF,
  PRECISE,
  REF_ID,
  S32MAX,
  S32MIN,
  SMAX,
  SMIN,
  SUBREG_DEF,
  TYPE,
  U32MAX,
  U32MIN,
  UMAX,
  UMIN,
  VALUE,
} from './layout.ts';
import { BASE_MASK, type BaseType, MAYBE_NULL, NOT_INIT, SCALAR } from './types.ts';

/** The lanes that registers and stack slots lie in. The views other than `i` are made when they are first asked for. */
export class Lanes {
  readonly i: Int32Array;
  private signed: BigInt64Array | undefined = undefined;
  private unsigned: BigUint64Array | undefined = undefined;
  private readonly heads: (Int32Array | undefined)[] = [];
  /** `i`: whole records, at a multiple of 8 bytes of its buffer. */
  constructor(i: Int32Array) {
    this.i = i;
  }
  /** A view of the first `records` records. */
  first(records: number): Int32Array {
    return (this.heads[records] ??= this.i.subarray(0, records * LANES));
  }
  get s(): BigInt64Array {
    this.signed ??= new BigInt64Array(this.i.buffer, this.i.byteOffset, this.i.length / 2);
    return this.signed;
  }
  get u(): BigUint64Array {
    this.unsigned ??= new BigUint64Array(this.i.buffer, this.i.byteOffset, this.i.length / 2);
    return this.unsigned;
  }
}

/** Copies record `from` of `src` to record `to` of `dst`, whole. */
export function copyRecord(dst: Int32Array, to: number, src: Int32Array, from: number): void {
  const d = to * LANES;
  const s = from * LANES;
  for (let k = 0; k < LANES; k++) dst[d + k] = src[s + k]!;
}

export class Reg {
  lanes: Lanes;
  i: Int32Array;
  /** First lane, 32-bit and 64-bit. */
  at: number;
  at64: number;

  constructor(lanes: Lanes, record: number) {
    this.lanes = lanes;
    this.i = lanes.i;
    this.at = record * LANES;
    this.at64 = record * LANES64;
  }

  /** Looks at another record. */
  point(lanes: Lanes, record: number): this {
    this.lanes = lanes;
    this.i = lanes.i;
    this.at = record * LANES;
    this.at64 = record * LANES64;
    return this;
  }

  copyFrom(other: Reg): void {
    const d = this.at;
    const o = other.at;
    const from = other.i;
    const to = this.i;
    for (let k = 0; k < LANES; k++) to[d + k] = from[o + k]!;
  }

  get type(): number {
    return this.i[this.at + TYPE]!;
  }
  set type(x: number) {
    this.i[this.at + TYPE] = x;
  }
  get base(): BaseType {
    return (this.i[this.at + TYPE]! & BASE_MASK) as BaseType;
  }
  get isScalar(): boolean {
    return this.i[this.at + TYPE]! === SCALAR;
  }
  get isInit(): boolean {
    return this.i[this.at + TYPE]! !== NOT_INIT;
  }
  get mayBeNull(): boolean {
    return (this.i[this.at + TYPE]! & MAYBE_NULL) !== 0;
  }
  get off(): number {
    return this.i[this.at + OFF]!;
  }
  set off(x: number) {
    this.i[this.at + OFF] = x;
  }
  get aux(): number {
    return this.i[this.at + AUX]!;
  }
  set aux(x: number) {
    this.i[this.at + AUX] = x;
  }
  get aux2(): number {
    return this.i[this.at + AUX2]!;
  }
  set aux2(x: number) {
    this.i[this.at + AUX2] = x;
  }
  get aux3(): number {
    return this.i[this.at + AUX3]!;
  }
  set aux3(x: number) {
    this.i[this.at + AUX3] = x;
  }
  /** Packet pointers: bytes that are proven to be there; negative: -1 at the end, -2 beyond it. */
  get range(): number {
    return this.i[this.at + AUX]!;
  }
  set range(x: number) {
    this.i[this.at + AUX] = x;
  }
  get id(): number {
    return this.i[this.at + ID]!;
  }
  set id(x: number) {
    this.i[this.at + ID] = x;
  }
  get refId(): number {
    return this.i[this.at + REF_ID]!;
  }
  set refId(x: number) {
    this.i[this.at + REF_ID] = x;
  }
  get frameno(): number {
    return this.i[this.at + FRAMENO]!;
  }
  set frameno(x: number) {
    this.i[this.at + FRAMENO] = x;
  }
  get subregDef(): number {
    return this.i[this.at + SUBREG_DEF]!;
  }
  set subregDef(x: number) {
    this.i[this.at + SUBREG_DEF] = x;
  }
  get precise(): boolean {
    return this.i[this.at + PRECISE]! !== 0;
  }
  set precise(x: boolean) {
    this.i[this.at + PRECISE] = x ? 1 : 0;
  }

  get value(): bigint {
    return this.lanes.u[this.at64 + VALUE]!;
  }
  get mask(): bigint {
    return this.lanes.u[this.at64 + MASK]!;
  }
  get varOff(): Tnum {
    return { value: this.lanes.u[this.at64 + VALUE]!, mask: this.lanes.u[this.at64 + MASK]! };
  }
  set varOff(t: Tnum) {
    this.lanes.u[this.at64 + VALUE] = t.value;
    this.lanes.u[this.at64 + MASK] = t.mask;
  }
  get smin(): bigint {
    return this.lanes.s[this.at64 + SMIN]!;
  }
  set smin(x: bigint) {
    this.lanes.s[this.at64 + SMIN] = x;
  }
  get smax(): bigint {
    return this.lanes.s[this.at64 + SMAX]!;
  }
  set smax(x: bigint) {
    this.lanes.s[this.at64 + SMAX] = x;
  }
  get umin(): bigint {
    return this.lanes.u[this.at64 + UMIN]!;
  }
  set umin(x: bigint) {
    this.lanes.u[this.at64 + UMIN] = x;
  }
  get umax(): bigint {
    return this.lanes.u[this.at64 + UMAX]!;
  }
  set umax(x: bigint) {
    this.lanes.u[this.at64 + UMAX] = x;
  }
  get s32min(): number {
    return this.i[this.at + S32MIN]!;
  }
  set s32min(x: number) {
    this.i[this.at + S32MIN] = x;
  }
  get s32max(): number {
    return this.i[this.at + S32MAX]!;
  }
  set s32max(x: number) {
    this.i[this.at + S32MAX] = x;
  }
  get u32min(): number {
    return this.i[this.at + U32MIN]! >>> 0;
  }
  set u32min(x: number) {
    this.i[this.at + U32MIN] = x;
  }
  get u32max(): number {
    return this.i[this.at + U32MAX]! >>> 0;
  }
  set u32max(x: number) {
    this.i[this.at + U32MAX] = x;
  }

  /** Whether the number is certainly below 2^bits, unsigned. */
  isUmaxBelow(bits: number): boolean {
    return isBelowPower(this.i, this.at + 10, bits);
  }
  /** Whether a known number fits 32 bits, signed. */
  get isSigned32(): boolean {
    return this.i[this.at + 1]! === this.i[this.at]! >> 31;
  }
  /** A known number, signed, as far as a double can say it. */
  get known(): number {
    return this.isSigned32 ? this.low : Number(BigInt.asIntN(64, this.value));
  }
  get isNegative(): boolean {
    return this.i[this.at + 5]! < 0;
  }
  /** Whether the number is certainly 0 or more, and below 2^29 as offsets are. */
  get isSmallOffset(): boolean {
    const { i, at } = this;
    return i[at + 5] === 0 && i[at + 11] === 0 && i[at + 4]! >= 0 && i[at + 10]! >= 0 && i[at + 10]! < 1 << 29;
  }
  /** Low 32 bits of the known ones, signed: offsets and counts are small. */
  get low(): number {
    return this.i[this.at]!;
  }

  /** Whether all 64 bits are known. */
  get isConst(): boolean {
    const at = this.at;
    return this.i[at + 2]! === 0 && this.i[at + 3]! === 0;
  }
  get isSubregConst(): boolean {
    return this.i[this.at + 2]! === 0;
  }
  /** Whether the variable part is known to be zero. */
  get isVarZero(): boolean {
    const at = this.at;
    return this.i[at]! === 0 && this.i[at + 1]! === 0 && this.i[at + 2]! === 0 && this.i[at + 3]! === 0;
  }
  /** Whether it is the scalar zero. */
  get isNull(): boolean {
    return this.isScalar && this.isVarZero;
  }

  /** Type, offset, ids and the rest to nothing; numbers untouched. */
  clearKind(): void {
    const { i, at } = this;
    i[at + TYPE] = 0;
    i[at + OFF] = 0;
    i[at + AUX] = 0;
    i[at + AUX2] = 0;
    i[at + AUX3] = 0;
    i[at + ID] = 0;
    i[at + REF_ID] = 0;
    i[at + FRAMENO] = 0;
    i[at + PRECISE] = 0;
  }

  /** All numbers follow from one known value; type and ids stay. */
  setConst(value: bigint): void {
    const { at64, i, at } = this;
    const { s, u } = this.lanes;
    u[at64 + VALUE] = value;
    u[at64 + MASK] = 0n;
    s[at64 + SMIN] = value;
    s[at64 + SMAX] = value;
    u[at64 + UMIN] = value;
    u[at64 + UMAX] = value;
    const lo = i[at]!;
    i[at + S32MIN] = lo;
    i[at + S32MAX] = lo;
    i[at + U32MIN] = lo;
    i[at + U32MAX] = lo;
  }

  /** The 64-bit ranges from bits that are all known. */
  setConst64(): void {
    const { i, at } = this;
    const lo = i[at]!;
    const hi = i[at + 1]!;
    for (let k = at + 4; k < at + 12; k += 2) {
      i[k] = lo;
      i[k + 1] = hi;
    }
  }

  /** All ranges from bits that are all known. */
  setConstBits(): void {
    this.setConst64();
    this.setConst32Bits();
  }

  /** The 32-bit ranges from low bits that are all known. */
  setConst32Bits(): void {
    const { i, at } = this;
    const lo = i[at]!;
    i[at + S32MIN] = lo;
    i[at + S32MAX] = lo;
    i[at + U32MIN] = lo;
    i[at + U32MAX] = lo;
  }

  /** The low half is one known number; the 64-bit ranges stay. */
  setLow32(value: number): void {
    this.i[this.at] = value;
    this.i[this.at + 2] = 0;
    this.setConst32Bits();
  }

  /** As setConst, for numbers that a signed 32-bit immediate says. */
  setConst32(value: number): void {
    const { i, at } = this;
    const lo = value | 0;
    const hi = lo >> 31;
    for (let k = 4; k < 12; k += 2) {
      i[at + k] = lo;
      i[at + k + 1] = hi;
    }
    i[at] = lo;
    i[at + 1] = hi;
    i[at + 2] = 0;
    i[at + 3] = 0;
    i[at + S32MIN] = lo;
    i[at + S32MAX] = lo;
    i[at + U32MIN] = lo;
    i[at + U32MAX] = lo;
  }

  /** A scalar of one known value. */
  markKnown(value: bigint): void {
    this.clearKind();
    this.type = SCALAR;
    this.setConst(value);
  }

  markKnown32(value: number): void {
    this.clearKind();
    this.type = SCALAR;
    this.setConst32(value);
  }

  /** As markKnown, of the low 32 bits; the high ones are zero. */
  markKnownU32(value: number): void {
    this.markKnown32(value);
    if (value >= 0) return;
    const { i, at } = this;
    for (let k = at + 5; k < at + 12; k += 2) i[k] = 0;
    i[at + 1] = 0;
  }

  /** The variable part of a pointer, or a scalar, becomes zero; the type is kept and ids are dropped. */
  markZeroVar(): void {
    const type = this.type;
    const { off, aux, aux2, aux3, frameno, refId } = this;
    this.clearKind();
    this.type = type;
    this.off = off;
    this.aux = aux;
    this.aux2 = aux2;
    this.aux3 = aux3;
    this.frameno = frameno;
    this.refId = refId;
    this.setConst32(0);
  }

  /** A pointer with nothing added to it yet. */
  markPointer(type: number): void {
    this.clearKind();
    this.type = type;
    this.setConst32(0);
  }

  setUnbounded64(): void {
    const { i, at } = this;
    i[at + 4] = 0;
    i[at + 5] = -0x8000_0000;
    i[at + 6] = -1;
    i[at + 7] = 0x7fff_ffff;
    i[at + 8] = 0;
    i[at + 9] = 0;
    i[at + 10] = -1;
    i[at + 11] = -1;
  }

  setUnbounded32(): void {
    const { i, at } = this;
    i[at + S32MIN] = -0x8000_0000;
    i[at + S32MAX] = 0x7fff_ffff;
    i[at + U32MIN] = 0;
    i[at + U32MAX] = -1;
  }

  setUnbounded(): void {
    this.setUnbounded64();
    this.setUnbounded32();
  }

  /** Any number, with no type change. */
  setUnknown(): void {
    const { i, at } = this;
    i[at] = 0;
    i[at + 1] = 0;
    i[at + 2] = -1;
    i[at + 3] = -1;
    this.setUnbounded();
  }

  /** A scalar of which nothing is known. `precise`: whether that matters from the start (no precision tracking). */
  markUnknown(precise = false): void {
    this.clearKind();
    this.type = SCALAR;
    this.setUnknown();
    if (precise) this.precise = true;
  }

  markNotInit(): void {
    this.clearKind();
    this.type = NOT_INIT;
    this.setUnknown();
    this.subregDef = 0;
  }
}
