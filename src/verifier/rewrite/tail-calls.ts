/**
 * Tail calls of those who may not guess wrong (no CAP_PERFMON): the index is masked by the size of the map, so that it has to be
 * one map, on every path. Linux: do_misc_fixups().
 */
import { BPF_FUNC_tail_call } from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import { isHelperCall } from '../structure/subprogs.ts';

/** Several maps came by at one call. */
const SEVERAL = -1;

export function checkTailCalls(env: Env): void {
  if (env.caps.perfmon) return;
  const { insns, aux } = env;
  for (let pc = 0; pc < insns.length; pc++) {
    if (aux.callMap[pc] !== SEVERAL || !isHelperCall(env, pc) || insns.imm[pc] !== BPF_FUNC_tail_call) continue;
    env.reject('EINVAL', 'tail_call abusing map_ptr');
  }
}
