/** Checked mode: tests that stand before accesses, back edges and calls, and end the run with a fault. */
import {
  DEPTH,
  FAULT,
  FAULT_PC,
  FAULTS,
  FUEL,
  fuelCost,
  MAX_CALL_DEPTH,
  REGION_COUNT,
  REGION_SIZE,
  REGIONS,
} from '../control.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BLOCK,
  BR,
  BR_IF,
  I32,
  I32_ADD,
  I32_AND,
  I32_EQZ,
  I32_GE_U,
  I32_LE_U,
  I32_LOAD,
  I32_LT_U,
  I32_MUL,
  I32_OR,
  I32_STORE,
  I32_SUB,
  I32_WRAP_I64,
  I64,
  I64_ADD,
  I64_EQZ,
  I64_GT_U,
  I64_SHR_U,
  I64_SUB,
  IF,
  LOOP,
  RETURN,
  UNREACHABLE,
} from '../wasm/opcodes.ts';
import type { FunctionContext } from './function.ts';

/** Lets only an access of `size` bytes at `reg + off` go on that lies in the program's stack or in a region. */
export function checkAccess(
  f: FunctionContext,
  reg: number,
  off: number,
  size: number,
  write: boolean,
  pc: number,
): void {
  if (!f.checked) return;
  const { code } = f;
  if (reg === 10 && insideStack(f, off, size)) return;
  f.get(reg);
  if (off !== 0) code.i64(off).op(I64_ADD);
  code.tee(f.i64).i64(f.stack.start, 0).op(I64_SUB);
  code.i64(f.stack.size - size).op(I64_GT_U);
  code.open(IF);
  code
    .get(f.i64)
    .i32(size)
    .i32(write ? 1 : 0)
    .i32(pc)
    .call(f.regionCheck);
  code.end();
}

function insideStack(f: FunctionContext, off: number, size: number): boolean {
  const at = f.framePointer + off - f.stack.start;
  return at >= 0 && at + size <= f.stack.size;
}

/**
 * The body of the function `(address: i64, size: i32, write: i32, pc: i32)`: it comes back where a region has the bytes,
 * and else ends the run. It walks the engine's table of regions.
 */
export function writeRegionCheck(code: CodeWriter, control: number): void {
  const [addr64, size, write, pc] = [0, 1, 2, 3];
  const addr = code.newLocal(I32);
  const entry = code.newLocal(I32);
  const end = code.newLocal(I32);
  const at = code.newLocal(I32);
  const out = code.open(BLOCK);
  code.get(addr64).i64(32).op(I64_SHR_U).op(I64_EQZ).op(I32_EQZ).branch(BR_IF, out);
  code.get(addr64).op(I32_WRAP_I64).set(addr);
  code
    .i32(0)
    .memory(I32_LOAD, control + REGIONS)
    .tee(entry);
  code
    .i32(0)
    .memory(I32_LOAD, control + REGION_COUNT)
    .i32(REGION_SIZE)
    .op(I32_MUL)
    .op(I32_ADD)
    .set(end);
  const again = code.open(LOOP);
  code.get(entry).get(end).op(I32_GE_U).branch(BR_IF, out);
  // at = addr - start; inside where size <= region's size and at <= region's size - size, all unsigned.
  code.get(addr).get(entry).memory(I32_LOAD, 0).op(I32_SUB).set(at);
  code.get(size).get(entry).memory(I32_LOAD, 4).op(I32_LE_U);
  code.get(at).get(entry).memory(I32_LOAD, 4).get(size).op(I32_SUB).op(I32_LE_U).op(I32_AND);
  code.get(write).op(I32_EQZ).get(entry).memory(I32_LOAD, 8).op(I32_OR).op(I32_AND);
  code.open(IF);
  code.op(RETURN).end();
  code.get(entry).i32(REGION_SIZE).op(I32_ADD).set(entry);
  code.branch(BR, again);
  code.end().end();
  code
    .i32(0)
    .i32(FAULTS.indexOf('access'))
    .memory(I32_STORE, control + FAULT);
  code
    .i32(0)
    .get(pc)
    .memory(I32_STORE, control + FAULT_PC);
  code.op(UNREACHABLE);
}

/**
 * Takes the fuel of a jump back or a call over `slots` slots. While a function runs its fuel is in a local: `takeFuel` brings it from the control block when
 * the function begins and after each call, `leaveFuel` puts it there before a call and when the function ends.
 */
export function burnFuel(f: FunctionContext, pc: number, slots: number): void {
  if (!f.checked) return;
  const { code, fuel } = f;
  const cost = fuelCost(slots);
  code.get(fuel).i32(cost).op(I32_LT_U).open(IF);
  f.fault('fuel', pc);
  code.end();
  code.get(fuel).i32(cost).op(I32_SUB).set(fuel);
}

export function takeFuel(f: FunctionContext): void {
  if (f.checked)
    f.code
      .i32(0)
      .memory(I32_LOAD, f.control + FUEL)
      .set(f.fuel);
}

export function leaveFuel(f: FunctionContext): void {
  if (f.checked)
    f.code
      .i32(0)
      .get(f.fuel)
      .memory(I32_STORE, f.control + FUEL);
}

/** Counts a function in; `leaveFunction` counts it out again. Both use the local `other32`. */
export function enterFunction(f: FunctionContext, pc: number): void {
  if (!f.checked) return;
  const { code, control } = f;
  code
    .i32(0)
    .memory(I32_LOAD, control + DEPTH)
    .tee(f.other32);
  code
    .i32(MAX_CALL_DEPTH - 1)
    .op(I32_GE_U)
    .open(IF);
  f.fault('stack', pc);
  code.end();
  code
    .i32(0)
    .get(f.other32)
    .i32(1)
    .op(I32_ADD)
    .memory(I32_STORE, control + DEPTH);
}

export function leaveFunction(f: FunctionContext): void {
  if (!f.checked) return;
  f.code
    .i32(0)
    .get(f.other32)
    .memory(I32_STORE, f.control + DEPTH);
}

/** The type of the function that `writeRegionCheck` writes. */
export const REGION_CHECK_TYPE = { params: [I64, I32, I32, I32], results: [] } as const;
