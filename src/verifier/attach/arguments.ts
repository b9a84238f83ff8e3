/**
 * Contexts that are the arguments of a kernel function, one u64 each: tracing, LSM, struct_ops, netfilter.
 * Linux: btf_ctx_access().
 */
import { type Btf, resolve, skipModifiers } from '../../btf/index.ts';
import * as c from '../../uapi/generated/constants.ts';
import { type IterArgument, TRACEPOINT_ARGUMENTS } from '../../uapi/traced-arguments.ts';
import { syncBounds } from '../domain/bounds.ts';
import type { Env } from '../env.ts';
import { type Access, answerUnknown } from '../pointer/rule.ts';
import { BTF_PTR, BUF, MAYBE_NULL, PERCPU, RDONLY, TRUSTED, USER } from '../state/types.ts';
import { answerOfHook, hasTrustedArguments } from './lsm.ts';
import { refuseContext } from './refuse.ts';
import { isNullableArgument } from './struct-ops.ts';
import { iteratorOf, type Target, targetOf } from './target.ts';

/** Arguments of these types are numbers to a program. */
const BY_VALUE: ReadonlySet<string> = new Set(['int', 'enum', 'enum64', 'struct', 'union']);

export function argumentAccess(env: Env, a: Access): void {
  if (env.input.progType === c.BPF_PROG_TYPE_NETFILTER) {
    netfilter(env, a);
    return;
  }
  if (a.off < 0 || a.off >= 96 || a.write || a.off % a.size !== 0) refuseContext(env, a);
  const btf = env.kernelBtf;
  const target = targetOf(env);
  const { name } = target;
  if (a.off % 8 !== 0) {
    env.write(`func '${name}' offset ${a.off} is not multiple of 8\n`);
    refuseContext(env, a);
  }
  const index = argumentAt(btf, target, a.off);
  const type = target.params[index]?.type ?? answerType(env, target, index);
  if (type === null) {
    env.write(`func '${name}' doesn't have ${missingPlace(target, index)}-th argument\n`);
    refuseContext(env, a);
  }
  const t = resolve(btf, type);
  if (BY_VALUE.has(t.kind) || t.kind === 'void') {
    answerUnknown(env, a);
    if (index === target.params.length) limitAnswer(env, a, target);
    return;
  }
  if (t.kind !== 'ptr') {
    env.write(
      `func '${name}' arg${index} '${t.name}' has type ${t.kind.toUpperCase()}. Only pointer access is allowed\n`,
    );
    refuseContext(env, a);
  }
  if (a.size !== 8) {
    env.write(`func '${name}' size ${a.size} must be 8\n`);
    refuseContext(env, a);
  }
  answerPointer(env, a, btf, target, index, t.type);
}

/** Which argument lies at `off`: each takes eight bytes, structures as many as they have, rounded up. */
function argumentAt(btf: Btf, target: Target, off: number): number {
  let at = 0;
  for (const [k, param] of target.params.entries()) {
    const t = resolve(btf, param.type);
    at += t.kind === 'struct' || t.kind === 'union' ? Math.ceil(t.size / 8) * 8 : 8;
    if (off < at) return k;
  }
  return target.params.length + (off - at) / 8;
}

/** Behind the arguments lies what the function answered, for programs that run when it did; null for others. */
function answerType(env: Env, target: Target, index: number): number | null {
  const sees = env.input.progType === c.BPF_PROG_TYPE_LSM || SEES_ANSWER.has(env.attachType);
  return sees && env.input.progType !== c.BPF_PROG_TYPE_STRUCT_OPS && index === target.params.length
    ? target.ret
    : null;
}

/** What a hook of the LSM answered is what hooks answer. */
function limitAnswer(env: Env, a: Access, target: Target): void {
  const isHook = env.input.progType === c.BPF_PROG_TYPE_LSM && env.attachType !== c.BPF_LSM_CGROUP;
  const range = isHook ? answerOfHook(target) : null;
  if (!range || a.valueRegno < 0) return;
  const to = env.reg(a.valueRegno);
  to.s32min = range[0];
  to.s32max = range[1];
  to.smin = BigInt(range[0]);
  to.smax = BigInt(range[1]);
  syncBounds(to);
}

const SEES_ANSWER = new Set<number>([c.BPF_TRACE_FEXIT, c.BPF_MODIFY_RETURN]);

