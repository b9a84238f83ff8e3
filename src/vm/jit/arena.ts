/** Accesses of an arena, each confined to pages that are there: what `arenaAddress` says, as WebAssembly. */
import { ARENA_PAGE_BITS, type Arena, SINK } from '../arena.ts';
import {
  ELSE,
  I32,
  I32_ADD,
  I32_AND,
  I32_LOAD8_U,
  I32_LT_U,
  I32_SHR_U,
  I64_EXTEND_I32_U,
  I64_OR,
  IF,
  SELECT,
} from '../wasm/opcodes.ts';
import type { FunctionContext } from './function.ts';

/** Leaves the address where an access at `reg + off` goes. */
export function writeArenaAddress(
  f: FunctionContext,
  arena: Arena,
  reg: number,
  off: number,
  size: number,
  write: boolean,
): void {
  const { code } = f;
  const nowhere = arena.nowhere + (write ? SINK : 0);
  f.get32(reg)
    .i32(off - arena.userLow)
    .op(I32_ADD)
    .tee(f.i32);
  code.i32(Math.max(0, arena.size - size + 1)).op(I32_LT_U);
  code.open(IF, I32);
  code.get(f.i32).i32(arena.base).op(I32_ADD).i32(nowhere);
  code.get(f.i32).i32(ARENA_PAGE_BITS).op(I32_SHR_U).memory(I32_LOAD8_U, arena.present);
  if (size > 1) {
    code
      .get(f.i32)
      .i32(size - 1)
      .op(I32_ADD)
      .i32(ARENA_PAGE_BITS)
      .op(I32_SHR_U)
      .memory(I32_LOAD8_U, arena.present);
    code.op(I32_AND);
  }
  code.op(SELECT);
  code.else(ELSE).i32(nowhere).end();
}

/** What user space calls the place that src points to. NULL stays NULL. */
export function writeArenaPointer(f: FunctionContext, pc: number): void {
  const { code, ops } = f;
  const src = ops.src[pc]!;
  f.get32(src).op(I64_EXTEND_I32_U).i64(0, ops.imm[pc]!).op(I64_OR);
  code.i64(0, 0);
  f.get32(src).op(SELECT);
  f.set(ops.dst[pc]!);
}
