/**
 * The registers of one run of the interpreter: a window of lanes for each function that may be on the stack, so that a
 * call saves nothing and a return restores nothing.
 *
 * A window is r0 to r10 as pairs of lanes, and where its function goes on when the one that it called ends.
 */
import { MAX_CALL_DEPTH } from '../control.ts';

export const FRAME_POINTER = 20;
/** Word to go on at, and what is left for may_goto, while a called function runs. */
export const NEXT = 22;
export const BUDGET = 23;
const LANES = 24;

export interface Machine {
  readonly windows: readonly Int32Array[];
}

/** Machines that no run is using; a run inside a run takes another one. */
export class MachinePool {
  readonly #idle: Machine[] = [];

  /** A machine whose first window is all 0. */
  take(): Machine {
    const machine = this.#idle.pop();
    if (machine === undefined) {
      return { windows: Array.from({ length: MAX_CALL_DEPTH }, () => new Int32Array(LANES)) };
    }
    const first = machine.windows[0]!;
    for (let lane = 0; lane < LANES; lane++) first[lane] = 0;
    return machine;
  }

  /** After a run that came to its end; what a fault leaves behind is not used again. */
  give(machine: Machine): void {
    this.#idle.push(machine);
  }
}

/** The callee's window: the caller's r1 to r5, its own r10, and 0 in the others. */
export function enterFunction(caller: Int32Array, callee: Int32Array, framePointer: number): Int32Array {
  callee[0] = 0;
  callee[1] = 0;
  for (let lane = 2; lane < 12; lane++) callee[lane] = caller[lane]!;
  for (let lane = 12; lane < FRAME_POINTER; lane++) callee[lane] = 0;
  callee[FRAME_POINTER] = framePointer;
  return callee;
}
