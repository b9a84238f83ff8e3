/**
 * Notes in the history of the state being walked.
 */
import type { LinkedSet } from '../branch/linked.ts';
import type { Env } from '../env.ts';
import { HIST_FLAGS, HIST_LINKED } from '../state/history.ts';

/** Notes the current instruction, or adds to the note it already has. */
export function pushHistory(env: Env, flags: number, linked: LinkedSet | null = null): void {
  const { history } = env.cur;
  if (!env.noted) {
    env.noted = true;
    history.push(env.pc, env.prevPc, flags, linked ? linked.packed(0) : 0, linked ? linked.packed(1) : 0);
    return;
  }
  const at = history.last();
  history.lanes[at + HIST_FLAGS]! |= flags;
  if (!linked) return;
  history.lanes[at + HIST_LINKED] = linked.packed(0);
  history.lanes[at + HIST_LINKED + 1] = linked.packed(1);
}
