/**
 * The history of a state: instructions whose predecessor is not simply the one before, and stack accesses.
 */
import type { LinkedReg } from '../branch/linked.ts';
import type { Env } from '../env.ts';
import type { HistoryEntry, StateBase } from '../state/state.ts';

/** Notes the current instruction, or adds to the note it already has. */
export function pushHistory(env: Env, state: StateBase, flags: number, linked?: readonly LinkedReg[]): void {
  const known = env.hist;
  if (known) {
    const more: HistoryEntry = { ...known, flags: known.flags | flags, linked: linked ?? known.linked };
    state.history[state.history.length - 1] = more;
    env.hist = more;
    return;
  }
  const entry: HistoryEntry = { idx: env.pc, prevIdx: env.prevPc, flags, linked };
  state.history.push(entry);
  env.hist = entry;
}
