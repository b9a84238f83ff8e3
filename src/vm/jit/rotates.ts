/**
 * Finds rotates. BPF has none, so compilers write `a = x; a <<= k; x >>= 64 - k; a |= x`, and no WebAssembly engine
 * sees a 64-bit rotate in that. What is rotated is gone by the time of the `|=`, so the first of the two shifts keeps
 * it in a local. The shifts stay where they are: what nothing reads costs nothing.
 */
import { BPF_ALU, BPF_ALU64, classOf } from '../../isa/index.ts';
import type { Operations } from '../operations.ts';
import { writtenBy } from './effects.ts';
import { slotsOf } from './graph.ts';

/** An instruction that is a rotate in truth. */
export interface Rotate {
  /** Slot of the shift whose operand, before it, is what is rotated. */
  readonly from: number;
  /** Bits to the left. */
  readonly by: number;
  readonly wide: boolean;
}

/** What is known about the value in a register: where it came from, if from a shift. */
interface Value {
  readonly shiftAt: number;
  /** The value that was shifted. */
  readonly of: Value | null;
  readonly left: boolean;
  readonly by: number;
  readonly wide: boolean;
}

const OR = 0x40;
const XOR = 0xa0;
const ADD = 0x00;
const LSH = 0x60;
const RSH = 0x70;
const MOV = 0xb0;
const BY_REGISTER = 0x08;

/** Adds the rotates in the slots from `start` to `end`, which are one block. */
export function findRotates(ops: Operations, start: number, end: number, rotates: Map<number, Rotate>): void {
  if (!hasBothShifts(ops, start, end)) return;
  const values: Value[] = Array.from({ length: 11 }, plain);
  for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
    const op = ops.op[pc]!;
    const cls = classOf(op);
    const dst = ops.dst[pc]!;
    const src = ops.src[pc]!;
    const alu = op < 256 && (cls === BPF_ALU || cls === BPF_ALU64);
    const wide = cls === BPF_ALU64;
    const kind = op & 0xf0;
    const byRegister = (op & BY_REGISTER) !== 0;
    if (alu && kind === MOV && byRegister && wide) {
      values[dst] = values[src]!;
    } else if (alu && (kind === LSH || kind === RSH) && !byRegister) {
      const by = ops.imm[pc]! & (wide ? 63 : 31);
      values[dst] = { shiftAt: pc, of: values[dst]!, left: kind === LSH, by, wide };
    } else if (alu && byRegister && (kind === OR || kind === XOR || kind === ADD)) {
      const rotate = rotateOf(values[dst]!, values[src]!, wide);
      if (rotate) rotates.set(pc, rotate);
      values[dst] = plain();
    } else {
      const written = writtenBy(ops, pc);
      if (written >= 0) values[written] = plain();
    }
  }
}

/** What most blocks lack, and are not looked at for that. */
function hasBothShifts(ops: Operations, start: number, end: number): boolean {
  let seen = 0;
  for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
    const op = ops.op[pc]!;
    if (op === (LSH | BPF_ALU) || op === (LSH | BPF_ALU64)) seen |= 1;
    else if (op === (RSH | BPF_ALU) || op === (RSH | BPF_ALU64)) seen |= 2;
  }
  return seen === 3;
}

function rotateOf(a: Value, b: Value, wide: boolean): Rotate | null {
  const width = a.wide ? 64 : 32;
  const fits = a.of !== null && a.of === b.of && a.wide === b.wide && a.left !== b.left && a.by + b.by === width;
  // Halves of 32 bits are zero-extended, so joining them with 64 bits says the same; not the other way round.
  if (!fits || (a.wide && !wide) || a.by === 0 || b.by === 0) return null;
  return { from: Math.min(a.shiftAt, b.shiftAt), by: a.left ? a.by : b.by, wide: a.wide };
}

function plain(): Value {
  return { shiftAt: -1, of: null, left: false, by: 0, wide: false };
}
