/** Translates one BPF function: structure from the graph, instructions one by one. */

import { BPF_ALU, BPF_ALU64, BPF_LDX, BPF_ST, BPF_STX, BPF_X, byteSize, classOf } from '../../isa/index.ts';
import { BPF_FUNC_map_lookup_elem } from '../../uapi/generated/constants.ts';
import {
  isPacketOperation,
  OP_ARENA_POINTER,
  OP_ATOMIC32,
  OP_CALL_HELPER,
  OP_CALL_KFUNC,
  OP_CALL_SUBPROG,
  OP_CALLX,
  OP_EXIT,
  OP_GOTO,
  OP_ILLEGAL,
  OP_LD_FUNC,
  OP_LD_IMM64,
  OP_PROBE,
  OP_TAIL_CALL,
  OP_THROW,
  type Operations,
} from '../operations.ts';
import { CodeWriter } from '../wasm/code.ts';
import {
  I32_POPCNT,
  I32_ROTL,
  I64_EXTEND_I32_U,
  I64_POPCNT,
  I64_ROTL,
  RETURN,
  SELECT,
  UNREACHABLE,
} from '../wasm/opcodes.ts';
import { writeAlu, writeConstant, writeExtendedAlu } from './alu.ts';
import { writeArenaPointer } from './arena.ts';
import { writeCall, writeCallx, writePacketLoad, writeSubprogCall, writeTailCall, writeThrow } from './calls.ts';
import { burnFuel, checkDepth, leaveFuel, takeDepth, takeFuel } from './checks.ts';
import { FunctionContext, type ModuleContext } from './function.ts';
import type { FunctionFacts } from './function-facts.ts';
import { type Block, isBranch, slotsOf } from './graph.ts';
import type { Idiom } from './idioms.ts';
import { inlineEnd } from './inline.ts';
import { writeCondition } from './jumps.ts';
import { writeAtomic, writeLoad, writeProbe, writeStore } from './memory.ts';
import { type BlockWriter, writeStructure } from './structure.ts';

/** The wasm body of BPF function `fn`. */
export function translateFunction(module: ModuleContext, fn: number): Uint8Array {
  const { ops } = module;
  const code = new CodeWriter(5);
  const f = new FunctionContext(module, code, fn);
  const facts = module.facts.of(fn);
  const { blocks, flow } = facts;
  takeFuel(f);
  if (callsFunctions(ops, fn)) takeDepth(f);
  const writer: BlockWriter = {
    body(block) {
      if (block.start === block.end) return;
      f.enterBlock(block.start);
      writeBody(f, block.start, block.end, facts);
    },
    condition(block, negate) {
      writeCondition(f, block.end - 1, negate);
    },
    hasEdgeCode: (block, edge) => block.choice[edge]! >= 0 || burnsFuel(f, block, edge),
    edge(block, edge) {
      const jump = block.end - 1;
      if (burnsFuel(f, block, edge)) burnFuel(f, jump, jump - ops.target[jump]!);
      if (block.choice[edge]! >= 0) code.i32(block.choice[edge]!).set(f.choice);
    },
    choice({ by }) {
      if (by === undefined) code.get(f.choice);
      else f.get32(by);
    },
  };
  f.withFaults(() => {
    writeStructure(code, blocks, flow, writer);
    code.op(UNREACHABLE);
  });
  return code.finish();
}

function callsFunctions(ops: Operations, fn: number): boolean {
  return ops.op.subarray(ops.bounds[fn]!, ops.bounds[fn + 1]!).includes(OP_CALL_SUBPROG);
}

/** A call of a function of the same program; short ones that only compute are written in its place. */
function writeFunctionCall(f: FunctionContext, pc: number): void {
  const fn = f.ops.target[pc]!;
  const start = f.ops.bounds[fn]!;
  const end = inlineEnd(f.ops, fn);
  burnFuel(f, pc, f.ops.bounds[fn + 1]! - start);
  checkDepth(f, pc);
  if (end < 0) writeSubprogCall(f, pc);
  else f.inline(fn, () => writeBody(f, start, end, f.facts.of(fn)));
}

function writeBody(f: FunctionContext, start: number, end: number, facts: FunctionFacts): void {
  const { ops } = f;
  const { idioms, moves } = facts;
  f.stackWords.begin(lastLookup(f, start, end));
  /** Shifts that idioms begin with, and how wide these are. */
  const begun = new Map<number, boolean>();
  for (let pc = start; pc < end; pc++) {
    const idiom = idioms.get(pc);
    if (idiom) begun.set(idiom.from, idiom.wide);
  }
  for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
    const conditional = moves[pc - facts.start] === 1;
    f.enterSlot(pc, conditional);
    if (conditional) {
      writeMove(f, pc);
      continue;
    }
    const dst = ops.dst[pc]!;
    const wide = begun.get(pc);
    if (wide !== undefined) (wide ? f.get(dst) : f.get32(dst)).set(f.kept(dst, wide));
    const idiom = idioms.get(pc);
    if (idiom === undefined) {
      writeInstruction(f, pc);
      continue;
    }
    writeIdiom(f, dst, idiom, f.kept(ops.dst[idiom.from]!, idiom.wide));
  }
}

