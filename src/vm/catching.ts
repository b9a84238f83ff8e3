/**
 * A program that may throw: what its functions throw ends the run, or the run that a tail call began, and becomes its
 * answer, through the program's exception callback where it has one.
 */
import type { Addr } from '../base/memory.ts';
import { bridge } from './bridge.ts';
import { ProgramException } from './control.ts';
import type { Callback, Executable, Host } from './host.ts';

export class Catching implements Executable {
  readonly #host: Host;
  readonly #body: Executable;
  readonly #callback: Callback | undefined;

  /** `callback` is the number of the exception callback, undefined where there is none. */
  constructor(host: Host, body: Executable, callback: number | undefined) {
    this.#host = host;
    this.#body = body;
    this.#callback = callback === undefined ? undefined : body.callback(callback);
  }

  enter(ctx: Addr): number {
    const depth = this.#host.callsWaiting();
    try {
      return this.#body.enter(ctx);
    } catch (error) {
      if (!(error instanceof ProgramException)) throw error;
      this.#host.forgetCalls(depth);
      if (this.#callback) return this.#callback(error.lo, error.hi, 0, 0, 0, 0, 0, 0);
      this.#host.retHi = error.hi;
      return error.lo;
    }
  }

  callback(fn: number): Callback {
    return this.#body.callback(fn);
  }

  /** Through JavaScript, so that what a program throws does not pass through the one which called it. */
  entry(): WebAssembly.ExportValue {
    return bridge(this.#host, (ctx) => this.enter(ctx));
  }

  get image(): Uint8Array {
    return this.#body.image;
  }
  get ranges(): Executable['ranges'] {
    return this.#body.ranges;
  }
}