/** Which argument is said to be missing: behind the parameters stands the answer, and what is past that is one place. */
function missingPlace({ params, isTracepoint, ret }: Target, index: number): number {
  const declared = params.length + (isTracepoint ? 1 : 0);
  return index < declared + (ret === 0 ? 0 : 1) ? index + 1 : declared + 2;
}

/** The argument is a pointer to type `id`. */
function answerPointer(env: Env, a: Access, btf: Btf, target: Target, index: number, id: number): void {
  const pointed = resolve(btf, id);
  const { attachType } = env;
  const { progType } = env.input;
  const isTracing = progType === c.BPF_PROG_TYPE_TRACING;
  const iter = isTracing && attachType === c.BPF_TRACE_ITER ? iteratorOf(target.name) : undefined;
  if (iter?.[index]) {
    answerIter(env, a, iter[index]);
    return;
  }
  if (pointed.kind === 'void' || pointed.kind === 'int') {
    answerUnknown(env, a);
    return;
  }
  if (pointed.kind !== 'struct' && pointed.kind !== 'union') {
    env.write(`func '${target.name}' arg${index} type ${pointed.kind.toUpperCase()} is not a struct\n`);
    refuseContext(env, a);
  }
  let flags = 0;
  if (isTracing && attachType === c.BPF_TRACE_RAW_TP) {
    flags = TRUSTED;
    const how = TRACEPOINT_ARGUMENTS[target.name]?.[index];
    if (how === 'scalar') {
      answerUnknown(env, a);
      return;
    }
    if (how === 'or_null' || target.params[index]?.name.endsWith('__nullable')) flags |= MAYBE_NULL;
  } else if (progType === c.BPF_PROG_TYPE_STRUCT_OPS) {
    flags = TRUSTED;
    if (isNullableArgument(env, target, index)) {
      answerStruct(env, a, flags | MAYBE_NULL, skipModifiers(btf, id));
      return;
    }
  } else if (iter || (progType === c.BPF_PROG_TYPE_LSM && hasTrustedArguments(target))) {
    flags = TRUSTED;
  }
  const struct = skipModifiers(btf, id);
  if (env.log.on) {
    const type = `${pointed.kind.toUpperCase()} '${pointed.name}'`;
    env.write(`func '${target.name}' arg${index} has btf_id ${struct} type ${type}\n`);
  }
  answerStruct(env, a, flags | tagFlags(btf, id), struct);
}

/** `__user` and `__percpu` of the type pointed to. */
function tagFlags(btf: Btf, id: number): number {
  const t = btf.type(id);
  if (t?.kind !== 'type_tag') return 0;
  return t.name === 'user' ? USER : t.name === 'percpu' ? PERCPU : 0;
}

function answerStruct(env: Env, a: Access, flags: number, id: number): void {
  if (a.valueRegno < 0) return;
  const to = env.reg(a.valueRegno);
  to.markPointer(BTF_PTR | flags);
  to.aux = isSocketOfTcp(env, id) ? env.kernelBtf.find('tcp_sock', 'struct') : id;
  to.aux2 = 0;
  if (flags & MAYBE_NULL) to.id = env.newId();
}

/** Congestion control is handed a sock that is a tcp_sock. */
function isSocketOfTcp(env: Env, id: number): boolean {
  return env.input.progType === c.BPF_PROG_TYPE_STRUCT_OPS && id === env.kernelBtf.find('sock', 'struct');
}

function answerIter(env: Env, a: Access, how: IterArgument): void {
  const colon = how.indexOf(':');
  if (colon >= 0) {
    const flags = (how.startsWith('trusted_') ? TRUSTED : 0) | (how.includes('_or_null:') ? MAYBE_NULL : 0);
    answerStruct(env, a, flags, env.kernelBtf.find(how.slice(colon + 1), 'struct'));
    return;
  }
  const to = env.reg(a.valueRegno);
  to.markPointer(BUF | MAYBE_NULL | (how.startsWith('rdonly_') ? RDONLY : 0));
  to.id = env.newId();
}

function netfilter(env: Env, a: Access): void {
  if (a.write || a.size !== 8 || a.off % 8 !== 0 || a.off < 0 || a.off >= 16) refuseContext(env, a);
  const id = env.kernelBtf.find(a.off === 0 ? 'nf_hook_state' : 'sk_buff', 'struct');
  if (!id) env.unsupported('netfilter without its types in the kernel BTF');
  const to = env.reg(a.valueRegno);
  to.markPointer(BTF_PTR | TRUSTED);
  to.aux = id;
  to.aux2 = 0;
}
