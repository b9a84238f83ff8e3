/**
 * References: what a helper acquired must be released before the program ends.
 */

import type { Env } from '../env.ts';
import { eachReg } from '../state/each.ts';
import { REF_PTR, type StateBase } from '../state/state.ts';

/** A new reference, held from the current instruction on. */
export function acquireRef(env: Env): number {
  const id = env.newId();
  env.cur.refs = [...env.cur.refs, { kind: REF_PTR, id, insnIdx: env.pc, owner: 0 }];
  return id;
}

/** Drops the reference from the books only. False where it is not held. */
export function releaseRefById(state: StateBase, id: number): boolean {
  const rest = state.refs.filter((ref) => !(ref.kind === REF_PTR && ref.id === id));
  if (rest.length === state.refs.length) return false;
  state.refs = rest;
  return true;
}

/** Gives a reference back: nothing that came from it can be used any more. */
export function releaseRef(env: Env, id: number): boolean {
  if (!releaseRefById(env.cur, id)) return false;
  eachReg(env.cur, (reg) => {
    if (reg.refId === id) env.invalidate(reg);
  });
  return true;
}

/** Whether everything acquired was given back; where not, says what was not. */
export function checkRefsReleased(env: Env, exception: boolean): boolean {
  if (!exception && env.frame.frameno > 0) return true;
  let held = false;
  for (const ref of env.cur.refs) {
    if (ref.kind !== REF_PTR) continue;
    env.write(`Unreleased reference id=${ref.id} alloc_insn=${ref.insnIdx}\n`);
    held = true;
  }
  return !held;
}
