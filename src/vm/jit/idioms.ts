/**
 * Finds what takes BPF several instructions and WebAssembly one: rotates, `a = x; a <<= k; x >>= 64 - k; a |= x`, and
 * counting bits, which compilers do by adding neighbours, then pairs, then fours, and multiplying. No WebAssembly engine sees
 * the one in the other, of 64 bits at least. What is rotated or counted is gone by the end, so the instruction that it
 * begins with keeps it in a local. All others stay where they are: what nothing reads costs nothing.
 */
import { BPF_ALU, BPF_ALU64, BPF_LDX, BPF_X, byteSize, classOf } from '../../isa/index.ts';
import { OP_LD_IMM64, type Operations } from '../operations.ts';
import { writtenBy } from './effects.ts';
import { slotsOf } from './graph.ts';

/** An instruction that is a rotate, or a count of bits, in truth. */
export interface Idiom {
  readonly kind: 'rotate' | 'count';
  /** Slot of the shift whose operand, before it, is what is rotated or counted. */
  readonly from: number;
  /** Bits to the left. */
  readonly by: number;
  readonly wide: boolean;
}

const ADD = 0x00;
const SUB = 0x10;
const MUL = 0x20;
const OR = 0x40;
const AND = 0x50;
const LSH = 0x60;
const RSH = 0x70;
const XOR = 0xa0;
const MOV = 0xb0;

/** What is known about the value in a register: what it was made of in the block. */
interface Value {
  /** The operation's number, -1 where nothing is known, -2 for a constant. */
  readonly kind: number;
  readonly at: number;
  readonly wide: boolean;
  readonly a: Value | null;
  readonly b: Value | null;
  /** Of a constant. */
  readonly lo: number;
  readonly hi: number;
  /** Its upper half is 0. */
  readonly small: boolean;
}

const UNKNOWN = -1;
const CONSTANT = -2;

/** Adds the idioms in the slots from `start` to `end`, which are one block, by the slot that they end with. Conditional are moves that may not be made. */
export function findIdioms(
  ops: Operations,
  start: number,
  end: number,
  isConditional: (pc: number) => boolean,
  idioms: Map<number, Idiom>,
): void {
  if (!mayHaveIdioms(ops, start, end)) return;
  const values: Value[] = Array.from({ length: 11 }, () => unknown(false));
  /** The low half of one value is one value. */
  const halves = new Map<Value, Value>();
  for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
    const written = writtenBy(ops, pc);
    if (written < 0) continue;
    const value = isConditional(pc) ? unknown(false) : madeBy(ops, pc, values, halves);
    const idiom = rotateOf(value) ?? countOf(value);
    if (idiom) idioms.set(pc, idiom);
    values[written] = value;
  }
}

/** What most blocks lack, and are not looked at for that: shifts both ways, or a multiplication and the shift of a count. */
function mayHaveIdioms(ops: Operations, start: number, end: number): boolean {
  let seen = 0;
  for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
    const op = ops.op[pc]!;
    if (op >= 256 || (classOf(op) !== BPF_ALU && classOf(op) !== BPF_ALU64)) continue;
    const kind = op & 0xf0;
    if (kind === LSH) seen |= 1;
    else if (kind === RSH) seen |= (ops.imm[pc]! & 31) === 24 ? 2 | 4 : 2;
    else if (kind === MUL) seen |= 8;
  }
  return (seen & 3) === 3 || (seen & 12) === 12;
}

/** What an operation writes. */
function madeBy(ops: Operations, pc: number, values: readonly Value[], halves: Map<Value, Value>): Value {
  const op = ops.op[pc]!;
  const cls = classOf(op);
  const imm = ops.imm[pc]!;
  if (op === OP_LD_IMM64) return constant(imm, ops.imm[pc + 1]!);
  if (op >= 256) return unknown(false);
  if (cls !== BPF_ALU && cls !== BPF_ALU64) return unknown(cls === BPF_LDX && byteSize(op) < 8 && (op & 0xe0) === 0x60);
  const wide = cls === BPF_ALU64;
  const part = (value: Value): Value => (wide ? value : halfOf(value, halves));
  const operand = (op & BPF_X) !== 0 ? part(values[ops.src[pc]!]!) : constant(imm, wide ? imm >> 31 : 0);
  const kind = op & 0xf0;
  if (kind === MOV) return operand;
  return { kind, at: pc, wide, a: part(values[ops.dst[pc]!]!), b: operand, lo: 0, hi: 0, small: !wide };
}

