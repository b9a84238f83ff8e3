/** Helpers about the run itself: bounded loops, spin locks, the CPU it is on, random numbers. */
import { E2BIG, EINVAL } from '../base/errno.ts';
import type { Helper } from './helper.ts';

/** How often bpf_loop may go round. */
const MAX_LOOPS = 1 << 23;

/** Calls `fn(index, ctx)` up to `count` times, until it answers other than 0; answers how many times it was called. */
export const loop: Helper = {
  args: 'iiLL',
  ret: 'int',
  bind: (env) => (count, fn, ctx, ctxHi, flags, flagsHi) => {
    if (flags !== 0 || flagsHi !== 0) return -EINVAL;
    const times = count! >>> 0;
    if (times > MAX_LOOPS) return -E2BIG;
    for (let i = 0; i < times; i++) {
      if (env.callback(fn!, i, 0, ctx!, ctxHi!, 0, 0, 0, 0) !== 0) return i + 1;
    }
    return times;
  },
};

const LOCKED = 1;

/** Programs run one at a time and the verifier proves each lock released, so nobody is ever found holding it. */
export const spin_lock: Helper = {
  args: 'i',
  ret: 'void',
  bind: (env) => (lock) => {
    env.mem.setU32(lock! >>> 0, LOCKED);
    return 0;
  },
};

export const spin_unlock: Helper = {
  args: 'i',
  ret: 'void',
  bind: (env) => (lock) => {
    env.mem.setU32(lock! >>> 0, 0);
    return 0;
  },
};

export const get_smp_processor_id: Helper = { args: '', ret: 'int', bind: (env) => () => env.currentCpu() };

/** The world has one node. */
export const get_numa_node_id: Helper = { args: '', ret: 'int', bind: () => () => 0 };

/** A u32: the high half of the answer is zero. */
export const get_prandom_u32: Helper = { args: '', ret: 'ptr', bind: (env) => () => env.random() };
