/**
 * Widening: numbers that differ from one round of an endless-looking loop to the next, and that no verdict relied on,
 * become unknown, so that the loop's states converge. Linux: widen_imprecise_scalars().
 */
import { EXACT_LANES, ID, LANES, PRECISE, REF_ID, REGS, TYPE } from '../state/layout.ts';
import { Reg } from '../state/reg.ts';
import type { SavedState, StateBase } from '../state/state.ts';
import { SCALAR } from '../state/types.ts';

/** Widens `next` against the last checkpoint at `pc` on this path, where there is one. */
export function widenLoop(from: SavedState | null, pc: number, next: StateBase): void {
  const before = previousEntry(from, pc, next);
  if (before) widen(before, next);
}

export function previousEntry(from: SavedState | null, pc: number, next: StateBase): SavedState | null {
  for (let st = from; st; st = st.parent) {
    if (st.insnIdx !== pc || st.evicted || st.curframe !== next.curframe) continue;
    let same = true;
    for (let f = 0; f <= st.curframe; f++) if (st.frames[f]!.callsite !== next.frames[f]!.callsite) same = false;
    if (same) return st;
  }
  return null;
}

export function widen(old: StateBase, cur: StateBase): void {
  const ids = new IdPairs();
  for (let f = old.curframe; f >= 0; f--) {
    const a = old.frames[f]!;
    const b = cur.frames[f]!;
    for (let r = 0; r < REGS; r++) widenRecord(a.i, b.i, new Reg(b.lanes, r), r, ids);
    for (let n = 0; n < Math.min(a.slots, b.slots); n++) {
      if (!a.isSpilledScalar(n) || !b.isSpilledScalar(n)) continue;
      widenRecord(a.i, b.i, new Reg(b.lanes, REGS + n), REGS + n, ids);
    }
  }
}

function widenRecord(a: Int32Array, b: Int32Array, reg: Reg, record: number, ids: IdPairs): void {
  const at = record * LANES;
  if (a[at + TYPE] !== SCALAR || b[at + TYPE] !== SCALAR) return;
  if (a[at + PRECISE] || b[at + PRECISE]) return;
  let same = true;
  for (let k = 0; k < EXACT_LANES && same; k++) same = a[at + k] === b[at + k];
  if (same && ids.match(a[at + ID]!, b[at + ID]!) && ids.match(a[at + REF_ID]!, b[at + REF_ID]!)) return;
  reg.markUnknown();
}

/** Which id of one state is which of the other: linked numbers must be linked alike. */
class IdPairs {
  readonly #pairs: [old: number, cur: number][] = [];

  match(old: number, cur: number): boolean {
    if (old === 0 || cur === 0) return old === cur;
    const known = this.#pairs.find((pair) => pair[0] === old || pair[1] === cur);
    if (known) return known[0] === old && known[1] === cur;
    this.#pairs.push([old, cur]);
    return true;
  }
}
