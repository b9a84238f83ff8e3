/**
 * 64-bit immediates, and classic packet loads (BPF_LD | BPF_ABS, BPF_IND). Linux: check_ld_imm(), check_ld_abs().
 */
import {
  BPF_ABS,
  BPF_DW,
  BPF_IMM,
  BPF_IND,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  modeOf,
  sizeOf,
} from '../../isa/index.ts';
import {
  BPF_MAP_TYPE_ARENA,
  BPF_PROG_TYPE_SCHED_ACT,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SOCKET_FILTER,
} from '../../uapi/generated/constants.ts';
import { returnToCaller } from '../call/subprog.ts';
import type { Env } from '../env.ts';
import { MOVED, NEXT, type Outcome } from '../explore/outcome.ts';
import { checkUnmodified } from '../pointer/region.ts';
import { checkNothingHeld } from '../resource/leak.ts';
import { Reg } from '../state/reg.ts';
import { FUNC, MAP_PTR, MAP_VALUE, PTR_CTX } from '../state/types.ts';
import { loadKernelVariable } from '../structure/kernel-variable.ts';
import { subprogAt } from '../structure/subprogs.ts';
import { checkSource, checkTarget } from './operands.ts';

export function loadImmInsn(env: Env): Outcome {
  const mode = modeOf(env.insns.code[env.pc]!);
  if (mode === BPF_ABS || mode === BPF_IND) {
    return packetLoad(env, mode);
  }
  if (mode !== BPF_IMM) env.reject('EINVAL', 'invalid BPF_LD mode');
  immediate(env);
  env.pc += 2;
  return MOVED;
}

function immediate(env: Env): void {
  const { insns, pc, aux } = env;
  const dst = insns.dst[pc]!;
  if (sizeOf(insns.code[pc]!) !== BPF_DW) env.reject('EINVAL', 'invalid BPF_LD_IMM insn');
  if (insns.off[pc] !== 0) env.reject('EINVAL', 'BPF_LD_IMM64 uses reserved fields');
  checkTarget(env, dst);
  const to = env.reg(dst);
  switch (insns.src[pc]) {
    case 0:
      to.markKnown((BigInt(insns.imm[pc + 1]! >>> 0) << 32n) | BigInt(insns.imm[pc]! >>> 0));
      return;
    case BPF_PSEUDO_BTF_ID:
      loadKernelVariable(env, to);
      return;
    case BPF_PSEUDO_FUNC: {
      const subprog = subprogAt(env, pc + insns.imm[pc]! + 1);
      if (!env.subprogs[subprog]) env.reject('EFAULT', 'verifier bug: no such function');
      if (!env.input.funcInfo?.length) env.reject('EINVAL', 'missing btf func_info');
      if (env.subprogs[subprog]!.isGlobal) env.reject('EINVAL', 'callback function not static');
      to.markPointer(FUNC);
      to.aux = subprog;
      return;
    }
    case BPF_PSEUDO_MAP_FD:
    case BPF_PSEUDO_MAP_IDX:
      to.markPointer(MAP_PTR);
      to.aux = aux.mapIndex[pc]! - 1;
      return;
    case BPF_PSEUDO_MAP_VALUE:
    case BPF_PSEUDO_MAP_IDX_VALUE: {
      const index = aux.mapIndex[pc]! - 1;
      // A number until it is cast: user space's address.
      if (env.maps[index]!.type === BPF_MAP_TYPE_ARENA) {
        to.markUnknown();
        return;
      }
      to.markPointer(MAP_VALUE);
      to.aux = index;
      to.off = aux.mapOff[pc]!;
      return;
    }
    default:
      env.reject('EINVAL', 'unrecognized bpf_ld_imm64 insn');
  }
}

function packetLoad(env: Env, mode: number): Outcome {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const size = sizeOf(code);
  switch (env.input.progType) {
    case BPF_PROG_TYPE_SOCKET_FILTER:
    case BPF_PROG_TYPE_SCHED_CLS:
    case BPF_PROG_TYPE_SCHED_ACT:
      break;
    default:
      env.reject('EINVAL', 'BPF_LD_[ABS|IND] instructions not allowed for this program type');
  }
  if (insns.dst[pc] !== 0 || insns.off[pc] !== 0 || size === BPF_DW || (mode === BPF_ABS && insns.src[pc] !== 0)) {
    env.reject('EINVAL', 'BPF_LD_[ABS|IND] uses reserved fields');
  }
  checkSource(env, 6);
  checkNothingHeld(env, true, 'BPF_LD_[ABS|IND]');
  const ctx = env.reg(6);
  if (ctx.type !== PTR_CTX) {
    env.reject('EINVAL', 'at the time of BPF_LD_ABS|IND R6 != pointer to skb');
  }
  if (mode === BPF_IND) checkSource(env, insns.src[pc]!);
  checkUnmodified(env, ctx, 6);
  for (let r = 0; r <= 5; r++) {
    env.reg(r).markNotInit();
    env.scratchReg(r);
  }
  if (env.cur.curframe === 0) {
    env.reg(0).markUnknown();
    return NEXT;
  }
  // Past the end of the packet the function answers 0 at once.
  const goesOn = env.walk.push(pc + 1, pc);
  new Reg(goesOn.frame.lanes, 0).markUnknown();
  env.reg(0).markKnown32(0);
  returnToCaller(env);
  return MOVED;
}
