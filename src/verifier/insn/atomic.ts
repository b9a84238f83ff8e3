/**
 * Atomic operations: read-modify-write, load-acquire, store-release. Linux: check_atomic().
 */
import {
  BPF_ADD,
  BPF_AND,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_OR,
  BPF_STORE_REL,
  BPF_W,
  BPF_XCHG,
  BPF_XOR,
  byteSize,
  sizeOf,
} from '../../isa/index.ts';
import type { Env } from '../env.ts';
import { accessMemory } from '../pointer/index.ts';
import { FLOW_KEYS, isPacket, isSockType, PTR_CTX, typeName } from '../state/types.ts';
import { noteType, storeReg } from './load-store.ts';
import { checkSource, checkTarget, isPointerLeak } from './operands.ts';

const R0 = 0;

export function atomicInsn(env: Env): void {
  const { insns, pc } = env;
  const imm = insns.imm[pc]!;
  switch (imm) {
    case BPF_ADD:
    case BPF_ADD | BPF_FETCH:
    case BPF_AND:
    case BPF_AND | BPF_FETCH:
    case BPF_OR:
    case BPF_OR | BPF_FETCH:
    case BPF_XOR:
    case BPF_XOR | BPF_FETCH:
    case BPF_XCHG:
    case BPF_CMPXCHG:
      readModifyWrite(env, imm);
      break;
    case BPF_LOAD_ACQ:
      loadAcquire(env);
      break;
    case BPF_STORE_REL:
      storeRelease(env);
      break;
    default:
      env.reject('EINVAL', `BPF_ATOMIC uses invalid atomic opcode ${(imm >>> 0).toString(16).padStart(2, '0')}`);
  }
}

function readModifyWrite(env: Env, imm: number): void {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const dst = insns.dst[pc]!;
  const src = insns.src[pc]!;
  if (sizeOf(code) !== BPF_W && sizeOf(code) !== BPF_DW) env.reject('EINVAL', 'invalid atomic operand size');
  checkSource(env, src);
  checkSource(env, dst);
  if (imm === BPF_CMPXCHG) {
    checkSource(env, R0);
    if (isPointerLeak(env, R0)) env.reject('EACCES', `R${R0} leaks addr into mem`);
  }
  if (isPointerLeak(env, src)) env.reject('EACCES', `R${src} leaks addr into mem`);
  checkAtomicTarget(env, dst);
  const loaded = imm === BPF_CMPXCHG ? R0 : imm & BPF_FETCH ? src : -1;
  if (loaded >= 0) {
    checkTarget(env, loaded);
    // Already now, also where it is the register with the address.
    env.reg(loaded).markUnknown();
  }
  const size = byteSize(code);
  const off = insns.off[pc]!;
  const { type } = env.reg(dst);
  // The value loaded is not the stored one: it is settled after both checks.
  accessMemory(env, dst, off, size, false, -1, true);
  if (loaded >= 0) accessMemory(env, dst, off, size, false, loaded, true);
  accessMemory(env, dst, off, size, true, -1, true);
  noteType(env, type, false);
}

function checkAtomicTarget(env: Env, dst: number): void {
  const { type } = env.reg(dst);
  if (type === PTR_CTX || isPacket(type) || type === FLOW_KEYS || isSockType(type)) {
    env.reject('EACCES', `BPF_ATOMIC stores into R${dst} ${typeName(type)} is not allowed`);
  }
}

function loadAcquire(env: Env): void {
  const { insns, pc } = env;
  const src = insns.src[pc]!;
  const dst = insns.dst[pc]!;
  checkSource(env, src);
  checkAtomicSource(env, src);
  checkTarget(env, dst);
  const { type } = env.reg(src);
  accessMemory(env, src, insns.off[pc]!, byteSize(insns.code[pc]!), false, dst, true);
  noteType(env, type, true);
}

function checkAtomicSource(env: Env, src: number): void {
  const { type } = env.reg(src);
  if (type === PTR_CTX || isPacket(type) || type === FLOW_KEYS || isSockType(type)) {
    env.reject('EACCES', `BPF_ATOMIC loads from R${src} ${typeName(type)} is not allowed`);
  }
}

function storeRelease(env: Env): void {
  const { insns, pc } = env;
  const dst = insns.dst[pc]!;
  checkSource(env, dst);
  checkAtomicTarget(env, dst);
  storeReg(env, byteSize(insns.code[pc]!), true);
}
