/**
 * Plain loads and stores. Linux: check_load_mem(), check_store_reg().
 */
import { BPF_MEM, BPF_MEMSX, byteSize, modeOf } from '../../isa/index.ts';
import type { Env } from '../env.ts';
import { accessMemory } from '../pointer/index.ts';
import {
  ARENA,
  BASE_MASK,
  BTF_PTR,
  MEM,
  PTR_CTX,
  RDONLY,
  SOCK_COMMON,
  SOCKET,
  TCP_SOCK,
  UNTRUSTED,
  XDP_SOCK,
} from '../state/types.ts';
import { checkSource, checkTarget } from './operands.ts';

export function loadInsn(env: Env): void {
  const { insns, pc } = env;
  const src = insns.src[pc]!;
  const dst = insns.dst[pc]!;
  const code = insns.code[pc]!;
  checkSource(env, src);
  checkTarget(env, dst);
  const { type } = env.reg(src);
  accessMemory(env, src, insns.off[pc]!, byteSize(code), false, dst, false, modeOf(code) === BPF_MEMSX);
  noteType(env, type, true);
}

export function storeInsn(env: Env): void {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  if (modeOf(code) !== BPF_MEM || insns.imm[pc] !== 0) env.reject('EINVAL', 'BPF_STX uses reserved fields');
  storeReg(env, byteSize(code));
}

/** Stores r(src) at r(dst) + off. */
export function storeReg(env: Env, size: number, strict = false): void {
  const { insns, pc } = env;
  const src = insns.src[pc]!;
  const dst = insns.dst[pc]!;
  checkSource(env, src);
  checkSource(env, dst);
  const { type } = env.reg(dst);
  accessMemory(env, dst, insns.off[pc]!, size, true, src, strict);
  noteType(env, type, false);
}

export function storeImmInsn(env: Env): void {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const dst = insns.dst[pc]!;
  if (modeOf(code) !== BPF_MEM || insns.src[pc] !== 0) env.reject('EINVAL', 'BPF_ST uses reserved fields');
  checkSource(env, dst);
  const { type } = env.reg(dst);
  accessMemory(env, dst, insns.off[pc]!, byteSize(code), true, -1);
  noteType(env, type, false);
}

/** Types whose accesses are rewritten, so that all paths to an instruction must agree on them. */
function isRewritten(type: number): boolean {
  switch (type & BASE_MASK) {
    case PTR_CTX:
    case SOCKET:
    case SOCK_COMMON:
    case TCP_SOCK:
    case XDP_SOCK:
    case BTF_PTR:
    case ARENA:
      return true;
    default:
      return false;
  }
}

function isTrustMismatchOk(type: number): boolean {
  return (
    (type & BASE_MASK) === BTF_PTR ||
    ((type & BASE_MASK) === MEM && (type & (RDONLY | UNTRUSTED)) === (RDONLY | UNTRUSTED))
  );
}

export function noteType(env: Env, type: number, allowTrustMismatch: boolean): void {
  const { ptrType } = env.aux;
  const before = ptrType[env.pc]!;
  if (before === 0) {
    ptrType[env.pc] = type;
    return;
  }
  if (before === type || (!isRewritten(type) && !isRewritten(before))) return;
  if (allowTrustMismatch && isTrustMismatchOk(type) && isTrustMismatchOk(before)) {
    // A trusted and an untrusted pointer to the same kind of thing: the load becomes a probing one.
    ptrType[env.pc] = type & UNTRUSTED ? type : before;
    return;
  }
  env.reject('EINVAL', 'same insn cannot be used with different pointers');
}
