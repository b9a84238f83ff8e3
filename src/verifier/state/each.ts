/**
 * Every register of a state, in all frames, and every spilled one.
 */
import { LANES, REGS, TYPE } from './layout.ts';
import { Reg } from './reg.ts';
import type { StateBase } from './state.ts';

/** Calls `visit` with every register and spilled register of a state. */
export function eachReg(state: StateBase, visit: (reg: Reg, frame: number) => void): void {
  const reg = new Reg(state.frames[0]!.lanes, 0);
  for (let f = 0; f <= state.curframe; f++) {
    const frame = state.frames[f]!;
    for (let r = 0; r < REGS; r++) {
      if (frame.i[r * LANES + TYPE] !== 0) visit(reg.point(frame.lanes, r), f);
    }
    for (let n = 0; n < frame.slots; n++) {
      if (frame.isSpill(n)) visit(reg.point(frame.lanes, REGS + n), f);
    }
  }
}
