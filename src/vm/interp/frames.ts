/** What a call between functions of one program keeps: the caller's registers but r0, and where it goes on. */

/** Lanes of a saved frame: where to go on, what is left for may_goto, r1 to r10. */
export const FRAME_LANES = 22;

const R1 = 2;
const R6 = 12;
const R10 = 20;

/** Saves the caller into frame `depth`. The callee starts with r1 to r5, its own r10, and 0 in the others. */
export function enterFunction(
  regs: Int32Array,
  frames: Int32Array,
  depth: number,
  next: number,
  budget: number,
  framePointer: number,
): void {
  const at = depth * FRAME_LANES;
  frames[at] = next;
  frames[at + 1] = budget;
  for (let lane = R1; lane < FRAME_LANES; lane++) frames[at + lane] = regs[lane]!;
  regs[0] = 0;
  regs[1] = 0;
  regs.fill(0, R6, R10);
  regs[R10] = framePointer;
  regs[R10 + 1] = 0;
}

/** Gives the caller of frame `depth` its registers back. */
export function leaveFunction(regs: Int32Array, frames: Int32Array, depth: number): void {
  const at = depth * FRAME_LANES;
  for (let lane = R1; lane < FRAME_LANES; lane++) regs[lane] = frames[at + lane]!;
}
