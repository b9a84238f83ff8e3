/** Which function each call of a program reaches: decided once at load. */
import type { Callable, Code } from './code.ts';
import { OP_CALL_HELPER, OP_CALL_KFUNC, type Operations } from './operations.ts';

/** Slot of a helper or kfunc call -> what it calls. A slot that is missing calls what does not exist. */
export function resolveCalls(
  ops: Operations,
  code: Code,
  helpers: ReadonlyMap<number, Callable>,
): ReadonlyMap<number, Callable> {
  const calls = new Map<number, Callable>();
  for (let pc = 0; pc < ops.length; pc++) {
    const op = ops.op[pc];
    if (op !== OP_CALL_HELPER && op !== OP_CALL_KFUNC) continue;
    const callable = op === OP_CALL_HELPER ? helpers.get(ops.imm[pc]!) : code.kfuncs?.get(pc);
    if (callable !== undefined) calls.set(pc, callable);
  }
  return calls;
}
