/** Which function each call of a program reaches: decided once at load. */
import type { Callable, Code } from './code.ts';
import { RunFault } from './control.ts';
import { OP_CALL_HELPER, OP_CALL_KFUNC, type Operations } from './operations.ts';

/** Slot of a helper or kfunc call -> what it calls. A slot that is missing calls what does not exist. */
export function resolveCalls(
  ops: Operations,
  code: Code,
  helpers: ReadonlyMap<number, Callable>,
  checked: boolean,
): ReadonlyMap<number, Callable> {
  const calls = new Map<number, Callable>();
  const guarded = new Map<Callable, Callable>();
  for (let pc = 0; pc < ops.length; pc++) {
    const op = ops.op[pc];
    if (op !== OP_CALL_HELPER && op !== OP_CALL_KFUNC) continue;
    const callable = op === OP_CALL_HELPER ? helpers.get(ops.imm[pc]!) : code.kfuncs?.get(pc);
    if (callable === undefined) continue;
    if (checked && !guarded.has(callable)) guarded.set(callable, guard(callable));
    calls.set(pc, guarded.get(callable) ?? callable);
  }
  return calls;
}

/** For unverified programs, which may hand a function what it cannot make sense of: whatever it throws is a fault. */
export function guard(callable: Callable): Callable {
  return {
    ...callable,
    call: (...args) => {
      try {
        return callable.call(...args);
      } catch (error) {
        // A callback of the program that stopped, or the host's stack that is full, is told by whoever began the run.
        const known =
          error instanceof RunFault || error instanceof RangeError || error instanceof WebAssembly.RuntimeError;
        throw known ? error : new RunFault('access', -1);
      }
    },
  };
}
