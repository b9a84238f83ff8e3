/**
 * One instruction, by class. Linux: do_check_insn().
 */
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_EXIT,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  classOf,
  modeOf,
  opOf,
} from '../../isa/index.ts';
import type { Env } from '../env.ts';
import { NEXT, type Outcome } from '../explore/outcome.ts';
import { aluInsn } from './alu.ts';
import { atomicInsn } from './atomic.ts';
import { callInsn } from './call.ts';
import { exitInsn } from './exit.ts';
import { gotoInsn, jumpInsn } from './jump.ts';
import { loadImmInsn } from './ld.ts';
import { loadInsn, storeImmInsn, storeInsn } from './load-store.ts';

/** Applies the instruction at `env.pc` to `env.cur`; says where to go on. */
export function doInsn(env: Env): Outcome {
  const code = env.insns.code[env.pc]!;
  switch (classOf(code)) {
    case BPF_ALU:
    case BPF_ALU64:
      aluInsn(env);
      return NEXT;
    case BPF_LDX:
      loadInsn(env);
      return NEXT;
    case BPF_STX:
      if (modeOf(code) === BPF_ATOMIC) atomicInsn(env);
      else storeInsn(env);
      return NEXT;
    case BPF_ST:
      storeImmInsn(env);
      return NEXT;
    case BPF_JMP:
    case BPF_JMP32:
      env.jumps++;
      switch (opOf(code)) {
        case BPF_CALL:
          return callInsn(env);
        case BPF_JA:
          return gotoInsn(env);
        case BPF_EXIT:
          return exitInsn(env);
        default:
          return jumpInsn(env);
      }
    case BPF_LD:
      return loadImmInsn(env);
    default:
      env.reject('EINVAL', `unknown insn class ${classOf(code)}`);
  }
}
