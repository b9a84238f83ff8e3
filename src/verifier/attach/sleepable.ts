/**
 * Programs that may sleep: only kinds of which some run where sleeping is allowed, and system call programs always.
 * Linux: check_attach_btf_id(), can_be_sleepable().
 */

import { BPF_F_SLEEPABLE } from '../../uapi/flags.ts';
import * as c from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';

const TRACING = new Set<number>([c.BPF_TRACE_FENTRY, c.BPF_TRACE_FEXIT, c.BPF_MODIFY_RETURN, c.BPF_TRACE_ITER]);
/** A kprobe program may be for a uprobe. */
const KINDS = new Set<number>([c.BPF_PROG_TYPE_LSM, c.BPF_PROG_TYPE_KPROBE, c.BPF_PROG_TYPE_STRUCT_OPS]);

export function checkSleepable(env: Env): void {
  const { progType, attachType, flags } = env.input;
  const sleepable = (flags & BPF_F_SLEEPABLE) !== 0;
  if (progType === c.BPF_PROG_TYPE_SYSCALL) {
    if (!sleepable) env.reject('EINVAL', 'Syscall programs can only be sleepable');
    return;
  }
  if (!sleepable || KINDS.has(progType)) return;
  if (progType === c.BPF_PROG_TYPE_TRACING && TRACING.has(attachType)) return;
  // A program that replaces another one follows it.
  if (progType === c.BPF_PROG_TYPE_EXT) return;
  env.reject('EINVAL', 'Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable');
}
