/**
 * exit: out of a function that was called, or out of the program. Linux: process_bpf_exit_full().
 */
import { BPF_JMP32, BPF_X, classOf, sourceOf } from '../../isa/index.ts';
import { checkReturnCode } from '../attach/return-code.ts';
import { returnToCaller } from '../call/subprog.ts';
import type { Env } from '../env.ts';
import { ENDED, type Outcome } from '../explore/outcome.ts';
import { checkNothingHeld } from '../resource/leak.ts';

export function exitInsn(env: Env): Outcome {
  const { insns, pc, cur } = env;
  const code = insns.code[pc]!;
  if (sourceOf(code) === BPF_X || insns.imm[pc] || insns.src[pc] || insns.dst[pc] || classOf(code) === BPF_JMP32) {
    env.reject('EINVAL', 'BPF_EXIT uses reserved fields');
  }
  checkNothingHeld(env, cur.curframe === 0, 'BPF_EXIT instruction in main prog');
  if (cur.curframe > 0) return returnToCaller(env);
  checkReturnCode(env);
  return ENDED;
}
