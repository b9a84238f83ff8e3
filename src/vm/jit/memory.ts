/**
 * Loads, stores and atomic operations.
 *
 * An address is the low half of a register; what is constant in it goes into the wasm instruction, which adds it for free.
 * What the verifier has proven needs no check beyond wasm's own. Checked mode tests each address first.
 */
import { byteSize } from '../../isa/index.ts';
import { NULL_PAGE, PAGE_SIZE } from '../memory.ts';
import { OP_ATOMIC32, OP_ATOMIC64 } from '../operations.ts';
import {
  ELSE,
  I32_ADD,
  I32_LOAD,
  I32_LOAD8_S,
  I32_LOAD8_U,
  I32_LOAD16_S,
  I32_LOAD16_U,
  I32_STORE,
  I32_STORE8,
  I32_STORE16,
  I32_WRAP_I64,
  I64,
  I64_ADD,
  I64_AND,
  I64_EQ,
  I64_EXTEND_I32_U,
  I64_LE_U,
  I64_LOAD,
  I64_LOAD8_S,
  I64_LOAD8_U,
  I64_LOAD16_S,
  I64_LOAD16_U,
  I64_LOAD32_S,
  I64_LOAD32_U,
  I64_OR,
  I64_SHL,
  I64_STORE,
  I64_STORE8,
  I64_STORE16,
  I64_STORE32,
  I64_SUB,
  I64_XOR,
  IF,
  MEMORY_SIZE,
  SELECT,
} from '../wasm/opcodes.ts';
import { writeArenaAddress } from './arena.ts';
import { checkAccess } from './checks.ts';
import type { FunctionContext } from './function.ts';

/** By opcode: to an i64, and to the low half of that. */
const LOADS: ReadonlyMap<number, readonly [number, number]> = new Map([
  [0x61, [I64_LOAD32_U, I32_LOAD]],
  [0x69, [I64_LOAD16_U, I32_LOAD16_U]],
  [0x71, [I64_LOAD8_U, I32_LOAD8_U]],
  [0x79, [I64_LOAD, I32_LOAD]],
  [0x81, [I64_LOAD32_S, I32_LOAD]],
  [0x89, [I64_LOAD16_S, I32_LOAD16_S]],
  [0x91, [I64_LOAD8_S, I32_LOAD8_S]],
]);

/** By size: of an i64, and of an i32. */
const STORES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [1, [I64_STORE8, I32_STORE8]],
  [2, [I64_STORE16, I32_STORE16]],
  [4, [I64_STORE32, I32_STORE]],
]);

/** Leaves the address `reg + off` or a part of it, once it may be accessed; answers what is still to be added. */
function address(f: FunctionContext, pc: number, reg: number, size: number, write: boolean): number {
  const off = f.ops.off[pc]!;
  if (f.ops.arena?.accesses.has(pc)) {
    writeArenaAddress(f, f.ops.arena, reg, off, size, write);
    return 0;
  }
  checkAccess(f, reg, off, size, write, pc);
  const sum = f.sums.of(reg);
  const constant = sum ? sum.constant + off : -1;
  if (sum && constant >= 0 && constant < 2 ** 32) {
    if (sum.index < 0) f.code.i32(0);
    else f.get32(sum.index);
    return constant;
  }
  f.get32(reg);
  if (off >= 0) return off;
  f.code.i32(off).op(I32_ADD);
  return 0;
}

/** The address `reg + off`, where it is always the same. */
export function constantAddress(f: FunctionContext, reg: number, off: number): number | undefined {
  const sum = f.sums.of(reg);
  const addr = sum && sum.index < 0 ? sum.constant + off : -1;
  return addr >= 0 && addr < 2 ** 32 ? addr : undefined;
}

