/**
 * bpf_spin_lock and bpf_res_spin_lock: the one that was taken last is the one that is given back, and next to nothing is
 * called meanwhile. Of spin locks only one is held at a time; resilient ones nest. Linux: process_spin_lock().
 */

import type { Env } from '../env.ts';
import { eachReg } from '../state/each.ts';
import { isLock, REF_LOCK, type REF_RES_LOCK, type REF_RES_LOCK_IRQ } from '../state/state.ts';
import { NON_OWN_REF } from '../state/types.ts';
import { lockOwner } from './graph.ts';
import { checkKeptField } from './kernel-field.ts';

export type LockKind = typeof REF_LOCK | typeof REF_RES_LOCK | typeof REF_RES_LOCK_IRQ;

/** The argument of bpf_spin_lock and bpf_spin_unlock. */
export function useSpinLock(env: Env, regno: number, take: boolean): void {
  const { cur } = env;
  if (cur.frames.some((f, k) => k <= cur.curframe && f.inRbtreeLess)) {
    env.reject('EACCES', "can't spin_{lock,unlock} in rbtree cb");
  }
  useLock(env, regno, take, REF_LOCK);
}

export function useLock(env: Env, regno: number, take: boolean, kind: LockKind): void {
  checkKeptField(env, env.reg(regno), regno, kind === REF_LOCK ? 'bpf_spin_lock' : 'bpf_res_spin_lock');
  if (take) takeLock(env, regno, kind);
  else giveLock(env, regno, kind);
}

function takeLock(env: Env, regno: number, kind: LockKind): void {
  const { cur } = env;
  const { id } = env.reg(regno);
  const owner = lockOwner(env.reg(regno));
  if (kind === REF_LOCK) {
    if (cur.activeLocks) env.reject('EINVAL', 'Locking two bpf_spin_locks are not allowed');
  } else if (cur.refs.some((r) => isLock(r.kind) && r.kind !== REF_LOCK && r.id === id && r.owner === owner)) {
    env.reject('EINVAL', 'Acquiring the same lock again, AA deadlock detected');
  }
  cur.refs = [...cur.refs, { kind, id, insnIdx: env.pc, owner }];
  cur.activeLocks++;
  cur.activeLockId = id;
  cur.activeLockOwner = owner;
}

function giveLock(env: Env, regno: number, kind: LockKind): void {
  const { cur } = env;
  const { id } = env.reg(regno);
  const owner = lockOwner(env.reg(regno));
  const name = kind === REF_LOCK ? 'bpf_spin_unlock' : 'bpf_res_spin_unlock';
  if (!cur.activeLocks) env.reject('EINVAL', `${name} without taking a lock`);
  const held = cur.refs.find((ref) => ref.kind === kind && ref.id === id && ref.owner === owner);
  if (!held) env.reject('EINVAL', `${name} of different lock`);
  if (cur.activeLockId !== id || cur.activeLockOwner !== owner) env.reject('EINVAL', `${name} cannot be out of order`);
  cur.refs = cur.refs.filter((ref) => ref !== held);
  cur.activeLocks--;
  const before = cur.refs.findLast((ref) => isLock(ref.kind));
  cur.activeLockId = before?.id ?? 0;
  cur.activeLockOwner = before?.owner ?? 0;
  eachReg(cur, (r) => {
    if (r.type & NON_OWN_REF) env.invalidate(r);
  });
}
