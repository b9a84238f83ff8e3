/**
 * Marks on whole states.
 */
import { LANES, PRECISE, REGS, TYPE } from '../state/layout.ts';
import type { StateBase } from '../state/state.ts';
import { SCALAR } from '../state/types.ts';

/** What the path so far needed to be precise says nothing about what comes. */
export const markAllImprecise = (state: StateBase): void => markScalars(state, 0);

export const markAllPrecise = (state: StateBase): void => markScalars(state, 1);

/** Every scalar in registers r0..r9, and every spilled one. */
function markScalars(state: StateBase, precise: 0 | 1): void {
  for (let f = 0; f <= state.curframe; f++) {
    const frame = state.frames[f]!;
    const { i } = frame;
    for (let r = 0; r < REGS - 1; r++) if (i[r * LANES + TYPE] === SCALAR) i[r * LANES + PRECISE] = precise;
    for (let n = 0; n < frame.slots; n++) if (frame.isSpilledScalar(n)) i[(REGS + n) * LANES + PRECISE] = precise;
  }
}
