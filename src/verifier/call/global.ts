/**
 * Calls of global functions: what is passed must be what their BTF promises, and they themselves may rely on no more.
 * Linux: btf_check_func_arg_match(), do_check_common().
 */
import { type Env, Rejection } from '../env.ts';
import { expectStruct } from '../pointer/btf-id.ts';
import { DYNPTR_KINDS } from '../resource/dynptr.ts';
import {
  ARENA,
  BTF_PTR,
  DYNPTR,
  MAYBE_NULL,
  MEM,
  PTR_CTX,
  RDONLY,
  SCALAR,
  TRUSTED,
  UNTRUSTED,
} from '../state/types.ts';
import type { Subprog, SubprogArg } from '../structure/subprogs.ts';
import { useDynptr } from './arg/dynptr.ts';
import { checkPointerOffset, expectType } from './arg/index.ts';
import { KINDS } from './arg/kinds.ts';
import { prepareArgs } from './global-args.ts';
import { checkReadWrite } from './kfunc-memory.ts';

/** Registers at a call of a global function: what is wrong with them, which the log then has. */
export function checkGlobalArgs(env: Env, index: number): Rejection | undefined {
  const sub = env.subprogs[index]!;
  try {
    prepareArgs(env, index);
    for (const [k, arg] of sub.args!.entries()) checkOne(env, k, arg);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return error;
  }
  return undefined;
}

/**
 * Registers at a call of any other function, and at helpers that call one: where they are not what BTF says, the log tells
 * so once, and the function's types are not relied on. Nothing else happens.
 */
export function checkStaticArgs(env: Env, index: number): void {
  const sub = env.subprogs[index]!;
  if (sub.unreliable) return;
  const { end } = env.log;
  let prepared = false;
  try {
    prepareArgs(env, index);
    // Memory of a size is what global functions take.
    if (sub.args!.some((arg) => arg.kind === 'mem')) throw new Rejection('EINVAL');
    prepared = true;
    for (const [k, arg] of sub.args!.entries()) checkOne(env, k, arg);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    // What a global function would be refused for, is none of the log's business here.
    if (!prepared) env.log.truncate(end);
    sub.unreliable = true;
  }
}

function checkOne(env: Env, k: number, arg: SubprogArg): void {
  const regno = k + 1;
  const reg = env.reg(regno);
  switch (arg.kind) {
    case 'scalar':
      if (reg.type !== SCALAR) env.reject('EINVAL', `R${regno} is not a scalar`);
      return;
    case 'untrusted':
    case 'untrusted_mem':
      // Reads through it are probing ones: it may be anything.
      return;
    case 'ctx':
      checkPointerOffset(env, regno, reg, false);
      if (reg.type !== PTR_CTX) env.reject('EINVAL', `arg#${k} expects pointer to ctx`);
      return;
    case 'mem':
      checkPointerOffset(env, regno, reg, false);
      checkMemory(env, regno, arg.size);
      if (!arg.orNull && reg.mayBeNull) env.reject('EINVAL', `arg#${k} is expected to be non-NULL`);
      return;
    case 'arena':
      if (reg.type !== ARENA && reg.type !== SCALAR) {
        env.reject('EINVAL', `R${regno} is not a pointer to arena or scalar.`);
      }
      return;
    case 'dynptr':
      checkPointerOffset(env, regno, reg, false);
      useDynptr(env, { regno, uninit: false, kind: 0, cloneRef: 0 });
      return;
    case 'trusted':
      if (reg.isNull && arg.orNull) return;
      expectType(env, regno, arg.orNull ? reg.type & ~MAYBE_NULL : reg.type, KINDS.btf_id.types);
      expectStruct(env, regno, reg, arg.btfId);
      checkPointerOffset(env, regno, reg, false);
      return;
  }
}

function checkMemory(env: Env, regno: number, size: number): void {
  try {
    checkReadWrite(env, regno, size);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    env.reject('EINVAL', '');
  }
}

/** What a function that is verified by itself may take its arguments to be. */
export function setGlobalArgs(env: Env, sub: Subprog): void {
  for (const [k, arg] of sub.args!.entries()) {
    const reg = env.reg(k + 1);
    switch (arg.kind) {
      case 'scalar':
      case 'arena':
        reg.markUnknown();
        break;
      case 'ctx':
        reg.markPointer(PTR_CTX);
        break;
      case 'mem':
        reg.markPointer(MEM | (arg.orNull ? MAYBE_NULL : 0));
        reg.aux = arg.size;
        if (arg.orNull) reg.id = env.newId();
        break;
      case 'untrusted_mem':
        reg.markPointer(MEM | RDONLY | UNTRUSTED);
        break;
      case 'dynptr':
        reg.markPointer(DYNPTR);
        reg.aux = DYNPTR_KINDS.local;
        reg.aux2 = 1;
        reg.id = env.newId();
        break;
      case 'trusted':
        reg.markPointer(BTF_PTR | TRUSTED | (arg.orNull ? MAYBE_NULL : 0));
        reg.aux = arg.btfId;
        reg.id = env.newId();
        break;
      case 'untrusted':
        reg.markPointer(BTF_PTR | UNTRUSTED);
        reg.aux = arg.btfId;
        reg.id = env.newId();
        break;
    }
  }
}
