/**
 * A program whose first runs are interpreted, and which is compiled when it goes on running: what runs once or twice has
 * its result before it would be compiled. What runs often loses at most about as much again as compiling takes.
 */
import type { Addr } from '../base/memory.ts';
import type { Callback, Executable } from './host.ts';
import type { Compiled } from './jit/executable.ts';
import { OP_CALL_SUBPROG, type Operations } from './operations.ts';

/** Interpreted instructions for each one of the program. Compiling one takes as long as interpreting a hundred. */
const WORTH = 32;

/**
 * How many runs of a program are worth interpreting: the fewer, the longer a run can be compared with the program. `longestRun` is what is known
 * of that, in instructions. 0 where functions are called back.
 */
export function runsToInterpret(
  ops: Operations,
  functionSlots: readonly number[],
  longestRun = Number.POSITIVE_INFINITY,
): number {
  if (functionSlots.some((slot) => slot !== 0)) return 0;
  return Math.floor((WORTH * ops.length) / Math.min(longestRun, longestWithoutLoops(ops)));
}

/** Most instructions that a run executes; infinitely many where there are loops. */
function longestWithoutLoops(ops: Operations): number {
  const functions = ops.bounds.length - 1;
  const longest = new Array<number>(functions).fill(-1);
  const longestOf = (fn: number): number => {
    const known = longest[fn]!;
    if (known >= 0) return known;
    longest[fn] = Number.POSITIVE_INFINITY; // for a function that calls itself
    let count = 0;
    for (let pc = ops.bounds[fn]!; pc < ops.bounds[fn + 1]!; pc++) {
      count++;
      if (ops.op[pc] === OP_CALL_SUBPROG) count += longestOf(ops.target[pc]!);
      else if (ops.target[pc]! >= 0 && ops.target[pc]! <= pc) count = Number.POSITIVE_INFINITY;
    }
    longest[fn] = count;
    return count;
  };
  return longestOf(0);
}

export class Tiered implements Executable {
  /** Interprets, until it is the compiled function itself. */
  enter: (ctx: Addr) => number;
  readonly #compiled: Compiled;
  #isCompiled = false;

  constructor(compiled: Compiled, interpret: () => Executable, runs: number) {
    this.#compiled = compiled;
    let interpreted: Executable | undefined;
    let left = runs;
    this.enter = (ctx) => {
      if (left-- <= 0) return this.#ready.enter(ctx);
      interpreted ??= interpret();
      return interpreted.enter(ctx);
    };
  }

  /** Compiled from here on. */
  get #ready(): Compiled {
    if (!this.#isCompiled) {
      this.#compiled.compile();
      this.enter = this.#compiled.enter;
      this.#isCompiled = true;
    }
    return this.#compiled;
  }

  get image(): Uint8Array {
    return this.#ready.image;
  }
  get ranges(): Executable['ranges'] {
    return this.#ready.ranges;
  }
  get batch(): Executable['batch'] {
    return this.#ready.batch;
  }
  entry(): WebAssembly.ExportValue {
    return this.#ready.entry();
  }
  callback(fn: number): Callback {
    return this.#compiled.callback(fn);
  }
}