/** The last slot of a block that looks up in a map which is known; -1 for none. */
function lastLookup({ ops, program }: FunctionContext, start: number, end: number): number {
  for (let pc = end - 1; pc >= start; pc--) {
    if (ops.op[pc] !== OP_CALL_HELPER || ops.imm[pc] !== BPF_FUNC_map_lookup_elem) continue;
    if (program.callMaps?.has(pc)) return pc;
  }
  return -1;
}

/** A move that is not made where the branch before it would be taken. */
function writeMove(f: FunctionContext, pc: number): void {
  const dst = f.ops.dst[pc]!;
  const narrow = f.writesNarrow;
  narrow ? f.get32(dst) : f.get(dst);
  moved(f, pc, narrow);
  writeCondition(f, pc - 1, false);
  f.code.op(SELECT);
  if (narrow) f.set32(dst);
  else f.set(dst);
}

/** Puts what a move moves on the stack, or its low half. */
function moved(f: FunctionContext, pc: number, narrow: boolean): void {
  const { ops, code } = f;
  const op = ops.op[pc]!;
  const wide = classOf(op) === BPF_ALU64;
  const imm = ops.imm[pc]!;
  if ((op & BPF_X) === 0) narrow ? code.i32(imm) : code.i64(imm, wide ? imm >> 31 : 0);
  else if (narrow) f.get32(ops.src[pc]!);
  else if (wide) f.get(ops.src[pc]!);
  else f.get32(ops.src[pc]!).op(I64_EXTEND_I32_U);
}

/** Sets `dst` to the rotated local, or to the count of its bits. */
function writeIdiom(f: FunctionContext, dst: number, { kind, by, wide }: Idiom, local: number): void {
  f.code.get(local);
  if (kind === 'count') f.code.op(wide ? I64_POPCNT : I32_POPCNT);
  else if (wide) f.code.i64(by).op(I64_ROTL);
  else f.code.i32(by).op(I32_ROTL);
  if (wide) f.set(dst);
  else f.set32(dst);
}

/** Checked mode: whether an edge is a jump back in the program's text. Falling through never is. */
function burnsFuel(f: FunctionContext, block: Block, edge: number): boolean {
  if (!f.checked || edge !== 0 || block.kind === 'dispatch' || block.start === block.end) return false;
  const jump = block.end - 1;
  const op = f.ops.op[jump]!;
  return (op === OP_GOTO || isBranch(op)) && f.ops.target[jump]! <= jump;
}

function writeInstruction(f: FunctionContext, pc: number): void {
  const { ops } = f;
  const op = ops.op[pc]!;
  if (op >= OP_ATOMIC32 || (op >= 256 && !writeExtendedAlu(f, pc))) {
    writeSpecial(f, pc, op);
    return;
  }
  if (op >= 256 || op === OP_GOTO || isBranch(op)) return;
  switch (op) {
    case OP_ILLEGAL:
      f.fault('illegal-instruction', pc);
      return;
    case OP_EXIT:
      if (f.inlined > 0) return; // r0 is where the caller wants it
      leaveFuel(f);
      f.get(0).op(RETURN);
      return;
    case OP_LD_IMM64:
      writeConstant(f, ops.dst[pc]!, ops.imm[pc]!, ops.imm[pc + 1]!);
      return;
  }
  switch (classOf(op)) {
    case BPF_ALU:
    case BPF_ALU64:
      writeAlu(f, pc);
      return;
    case BPF_LDX:
      writeLoad(f, pc);
      return;
    case BPF_ST:
    case BPF_STX:
      writeStore(f, pc);
      return;
    default:
      if (isPacketOperation(op)) writePacketLoad(f, pc, byteSize(op), (op & 0xe0) === 0x40);
  }
}

/** Operations with numbers from OP_ATOMIC32 on. */
function writeSpecial(f: FunctionContext, pc: number, op: number): void {
  const { ops } = f;
  switch (op) {
    case OP_CALL_HELPER:
    case OP_CALL_KFUNC:
      writeCall(f, pc);
      return;
    case OP_CALL_SUBPROG:
      writeFunctionCall(f, pc);
      return;
    case OP_TAIL_CALL:
      writeTailCall(f, pc);
      return;
    case OP_CALLX:
      writeCallx(f, pc);
      return;
    case OP_LD_FUNC:
      writeConstant(f, ops.dst[pc]!, f.functionSlots[ops.target[pc]!]!, 0);
      return;
    case OP_PROBE:
      writeProbe(f, pc);
      return;
    case OP_THROW:
      writeThrow(f);
      return;
    case OP_ARENA_POINTER:
      writeArenaPointer(f, pc);
      return;
    default:
      writeAtomic(f, pc);
  }
}
