/** Checked mode: tests that stand before accesses, back edges and calls, and end the run with a fault. */
import {
  DEPTH,
  FUEL,
  fuelCost,
  MAX_CALL_DEPTH,
  REGION_READABLE,
  REGION_SIZE,
  REGION_START,
  REGION_WRITABLE,
  REGIONS,
  REGIONS_END,
} from '../control.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BLOCK,
  BR,
  BR_IF,
  I32_ADD,
  I32_AND,
  I32_GE_U,
  I32_LOAD,
  I32_LT_U,
  I32_STORE,
  I32_SUB,
  I64_ADD,
  I64_GE_U,
  I64_LE_U,
  I64_LOAD32_U,
  I64_LT_U,
  I64_SUB,
  IF,
  LOOP,
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
  if (!f.checked || f.isInStack(pc) || f.checkedRanges.covers(reg, off, size, write)) return;
  f.faultWill('access', pc);
  testRange(f, reg, off, size, write, f.faultLabel);
  f.checkedRanges.add(reg, off, size, write);
}

/**
 * Goes to `outside` where the `size` bytes at `reg + off` are neither in the program's stack nor in a region. The stack
 * is tried first; then the engine's table of regions is walked. That is written out at every access: a call, even one
 * that is hardly ever made, would keep what a loop works on out of registers.
 */
export function testRange(
  f: FunctionContext,
  reg: number,
  off: number,
  size: number,
  write: boolean,
  outside: number,
): void {
  const { code, control } = f;
  const addr = f.i64;
  const sum = f.sums.of(reg);
  /** The least number that added to the constant is too much. */
  const room = sum ? f.stack.start + f.stack.size - size + 1 - (sum.constant + off) : 0;
  const above = sum !== undefined && room > 0 && sum.constant + off >= f.stack.start;
  if (above && sum.index < 0) return;
  if (above) {
    f.get32(sum.index).i32(room).op(I32_GE_U);
  } else {
    wholeAddress(f, reg, off).i64(f.stack.start, 0).op(I64_SUB);
    // Without room in the stack nothing is below 0.
    code.i64(Math.max(0, f.stack.size - size + 1), 0).op(I64_GE_U);
  }
  code.open(IF);
  wholeAddress(f, reg, off).set(addr);
  const entry = f.other32;
  const at = f.otherI64;
  const bytes = write ? REGION_WRITABLE : REGION_READABLE;
  code
    .i32(0)
    .memory(I32_LOAD, control + REGIONS)
    .set(entry);
  const inside = code.open(BLOCK);
  const again = code.open(LOOP);
  code.get(addr).get(entry).memory(I64_LOAD32_U, REGION_START).op(I64_SUB).tee(at);
  code.get(entry).memory(I64_LOAD32_U, bytes).op(I64_LT_U);
  code.get(at).i64(size, 0).op(I64_ADD).get(entry).memory(I64_LOAD32_U, bytes).op(I64_LE_U).op(I32_AND);
  code.branch(BR_IF, inside);
  code.get(entry).i32(REGION_SIZE).op(I32_ADD).tee(entry);
  code
    .i32(0)
    .memory(I32_LOAD, control + REGIONS_END)
    .op(I32_LT_U)
    .branch(BR_IF, again);
  code.end().branch(BR, outside).end().end();
}

function wholeAddress(f: FunctionContext, reg: number, off: number): CodeWriter {
  f.get(reg);
  return off === 0 ? f.code : f.code.i64(off).op(I64_ADD);
}

/**
 * Takes the fuel of a jump back or a call over `slots` slots. While a function runs its fuel is in a local: `takeFuel` brings it from the control block when
 * the function begins and after each call, `leaveFuel` puts it there before a call and when the function ends.
 */
export function burnFuel(f: FunctionContext, pc: number, slots: number): void {
  if (!f.checked) return;
  const { code, fuel } = f;
  const cost = fuelCost(slots);
  f.faultWill('fuel', pc);
  code.get(fuel).i32(cost).op(I32_LT_U).branch(BR_IF, f.faultLabel);
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

/** When a function begins that calls others: how many wait for it. */
export function takeDepth(f: FunctionContext): void {
  if (f.checked)
    f.code
      .i32(0)
      .memory(I32_LOAD, f.control + DEPTH)
      .set(f.depth);
}

/** Lets a call go on that is not too deep. Functions written in place count as if they were called. */
export function checkDepth(f: FunctionContext, pc: number): void {
  if (!f.checked) return;
  f.faultWill('stack', pc);
  f.code
    .get(f.depth)
    .i32(MAX_CALL_DEPTH - 1 - f.inlined)
    .op(I32_GE_U)
    .branch(BR_IF, f.faultLabel);
}

/** Counts a function in; `leaveFunction` counts it out again. */
export function enterFunction(f: FunctionContext): void {
  if (!f.checked) return;
  f.code
    .i32(0)
    .get(f.depth)
    .i32(1 + f.inlined)
    .op(I32_ADD)
    .memory(I32_STORE, f.control + DEPTH);
}

export function leaveFunction(f: FunctionContext): void {
  if (!f.checked) return;
  f.code
    .i32(0)
    .get(f.depth)
    .memory(I32_STORE, f.control + DEPTH);
}