export function writeLoad(f: FunctionContext, pc: number): void {
  const op = f.ops.op[pc]!;
  const src = f.ops.src[pc]!;
  const offset = address(f, pc, src, byteSize(op), false);
  const [wide, narrow] = LOADS.get(op)!;
  f.code.memory(f.writesNarrow ? narrow : wide, offset);
  if (f.writesNarrow) f.set32(f.ops.dst[pc]!);
  else f.set(f.ops.dst[pc]!);
}

/** A store of a register (class STX) or an immediate (class ST). */
export function writeStore(f: FunctionContext, pc: number): void {
  const op = f.ops.op[pc]!;
  const size = byteSize(op);
  const dst = f.ops.dst[pc]!;
  const inArena = f.ops.arena?.accesses.has(pc) ?? false;
  const kept = f.stackWords.store(pc, inArena ? undefined : constantAddress(f, dst, f.ops.off[pc]!), size);
  const offset = address(f, pc, dst, size, true);
  const constant = (op & 7) === 2;
  const narrow = size < 8 && (constant || kept >= 0 || f.isNarrow(f.ops.src[pc]!));
  if (constant) narrow ? f.code.i32(f.ops.imm[pc]!) : f.code.i64(f.ops.imm[pc]!);
  else narrow ? f.get32(f.ops.src[pc]!) : f.get(f.ops.src[pc]!);
  if (kept >= 0) f.code.tee(kept);
  f.code.memory(size === 8 ? I64_STORE : STORES.get(size)![narrow ? 1 : 0], offset);
}

/** A load that answers 0 where the kernel has no memory. */
export function writeProbe(f: FunctionContext, pc: number): void {
  const { code } = f;
  const opcode = f.ops.imm[pc]!;
  const size = byteSize(opcode);
  f.get(f.ops.src[pc]!).i64(f.ops.off[pc]!).op(I64_ADD).tee(f.i64);
  // Unsigned, so what is below the first page is far above the end.
  code.i64(NULL_PAGE).op(I64_SUB);
  code.op(MEMORY_SIZE).op(0).op(I64_EXTEND_I32_U).i64(Math.log2(PAGE_SIZE)).op(I64_SHL);
  code
    .i64(NULL_PAGE + size)
    .op(I64_SUB)
    .op(I64_LE_U);
  code.open(IF, I64);
  code.get(f.i64).op(I32_WRAP_I64).memory(LOADS.get(opcode)![0], 0);
  code.else(ELSE).i64(0).end();
  f.set(f.ops.dst[pc]!);
}

/** In the order of OP_ATOMIC32; the last two are handled apart. */
const ATOMIC_OPS = [I64_ADD, I64_OR, I64_AND, I64_XOR] as const;
const XCHG = 8;
const CMPXCHG = 9;

/** One thread runs programs, so read, change and write are enough. */
export function writeAtomic(f: FunctionContext, pc: number): void {
  const { code } = f;
  const op = f.ops.op[pc]!;
  const wide = op >= OP_ATOMIC64;
  const which = op - (wide ? OP_ATOMIC64 : OP_ATOMIC32);
  const size = wide ? 8 : 4;
  const [load, store] = wide ? [I64_LOAD, I64_STORE] : [I64_LOAD32_U, I64_STORE32];
  const src = f.ops.src[pc]!;
  const dst = f.ops.dst[pc]!;
  f.stackWords.clear();
  const offset = address(f, pc, dst, size, true);
  code.tee(f.i32).get(f.i32).memory(load, offset).set(f.i64);
  if (which === XCHG) {
    f.get(src);
  } else if (which === CMPXCHG) {
    f.get(src).get(f.i64).get(f.i64);
    f.get(0);
    if (!wide) code.op(I32_WRAP_I64).op(I64_EXTEND_I32_U);
    code.op(I64_EQ).op(SELECT);
  } else {
    code.get(f.i64);
    f.get(src).op(ATOMIC_OPS[which & 3]!);
  }
  code.memory(store, offset);
  if (which < 4) return;
  code.get(f.i64);
  f.set(which === CMPXCHG ? 0 : src);
}
