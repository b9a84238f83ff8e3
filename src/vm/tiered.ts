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
 * How many runs of a program are worth interpreting: 0 where it has loops or calls back, since nobody knows how long a
 * run is then; and the fewer, the more often functions are called.
 */
export function runsToInterpret(ops: Operations, functionSlots: readonly number[]): number {
  if (functionSlots.some((slot) => slot !== 0)) return 0;
  const functions = ops.bounds.length - 1;
  const longest = new Array<number>(functions).fill(-1);
  /** Most instructions that a call of `fn` executes; infinitely many where that is not known. */
  const longestRun = (fn: number): number => {
    const known = longest[fn]!;
    if (known >= 0) return known;
    longest[fn] = Number.POSITIVE_INFINITY; // for a function that calls itself
    let count = 0;
    for (let pc = ops.bounds[fn]!; pc < ops.bounds[fn + 1]!; pc++) {
      count++;
      if (ops.op[pc] === OP_CALL_SUBPROG) count += longestRun(ops.target[pc]!);
      else if (ops.target[pc]! >= 0 && ops.target[pc]! <= pc) count = Number.POSITIVE_INFINITY;
    }
    longest[fn] = count;
    return count;
  };
  return Math.floor((WORTH * ops.length) / longestRun(0));
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
