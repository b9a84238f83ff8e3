/**
 * Arguments of global functions, as their BTF says. Linux: btf_prepare_func_args(), btf_check_func_arg_match().
 */

import { BtfError } from '../../base/errors.ts';
import { type Btf, type BtfType, resolve, sizeOf } from '../../btf/index.ts';
import { isContextType } from '../attach/context-type.ts';
import type { Env } from '../env.ts';
import { checkUnmodified } from '../pointer/region.ts';
import { MAYBE_NULL, MEM, PTR_CTX, SCALAR } from '../state/types.ts';
import type { Subprog, SubprogArg } from '../structure/subprogs.ts';
import { checkHelperMemory } from './arg/memory.ts';
import { CallMeta } from './meta.ts';

const MAX_ARGS = 5;

/** Fills `args` of a function from its BTF. False, with the reason in the log, where it cannot be a global function. */
export function prepareArgs(env: Env, index: number): boolean {
  const sub = env.subprogs[index]!;
  if (sub.args) return true;
  const { btf, funcInfo } = env.input;
  if (!btf || !funcInfo) return false;
  const func = env.funcType(index);
  if (func?.kind !== 'func') return false;
  const name = sub.name;
  const proto = btf.type(func.type);
  if (proto?.kind !== 'func_proto') {
    env.write(`Invalid type of function ${name}()\n`);
    return false;
  }
  if (proto.params.length > MAX_ARGS) {
    env.write(`Global function ${name}() with ${proto.params.length} > ${MAX_ARGS} args. Buggy compiler.\n`);
    return false;
  }
  const ret = skipMods(btf, proto.ret);
  if (ret.kind !== 'int' && ret.kind !== 'enum' && ret.kind !== 'enum64') {
    env.write(`Global function ${name}() doesn't return scalar. Only those are supported.\n`);
    return false;
  }
  const args: SubprogArg[] = [];
  for (let k = 0; k < proto.params.length; k++) {
    const arg = argOf(env, btf, index, k, proto.params[k]!.type, name);
    if (!arg) return false;
    args.push(arg);
  }
  sub.args = args;
  return true;
}

function skipMods(btf: Btf, id: number): BtfType {
  return resolve(btf, id);
}

function argOf(env: Env, btf: Btf, index: number, k: number, id: number, name: string): SubprogArg | null {
  const tags = argTags(env, btf, index, k);
  const t = resolve(btf, id);
  if (tags.has('ctx')) return { kind: 'ctx', memSize: 0, btfId: 0 };
  for (const tag of tags) {
    if (tag !== 'nonnull' && tag !== 'nullable') {
      env.unsupported(`the argument tag ${tag} of a global function`);
    }
  }
  if (t.kind === 'ptr') {
    if (isContextType(env, btf, t.type, k)) return { kind: 'ctx', memSize: 0, btfId: 0 };
    const pointed = resolve(btf, t.type);
    if (pointed.kind === 'struct' && pointed.name === 'bpf_dynptr') env.unsupported('a dynptr argument');
    let size = 0;
    try {
      size = sizeOf(btf, t.type);
    } catch (error) {
      if (!(error instanceof BtfError)) throw error;
      env.write(`arg#${k} reference type('${describe(pointed)}') size cannot be determined: -22\n`);
      return null;
    }
    return { kind: tags.has('nonnull') ? 'mem' : 'mem_or_null', memSize: size, btfId: 0 };
  }
  if (t.kind === 'int' || t.kind === 'enum' || t.kind === 'enum64') return { kind: 'scalar', memSize: 0, btfId: 0 };
  env.write(`Arg#${k} type ${t.kind.toUpperCase()} in ${name}() is not supported yet.\n`);
  return null;
}

function describe(t: BtfType): string {
  switch (t.kind) {
    case 'void':
      return 'UNKNOWN ';
    case 'struct':
      return `STRUCT ${t.name}`;
    case 'union':
      return `UNION ${t.name}`;
    case 'fwd':
      return `FWD ${t.name}`;
    case 'func_proto':
      return 'FUNC_PROTO ';
    default:
      return `${t.kind.toUpperCase()} ${t.name}`;
  }
}

/** `arg:` declaration tags of parameter `k`. */
function argTags(env: Env, btf: Btf, index: number, k: number): Set<string> {
  const out = new Set<string>();
  const id = env.funcTypeId(index);
  for (let t = 1; t < btf.count; t++) {
    const type = btf.type(t);
    if (type?.kind !== 'decl_tag' || type.type !== id || type.component !== k) continue;
    if (type.name.startsWith('arg:')) out.add(type.name.slice(4));
  }
  return out;
}

/** Registers at a call of a global function. */
export function checkGlobalArgs(env: Env, index: number): void {
  const sub = env.subprogs[index]!;
  const fail = (): never => env.reject('EINVAL', `Caller passes invalid args into func#${index} ('${sub.name}')`);
  if (!prepareArgs(env, index)) fail();
  const args = sub.args!;
  for (let k = 0; k < args.length; k++) checkOne(env, k + 1, args[k]!, fail);
}

function checkOne(env: Env, regno: number, arg: SubprogArg, fail: () => never): void {
  const reg = env.reg(regno);
  switch (arg.kind) {
    case 'scalar':
      if (reg.type !== SCALAR) {
        env.write(`R${regno} is not a scalar\n`);
        fail();
      }
      return;
    case 'ctx':
      checkUnmodified(env, reg, regno);
      if (reg.type !== PTR_CTX) {
        env.write(`arg#${regno - 1} expects pointer to ctx\n`);
        fail();
      }
      return;
    case 'mem':
    case 'mem_or_null':
      if (reg.isNull && arg.kind === 'mem_or_null') return;
      if (arg.kind === 'mem' && reg.mayBeNull) {
        env.write(`arg#${regno - 1} is expected to be non-NULL\n`);
        fail();
      }
      checkMemoryReg(env, regno, arg.memSize);
      return;
    default:
      env.unsupported('this kind of argument of a global function');
  }
}

/** The function may read and write so many bytes; a pointer that may be NULL is checked as if it were not. */
function checkMemoryReg(env: Env, regno: number, size: number): void {
  const reg = env.reg(regno);
  if (reg.isNull) return;
  const { type } = reg;
  const saved = env.temp[4]!;
  saved.copyFrom(reg);
  if (type & MAYBE_NULL) reg.type = type & ~MAYBE_NULL;
  checkHelperMemory(env, regno, size, false, true, new CallMeta());
  checkHelperMemory(env, regno, size, true, true, new CallMeta());
  if (type & MAYBE_NULL) env.reg(regno).copyFrom(saved);
}

/** What a function that is verified by itself may take its arguments to be. */
export function setGlobalArgs(env: Env, sub: Subprog): void {
  const args = sub.args!;
  for (let k = 0; k < args.length; k++) {
    const reg = env.reg(k + 1);
    const arg = args[k]!;
    switch (arg.kind) {
      case 'ctx':
        reg.markPointer(PTR_CTX);
        break;
      case 'scalar':
        reg.markUnknown();
        break;
      case 'mem':
      case 'mem_or_null':
        reg.markPointer(MEM | (arg.kind === 'mem_or_null' ? MAYBE_NULL : 0));
        reg.aux = arg.memSize;
        if (arg.kind === 'mem_or_null') reg.id = env.newId();
        break;
      default:
        env.unsupported('this kind of argument of a global function');
    }
  }
}
