/**
 * Kernel functions that only mark a section, or see a pointer as another type. Programs here run one at a time and are
 * never interrupted, so there is nothing to keep out: a lock is always had.
 */
import type { Helper } from '../helper.ts';

const nothing: Helper = { args: '', ret: 'void', bind: () => () => 0 };

export const bpf_rcu_read_lock = nothing;
export const bpf_rcu_read_unlock = nothing;
export const bpf_preempt_disable = nothing;
export const bpf_preempt_enable = nothing;

/** The flags are the verifier's matter: what is kept in them is never read. */
export const bpf_local_irq_save = nothing;
export const bpf_local_irq_restore = nothing;

const had: Helper = { args: '', ret: 'int', bind: () => () => 0 };

export const bpf_res_spin_lock = had;
export const bpf_res_spin_lock_irqsave = had;
export const bpf_res_spin_unlock = nothing;
export const bpf_res_spin_unlock_irqrestore = nothing;

/** Loads through it are probing ones, whatever it is. */
export const bpf_rdonly_cast: Helper = {
  args: 'L',
  ret: 'u64',
  bind: (env) => (lo, hi) => {
    env.retHi = hi!;
    return lo!;
  },
};