/** What 32-bit operations see of a value. */
function halfOf(value: Value, halves: Map<Value, Value>): Value {
  if (value.small) return value;
  const half = halves.get(value) ?? unknown(true);
  halves.set(value, half);
  return half;
}

function unknown(small: boolean): Value {
  return { kind: UNKNOWN, at: -1, wide: true, a: null, b: null, lo: 0, hi: 0, small };
}

function constant(lo: number, hi: number): Value {
  return { kind: CONSTANT, at: -1, wide: true, a: null, b: null, lo, hi, small: hi === 0 };
}

/** Bits that a value is shifted by; 0 where it is no such shift by a constant. */
function shiftOf(value: Value, kind: number): number {
  return value.kind === kind && value.b!.kind === CONSTANT ? value.b!.lo & (value.wide ? 63 : 31) : 0;
}

function rotateOf({ kind, wide, a, b }: Value): Idiom | null {
  if (kind !== OR && kind !== XOR && kind !== ADD) return null;
  if (a!.a === null || a!.a !== b!.a || a!.wide !== b!.wide) return null;
  const left = shiftOf(a!, LSH) + shiftOf(b!, LSH);
  const right = shiftOf(a!, RSH) + shiftOf(b!, RSH);
  // Halves of 32 bits are zero-extended, so joining them with 64 bits says the same; not the other way round.
  if (left === 0 || right === 0 || left + right !== (a!.wide ? 64 : 32) || (a!.wide && !wide)) return null;
  return { kind: 'rotate', from: Math.min(a!.at, b!.at), by: left, wide: a!.wide };
}

/** The masks of a count, and what adds up its bytes, in each half. */
const ONES = 0x55555555;
const PAIRS = 0x33333333;
const FOURS = 0x0f0f0f0f;
const BYTES = 0x01010101;

/**
 * Of 64 bits; of 32; or of 32 in a register of 64, where the sum of the bytes has to be cut out.
 */
function countOf(value: Value): Idiom | null {
  const { wide } = value;
  const by = shiftOf(value, RSH);
  if (by !== 24 && by !== 56) return null;
  const cut = wide && by === 24;
  const product = cut ? maskedBy(value.a!, AND, true, 0xff000000 | 0, 0) : value.a!;
  const high = wide && !cut;
  const halves = (of: Value | null, kind: number, mask: number): Value | null =>
    of && maskedBy(of, kind, wide, mask, high ? mask : 0);
  const fours = halves(halves(product, MUL, BYTES), AND, FOURS);
  const pairs =
    fours && sumOf(fours, wide, (a, b) => (shiftOf(b, RSH) === 4 && b.wide === wide && b.a === a ? a : null));
  const ones = pairs && sumOf(pairs, wide, (a, b) => shiftedTwice(halves(a, AND, PAIRS), halves(b, AND, PAIRS), wide));
  if (!ones || ones.kind !== SUB || ones.wide !== wide) return null;
  const second = halves(ones.b, AND, ONES);
  if (!second || shiftOf(second, RSH) !== 1 || second.wide !== wide || second.a !== ones.a) return null;
  if (cut && !ones.a!.small) return null;
  return { kind: 'count', from: second.at, by: 0, wide: high };
}

/** What an operation of a kind and width does something to, if the other operand is the constant. */
function maskedBy(value: Value, kind: number, wide: boolean, lo: number, hi: number): Value | null {
  if (value.kind !== kind || value.wide !== wide) return null;
  const is = ({ kind: k, lo: l, hi: h }: Value): boolean => k === CONSTANT && l === lo && (!wide || h === hi);
  if (is(value.b!)) return value.a;
  return is(value.a!) ? value.b : null;
}

/** What `of` makes of the two that are added, one way round or the other. */
function sumOf(value: Value, wide: boolean, of: (a: Value, b: Value) => Value | null): Value | null {
  if (value.kind !== ADD || value.wide !== wide) return null;
  return of(value.a!, value.b!) ?? of(value.b!, value.a!);
}

/** `a`, where `b` is it shifted by 2. */
function shiftedTwice(a: Value | null, b: Value | null, wide: boolean): Value | null {
  return a && b && shiftOf(b, RSH) === 2 && b.wide === wide && b.a === a ? a : null;
}
