/**
 * Marks on whole states.
 */
import { ADD_CONST } from '../log/state.ts';
import { ID, LANES, OFF, PRECISE, REGS, TYPE } from '../state/layout.ts';
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

/** An id that only one scalar has links it to nothing, and would only keep states from comparing equal. */
export function clearSingularIds(state: StateBase): void {
  const counts = new Map<number, number>();
  eachScalar(state, (i, at) => {
    const id = i[at + ID]! & ~ADD_CONST;
    if (id) counts.set(id, (counts.get(id) ?? 0) + 1);
  });
  if (counts.size === 0) return;
  eachScalar(state, (i, at) => {
    const id = i[at + ID]! & ~ADD_CONST;
    if (!id || counts.get(id)! > 1) return;
    i[at + ID] = 0;
    i[at + OFF] = 0;
  });
}
