/**
 * Marks on whole states.
 */
import { LANES, PRECISE, REGS, TYPE } from '../state/layout.ts';
import type { StateBase } from '../state/state.ts';
import { SCALAR } from '../state/types.ts';

/** Calls `visit` with the lanes and first lane of every scalar in registers r0..r9 and spilled ones. */
function eachScalar(state: StateBase, visit: (i: Int32Array, at: number) => void): void {
  for (let f = 0; f <= state.curframe; f++) {
    const frame = state.frames[f]!;
    const i = frame.lanes.i;
    for (let r = 0; r < REGS - 1; r++) if (i[r * LANES + TYPE] === SCALAR) visit(i, r * LANES);
    for (let n = 0; n < frame.slots; n++) if (frame.isSpilledScalar(n)) visit(i, (REGS + n) * LANES);
  }
}

/** What the path so far needed to be precise says nothing about what comes. */
export function markAllImprecise(state: StateBase): void {
  eachScalar(state, (i, at) => {
    i[at + PRECISE] = 0;
  });
}

export function markAllPrecise(state: StateBase): void {
  eachScalar(state, (i, at) => {
    i[at + PRECISE] = 1;
  });
}
