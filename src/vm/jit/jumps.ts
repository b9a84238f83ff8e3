/** What a branch asks, as an i32 on the stack. */
import { BPF_JMP, BPF_X, classOf } from '../../isa/index.ts';
import { MAY_GOTO_BUDGET } from '../control.ts';
import { OP_MAY_GOTO } from '../operations.ts';
import {
  I32_ADD,
  I32_AND,
  I32_EQ,
  I32_EQZ,
  I32_GE_S,
  I32_GE_U,
  I32_GT_S,
  I32_GT_U,
  I32_LE_S,
  I32_LE_U,
  I32_LT_S,
  I32_LT_U,
  I32_NE,
  I64_AND,
  I64_EQ,
  I64_EQZ,
  I64_GE_S,
  I64_GE_U,
  I64_GT_S,
  I64_GT_U,
  I64_LE_S,
  I64_LE_U,
  I64_LT_S,
  I64_LT_U,
  I64_NE,
} from '../wasm/opcodes.ts';
import type { FunctionContext } from './function.ts';

const JSET = 0x40;
const JEQ = 0x10;

/** By the high half of the opcode: 32 bits, 64 bits, and the comparison that says the opposite. */
const COMPARE: ReadonlyMap<number, readonly [number, number, number]> = new Map([
  [0x10, [I32_EQ, I64_EQ, 0x50]],
  [0x20, [I32_GT_U, I64_GT_U, 0xb0]],
  [0x30, [I32_GE_U, I64_GE_U, 0xa0]],
  [0x50, [I32_NE, I64_NE, 0x10]],
  [0x60, [I32_GT_S, I64_GT_S, 0xd0]],
  [0x70, [I32_GE_S, I64_GE_S, 0xc0]],
  [0xa0, [I32_LT_U, I64_LT_U, 0x30]],
  [0xb0, [I32_LE_U, I64_LE_U, 0x20]],
  [0xc0, [I32_LT_S, I64_LT_S, 0x70]],
  [0xd0, [I32_LE_S, I64_LE_S, 0x60]],
]);

export function writeCondition(f: FunctionContext, pc: number, negate: boolean): void {
  const { code } = f;
  const op = f.ops.op[pc]!;
  if (op === OP_MAY_GOTO) {
    writeMayGoto(f);
    if (negate) code.op(I32_EQZ);
    return;
  }
  const narrow = classOf(op) === BPF_JMP && comparesNarrow(f, pc);
  const wide = classOf(op) === BPF_JMP && !narrow;
  const kind = narrow ? unsigned(op & 0xf0) : op & 0xf0;
  if (wide) f.get(f.ops.dst[pc]!);
  else f.get32(f.ops.dst[pc]!);
  const compare = negate && kind !== JSET ? COMPARE.get(kind)![2] : kind;
  if (compare === JEQ && (op & BPF_X) === 0 && f.ops.imm[pc] === 0) {
    code.op(wide ? I64_EQZ : I32_EQZ);
    return;
  }
  if ((op & BPF_X) !== 0) {
    if (wide) f.get(f.ops.src[pc]!);
    else f.get32(f.ops.src[pc]!);
  } else if (wide) {
    code.i64(f.ops.imm[pc]!);
  } else {
    code.i32(f.ops.imm[pc]!);
  }
  if (kind !== JSET) {
    code.op(COMPARE.get(compare)![wide ? 1 : 0]);
    return;
  }
  code.op(wide ? I64_AND : I32_AND);
  if (negate) code.op(wide ? I64_EQZ : I32_EQZ);
  else if (wide) code.i64(0).op(I64_NE);
}

/** Whether a 64-bit comparison sees only 32 bits on both sides: both are then positive, and signs mean nothing. */
function comparesNarrow(f: FunctionContext, pc: number): boolean {
  if (!f.isNarrow(f.ops.dst[pc]!)) return false;
  return (f.ops.op[pc]! & BPF_X) !== 0 ? f.isNarrow(f.ops.src[pc]!) : f.ops.imm[pc]! >= 0;
}

/** JSGT, JSGE, JSLT, JSLE as JGT, JGE, JLT, JLE. */
function unsigned(kind: number): number {
  const same: Readonly<Record<number, number>> = { 96: 0x20, 112: 0x30, 192: 0xa0, 208: 0xb0 };
  return same[kind] ?? kind;
}

/** may_goto is taken when this call of the function has passed as many as it may. */
function writeMayGoto(f: FunctionContext): void {
  const { code } = f;
  code.get(f.passed).i32(MAY_GOTO_BUDGET).op(I32_GE_U).tee(f.i32).op(I32_EQZ).get(f.passed).op(I32_ADD).set(f.passed);
  code.get(f.i32);
}
