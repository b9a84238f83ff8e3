/**
 * Calls: helpers, functions of the program, kernel functions. Linux: do_check_insn(), check_func_call().
 */
import { BPF_JMP32, BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, BPF_X, classOf, sourceOf } from '../../isa/index.ts';
import { BPF_FUNC_kptr_xchg, BPF_FUNC_spin_unlock } from '../../uapi/generated/constants.ts';
import { helperCall } from '../call/helper.ts';
import { kfuncCall, mayCallUnderLock } from '../call/kfunc.ts';
import { subprogCall } from '../call/subprog.ts';
import type { Env } from '../env.ts';
import { NEXT, type Outcome } from '../explore/outcome.ts';

export function callInsn(env: Env): Outcome {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const src = insns.src[pc]!;
  if (
    sourceOf(code) === BPF_X ||
    (src !== BPF_PSEUDO_KFUNC_CALL && insns.off[pc] !== 0) ||
    src > BPF_PSEUDO_KFUNC_CALL ||
    insns.dst[pc] !== 0 ||
    classOf(code) === BPF_JMP32
  ) {
    env.reject('EINVAL', 'BPF_CALL uses reserved fields');
  }
  if (env.cur.activeLocks) {
    const imm = insns.imm[pc]!;
    const helperOk = src === 0 && (imm === BPF_FUNC_spin_unlock || imm === BPF_FUNC_kptr_xchg);
    const kfuncOk = src === BPF_PSEUDO_KFUNC_CALL && mayCallUnderLock(env);
    if (!helperOk && !kfuncOk && src !== BPF_PSEUDO_CALL) {
      env.reject('EINVAL', 'function calls are not allowed while holding a lock');
    }
  }
  let outcome: Outcome = NEXT;
  if (src === BPF_PSEUDO_CALL) outcome = subprogCall(env);
  else if (src === BPF_PSEUDO_KFUNC_CALL) outcome = kfuncCall(env);
  else outcome = helperCall(env);
  env.scratchReg(0);
  return outcome;
}
