/** A program as the interpreter reads it, made once at load. */
import { bug } from '../../base/errors.ts';
import type { Callable, EngineOptions } from '../code.ts';
import { RunFault, STACK_SIZE } from '../control.ts';
import type { Host, Placement } from '../host.ts';
import { OP_CALL_HELPER, OP_CALL_KFUNC, OP_CALL_SUBPROG, OP_LD_FUNC, type Operations } from '../operations.ts';

/** Calls something with the arguments in the registers' lanes and puts its answer into r0. */
type CallSite = (regs: Int32Array) => void;

export interface InterpreterProgram {
  /** Four words a slot: see interpreter.ts. */
  readonly words: Int32Array;
  /** First word of each function. */
  readonly entries: readonly number[];
  /** Words of each function. */
  readonly lengths: readonly number[];
  /** r10 of each function. */
  readonly framePointers: readonly number[];
  readonly functionSlots: readonly number[];
  /** By number, as the second word of a call says. */
  readonly callSites: readonly CallSite[];
  readonly stack: number;
  readonly stackSize: number;
  readonly checked: boolean;
  readonly arena: Operations['arena'];
  readonly onStep: ((pc: number, regs: Int32Array) => void) | null;
}

export function interpreterProgram(
  host: Host,
  ops: Operations,
  placement: Placement,
  options: EngineOptions,
): InterpreterProgram {
  const callSites: CallSite[] = [];
  const words = new Int32Array(ops.length * 4);
  for (let pc = 0; pc < ops.length; pc++) {
    const op = ops.op[pc]!;
    const at = pc * 4;
    words[at] = op | (ops.dst[pc]! << 17) | (ops.src[pc]! << 25);
    words[at + 1] = ops.off[pc]!;
    words[at + 2] = ops.imm[pc]!;
    if (op === OP_CALL_SUBPROG || op === OP_LD_FUNC) {
      words[at + 1] = ops.target[pc]!;
    } else if (op === OP_CALL_HELPER || op === OP_CALL_KFUNC) {
      const callable = placement.calls.get(pc);
      words[at + 1] = callSites.length;
      callSites.push(callable ? callSite(host, callable) : missing(pc));
    } else if (ops.arena?.accesses.has(pc)) {
      words[at] = ARENA_ACCESS | (words[at]! & ~0xffff);
      words[at + 3] = op;
    } else if (ops.target[pc]! >= 0) {
      words[at + 1] = ops.target[pc]! * 4;
    }
  }
  const functions = ops.bounds.slice(0, -1);
  return {
    words,
    entries: functions.map((start) => start * 4),
    lengths: functions.map((start, i) => (ops.bounds[i + 1]! - start) * 4),
    framePointers: functions.map((_, i) => placement.stack + (i + 1) * STACK_SIZE),
    functionSlots: placement.functionSlots,
    callSites,
    stack: placement.stack,
    stackSize: placement.stackSize,
    checked: options.checked ?? false,
    arena: ops.arena,
    onStep: options.onStep ?? null,
  };
}

/** In place of the operation, which is then the fourth word: a load, store or atomic operation that reaches into the arena. */
export const ARENA_ACCESS = 304;

function missing(pc: number): CallSite {
  return () => {
    throw new RunFault('illegal-instruction', pc);
  };
}

/** The lanes of the arguments, in order, that a Callable's letters ask for. */
function argumentLanes(args: string): number[] {
  const lanes: number[] = [];
  for (let i = 0; i < args.length; i++) {
    lanes.push(2 * (i + 1));
    if (args[i] === 'L') lanes.push(2 * (i + 1) + 1);
  }
  return lanes;
}

function callSite(host: Host, callable: Callable): CallSite {
  const invoke = invoker(callable.call, argumentLanes(callable.args));
  switch (callable.ret) {
    case 'int':
      return (regs) => {
        const answer = invoke(regs) | 0;
        regs[0] = answer;
        regs[1] = answer >> 31;
      };
    case 'ptr':
      return (regs) => {
        regs[0] = invoke(regs);
        regs[1] = 0;
      };
    case 'u64':
      return (regs) => {
        regs[0] = invoke(regs);
        regs[1] = host.retHi;
      };
    case 'void':
      return (regs) => {
        invoke(regs);
        regs[0] = 0;
        regs[1] = 0;
      };
  }
}

/** A call without an argument array: one closure for each number of lanes. */
function invoker(call: Callable['call'], lanes: readonly number[]): (regs: Int32Array) => number {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, j = 0] = lanes;
  switch (lanes.length) {
    case 0:
      return () => call();
    case 1:
      return (r) => call(r[a]!);
    case 2:
      return (r) => call(r[a]!, r[b]!);
    case 3:
      return (r) => call(r[a]!, r[b]!, r[c]!);
    case 4:
      return (r) => call(r[a]!, r[b]!, r[c]!, r[d]!);
    case 5:
      return (r) => call(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!);
    case 6:
      return (r) => call(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!);
    case 7:
      return (r) => call(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!, r[g]!);
    case 8:
      return (r) => call(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!, r[g]!, r[h]!);
    case 9:
      return (r) => call(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!, r[g]!, r[h]!, r[i]!);
    case 10:
      return (r) => call(r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!, r[g]!, r[h]!, r[i]!, r[j]!);
    default:
      return bug(`a helper with ${lanes.length} argument lanes`);
  }
}
