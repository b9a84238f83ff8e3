/**
 * Dynptrs on the stack. Making one is not offered yet, so none can be there to be overwritten.
 */
import type { Env } from '../env.ts';
import type { LiveFrame } from '../state/frame.ts';
import { SLOT_DYNPTR } from '../state/types.ts';

/** Slot `n` is written to: a dynptr in it is lost. */
export function destroyDynptrAt(env: Env, frame: LiveFrame, n: number): void {
  if (n < frame.slots && frame.kind(n, 7) === SLOT_DYNPTR) env.unsupported('overwriting a dynptr');
}
