/**
 * A program compiled to WebAssembly, seen from the engine. It is compiled when it is first needed: many programs are
 * loaded to be looked at, and never run.
 */
import { bug } from '../../base/errors.ts';
import type { Addr } from '../../base/memory.ts';
import type { Callable, Code, EngineOptions } from '../code.ts';
import { FUEL, fuelCost, ProgramException, RunFault } from '../control.ts';
import type { Callback, Executable, Host, Placement } from '../host.ts';
import { interpreted } from '../interp/executable.ts';
import type { Operations } from '../operations.ts';
import { BATCH_EXPORT, callbackExport, compileModule, ENTRY_EXPORT, RUN_EXPORT } from './compile.ts';
import type { Services } from './function.ts';

/** A compiled program, ready to be called. */
interface Ready {
  readonly run: (ctx: Addr) => number;
  readonly batch?: Executable['batch'];
  readonly callback: (fn: number) => Callback;
  readonly entry: () => WebAssembly.ExportValue;
  readonly image: Uint8Array;
  readonly ranges: Executable['ranges'];
}

export class Compiled implements Executable {
  /** Compiles, then runs; the compiled function itself from then on. */
  enter: (ctx: Addr) => number;
  readonly #host: Host;
  readonly #code: Code;
  readonly #ops: Operations;
  readonly #placement: Placement;
  readonly #options: EngineOptions;
  #made: Ready | undefined;

  constructor(host: Host, code: Code, ops: Operations, placement: Placement, options: EngineOptions) {
    this.#host = host;
    this.#code = code;
    this.#ops = ops;
    this.#placement = placement;
    this.#options = options;
    this.enter = (ctx) => this.#ready.run(ctx);
    // Whatever a checked run throws is taken for the program's fault, so compiling is not left to it.
    if (options.checked) this.compile();
  }

  /** Makes the machine code now, if it is not there yet. */
  compile(): void {
    if (this.#made) return;
    this.#made = this.#make();
    this.enter = this.#made.run;
  }

  get image(): Uint8Array {
    return this.#ready.image;
  }
  get ranges(): Executable['ranges'] {
    return this.#ready.ranges;
  }
  entry(): WebAssembly.ExportValue {
    return this.#ready.entry();
  }

  get batch(): Executable['batch'] {
    return this.#ready.batch;
  }

  callback(fn: number): Callback {
    let call: Callback | undefined;
    const { mem, control } = this.#host;
    const { checked = false } = this.#options;
    return (r1lo, r1hi, r2lo, r2hi, r3lo, r3hi, r4lo, r4hi) => {
      if (checked) {
        const { bounds } = this.#ops;
        const left = mem.u32(control + FUEL);
        const cost = fuelCost(bounds[fn + 1]! - bounds[fn]!);
        if (left < cost) throw new RunFault('fuel', bounds[fn]!);
        mem.setU32(control + FUEL, left - cost);
      }
      call ??= this.#ready.callback(fn);
      return call(r1lo, r1hi, r2lo, r2hi, r3lo, r3hi, r4lo, r4hi);
    };
  }

  get #ready(): Ready {
    this.compile();
    return this.#made!;
  }

  #make(): Ready {
    const { checked = false } = this.#options;
    const compiled = compileModule(this.#host, this.#code, this.#ops, this.#placement, checked, this.#services());
    if (compiled === null) return this.#interpret();
    const module = this.#host.modules.get(compiled.bytes as Uint8Array<ArrayBuffer>);
    const { exports } = new WebAssembly.Instance(module, compiled.imports);
    return {
      run: exports[RUN_EXPORT] as (ctx: Addr) => number,
      batch: exports[BATCH_EXPORT] as Ready['batch'],
      callback: (fn) => (exports[callbackExport(fn)] ?? bug(`function ${fn} is no callback`)) as Callback,
      entry: () => exports[ENTRY_EXPORT]!,
      image: compiled.bytes,
      ranges: compiled.ranges,
    };
  }

  /** What a program larger than WebAssembly allows falls back to. */
  #interpret(): Ready {
    const body = interpreted(this.#host, this.#ops, this.#placement, this.#options);
    return {
      run: (ctx) => body.enter(ctx),
      callback: (fn) => body.callback(fn),
      entry: () => body.entry(),
      image: body.image,
      ranges: body.ranges,
    };
  }

  #services(): Services {
    const host = this.#host;
    const service = (name: string, args: string, ret: Callable['ret'], call: Callable['call']): Callable => ({
      name,
      args,
      ret,
      call,
    });
    return {
      // Its first two arguments are numbers, the ten others the halves of r1 to r5.
      callByNumber: service('call by number', 'iiLLLLL', 'u64', (id, pc, ...registers) =>
        host.callByNumber(id!, pc!, ...registers),
      ),
      throwException: service('throw', 'L', 'void', (lo, hi) => {
        throw new ProgramException(lo!, hi!);
      }),
      suspend: service('suspend', '', 'void', () => {
        host.suspend();
        return 0;
      }),
      resume: service('resume', '', 'void', () => {
        host.resume();
        return 0;
      }),
    };
  }
}
