/**
 * RCU read sections: pointers that are only good inside one. Linux: check_kfunc_call(), in_rcu_cs().
 */
import type { Env } from '../env.ts';
import { eachReg } from '../state/each.ts';
import { MAYBE_NULL, RCU, SLOT_ITER, UNTRUSTED } from '../state/types.ts';

/** Programs that cannot sleep run in an RCU section as a whole, and so does code that holds a lock. */
export function inRcuSection(env: Env): boolean {
  const { cur } = env;
  return cur.activeRcu !== 0 || cur.activeLocks !== 0 || !cur.inSleepable;
}

export function enterRcu(env: Env, name: string): void {
  if (env.cur.activeRcu) env.reject('EINVAL', `nested rcu read lock (kernel function ${name})`);
  env.cur.activeRcu = 1;
}

export function leaveRcu(env: Env, name: string): void {
  const { cur } = env;
  if (!cur.activeRcu) env.reject('EINVAL', `unmatched rcu read unlock (kernel function ${name})`);
  cur.activeRcu = 0;
  eachReg(cur, (reg) => {
    if (reg.type & RCU) reg.type = (reg.type & ~(RCU | MAYBE_NULL)) | UNTRUSTED;
  });
  for (let f = 0; f <= cur.curframe; f++) {
    const frame = cur.frames[f]!;
    for (let n = 0; n < frame.slots; n++) {
      const known = frame.spilled[n]!;
      if (frame.kind(n, 0) === SLOT_ITER && known.type & RCU) known.type = (known.type & ~RCU) | UNTRUSTED;
    }
  }
}
