/**
 * bpf_spin_lock: one at a time, the one that was taken is the one that is given back, and nothing is called meanwhile.
 * Linux: process_spin_lock().
 */

import type { Env } from '../env.ts';
import { eachReg } from '../state/each.ts';
import { REF_LOCK } from '../state/state.ts';
import { NON_OWN_REF } from '../state/types.ts';
import { lockOwner } from './graph.ts';
import { checkKeptField } from './kernel-field.ts';

export function useSpinLock(env: Env, regno: number, take: boolean): void {
  const reg = env.reg(regno);
  const { cur } = env;
  if (cur.frames.some((f, k) => k <= cur.curframe && f.inRbtreeLess)) {
    env.reject('EACCES', "can't spin_{lock,unlock} in rbtree cb");
  }
  const name = take ? 'lock' : 'unlock';
  checkKeptField(env, reg, regno, 'bpf_spin_lock');
  const owner = lockOwner(reg);
  if (take) {
    if (cur.activeLocks) env.reject('EINVAL', `Locking two bpf_spin_locks are not allowed`);
    cur.refs = [...cur.refs, { kind: REF_LOCK, id: reg.id, insnIdx: env.pc, owner }];
    cur.activeLocks++;
    cur.activeLockId = reg.id;
    cur.activeLockOwner = owner;
    return;
  }
  if (!cur.activeLocks) env.reject('EINVAL', 'bpf_spin_unlock without taking a lock');
  const held = cur.refs.find((ref) => ref.kind === REF_LOCK && ref.id === reg.id && ref.owner === owner);
  if (!held) env.reject('EINVAL', 'bpf_spin_unlock of different lock');
  if (cur.activeLockId !== reg.id || cur.activeLockOwner !== owner) {
    env.reject('EINVAL', `bpf_spin_${name} cannot be out of order`);
  }
  cur.refs = cur.refs.filter((ref) => ref !== held);
  cur.activeLocks--;
  cur.activeLockId = 0;
  cur.activeLockOwner = 0;
  eachReg(cur, (r) => {
    if (r.type & NON_OWN_REF) env.invalidate(r);
  });
}
