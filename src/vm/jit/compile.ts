/** Writes the WebAssembly module of a program: its functions, the ways in from JavaScript, and what it imports. */
import type { Code } from '../code.ts';
import { DEPTH, RET_HI, RUNNING, TAIL_CALLS } from '../control.ts';
import type { Host, Placement } from '../host.ts';
import { isPacketOperation, OP_CALLX, OP_TAIL_CALL, OP_THROW, type Operations } from '../operations.ts';
import { CodeWriter } from '../wasm/code.ts';
import { type FunctionRange, ModuleWriter } from '../wasm/module.ts';
import {
  BR_IF,
  I32,
  I32_ADD,
  I32_LOAD,
  I32_STORE,
  I32_SUB,
  I32_WRAP_I64,
  I64,
  I64_EXTEND_I32_U,
  I64_OR,
  I64_SHL,
  I64_SHR_U,
  IF,
  LOOP,
} from '../wasm/opcodes.ts';
import type { ModuleContext, Services } from './function.ts';
import { ProgramFacts } from './function-facts.ts';
import { HelperFunctions } from './helper-functions.ts';
import { ModuleImports } from './imports.ts';
import { translateFunction } from './translate.ts';

/** V8 refuses larger functions, and other engines have limits of that kind. */
const MAX_FUNCTION_SIZE = 7_000_000;

export interface CompiledModule {
  readonly bytes: Uint8Array;
  /** One a BPF function. */
  readonly ranges: readonly FunctionRange[];
  readonly imports: WebAssembly.Imports;
}

/** Names of the exports: the ways in for a run, for many, for tail calls, and for the callback that function N is. */
export const RUN_EXPORT = 'run';
export const BATCH_EXPORT = 'batch';
export const ENTRY_EXPORT = 'entry';
export const callbackExport = (fn: number): string => `callback${fn}`;

/** The module, or null where a function is too large for WebAssembly engines. */
export function compileModule(
  host: Host,
  program: Code,
  ops: Operations,
  placement: Placement,
  checked: boolean,
  services: Services,
): CompiledModule | null {
  const module = new ModuleWriter();
  const imports = new ModuleImports(module, host);
  importCallables(imports, host, ops, placement, services);
  const functionType = module.type([I64, I64, I64, I64, I64], [I64]);
  const functions = program.subprogs.map((_, fn) =>
    module.declare(functionType, program.names?.[fn] ?? (fn === 0 ? 'main' : `sub_${fn}`)),
  );
  const stack = { start: placement.stack, size: placement.stackSize };
  const context: ModuleContext = {
    program,
    ops,
    imports,
    control: host.control,
    checked,
    stack,
    slot: placement.slot,
    functionSlots: placement.functionSlots,
    calls: placement.calls,
    services,
    helperFunctions: new HelperFunctions(module, imports),
    facts: new ProgramFacts(ops, placement.calls, stack, checked),
    functionType,
    functionIndex: (fn) => functions[fn]!,
  };
  for (let fn = 0; fn < functions.length; fn++) {
    const body = translateFunction(context, fn);
    if (body.length > MAX_FUNCTION_SIZE) return null;
    module.define(functions[fn]!, body);
  }
  const run = module.declare(module.type([I32], [I32]), 'skep_run');
  module.define(run, runBody(functions[0]!, host.control));
  module.exportFunction(RUN_EXPORT, run);
  if (!checked) {
    const batch = module.declare(module.type([I32, I32, I32, I32], [I32]), 'skep_batch');
    module.define(batch, batchBody(run, host.control, placement.slot));
    module.exportFunction(BATCH_EXPORT, batch);
  }
  module.exportFunction(ENTRY_EXPORT, functions[0]!);
  placement.functionSlots.forEach((slot, fn) => {
    if (slot === 0) return;
    const callback = module.declare(
      module.type([I32, I32, I32, I32, I32, I32, I32, I32], [I32]),
      `skep_callback_${fn}`,
    );
    module.define(callback, callbackBody(functions[fn]!, host.control));
    module.exportFunction(callbackExport(fn), callback);
  });
  const { bytes, ranges } = module.finish();
  return { bytes, ranges: ranges.slice(0, functions.length), imports: imports.values };
}

function importCallables(
  imports: ModuleImports,
  host: Host,
  ops: Operations,
  placement: Placement,
  services: Services,
): void {
  for (const callable of placement.calls.values()) imports.add(callable);
  for (let pc = 0; pc < ops.length; pc++) {
    const op = ops.op[pc]!;
    if (op === OP_CALLX) {
      imports.add(services.callByNumber);
    } else if (op === OP_THROW) {
      imports.add(services.throwException);
    } else if (op === OP_TAIL_CALL) {
      imports.add(services.suspend);
      imports.add(services.resume);
    } else if (isPacketOperation(op)) {
      imports.add(host.packetLoad);
    }
  }
}

/** (ctx: i32) -> i32: the first function with r1 = ctx. */
function runBody(main: number, control: number): Uint8Array {
  const code = new CodeWriter(1);
  code.get(0).op(I64_EXTEND_I32_U).i64(0).i64(0).i64(0).i64(0).call(main);
  splitAnswer(code, control);
  return code.finish();
}

/** (ctx, stride, count, answers) -> i32: see `Runnable.runBatch`. The count is not 0. */
function batchBody(run: number, control: number, slot: number): Uint8Array {
  const [ctx, stride, count, answers] = [0, 1, 2, 3];
  const code = new CodeWriter(4);
  const answer = code.newLocal(I32);
  const again = code.open(LOOP);
  code
    .i32(0)
    .i32(0)
    .memory(I32_STORE, control + TAIL_CALLS);
  code
    .i32(0)
    .i32(slot)
    .memory(I32_STORE, control + RUNNING);
  code.get(ctx).call(run).set(answer);
  code.get(answers).open(IF);
  code.get(answers).get(answer).memory(I32_STORE, 0);
  code.get(answers).i32(4).op(I32_ADD).set(answers);
  code.end();
  code.get(ctx).get(stride).op(I32_ADD).set(ctx);
  code.get(count).i32(1).op(I32_SUB).tee(count).branch(BR_IF, again);
  code.end();
  code.get(answer);
  return code.finish();
}

/** (r1lo, r1hi … r4lo, r4hi) -> i32. Functions that wait outside of the helper that calls back do not count in its depth. */
function callbackBody(fn: number, control: number): Uint8Array {
  const code = new CodeWriter(8);
  const depth = code.newLocal(I32);
  code
    .i32(0)
    .memory(I32_LOAD, control + DEPTH)
    .set(depth);
  code
    .i32(0)
    .i32(0)
    .memory(I32_STORE, control + DEPTH);
  for (let arg = 0; arg < 4; arg++) {
    code.get(2 * arg).op(I64_EXTEND_I32_U);
    code
      .get(2 * arg + 1)
      .op(I64_EXTEND_I32_U)
      .i64(32)
      .op(I64_SHL)
      .op(I64_OR);
  }
  code.i64(0).call(fn);
  code
    .i32(0)
    .get(depth)
    .memory(I32_STORE, control + DEPTH);
  splitAnswer(code, control);
  return code.finish();
}

/** Turns the i64 on the stack into its low half, and leaves the high half in the control block. */
function splitAnswer(code: CodeWriter, control: number): void {
  const answer = code.newLocal(I64);
  code.set(answer);
  code
    .i32(0)
    .get(answer)
    .i64(32)
    .op(I64_SHR_U)
    .op(I32_WRAP_I64)
    .memory(I32_STORE, control + RET_HI);
  code.get(answer).op(I32_WRAP_I64);
}
