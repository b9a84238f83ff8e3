/**
 * Where a program may end, it must hold nothing.
 */
import type { Env } from '../env.ts';
import { checkRefsReleased } from './reference.ts';

/** `what` names the instruction in messages. `locks`: locks and the like count, too. */
export function checkNothingHeld(env: Env, locks: boolean, what: string, exception = false): void {
  const { cur } = env;
  if (locks && cur.activeLocks) env.reject('EINVAL', `${what} cannot be used inside bpf_spin_lock-ed region`);
  if (!checkRefsReleased(env, exception)) env.reject('EINVAL', `${what} would lead to reference leak`);
  if (!locks) return;
  if (cur.activeIrqId) env.reject('EINVAL', `${what} cannot be used inside bpf_local_irq_save-ed region`);
  if (cur.activeRcu) env.reject('EINVAL', `${what} cannot be used inside bpf_rcu_read_lock-ed region`);
  if (cur.activePreempt) env.reject('EINVAL', `${what} cannot be used inside bpf_preempt_disable-ed region`);
}
