/**
 * Contexts that are the arguments of a kernel function, one u64 each: tracing, LSM, struct_ops, netfilter.
 * Linux: btf_ctx_access().
 */
import { type Btf, resolve, skipModifiers } from '../../btf/index.ts';
import * as c from '../../uapi/generated/constants.ts';
import { ITER_ARGUMENTS, type IterArgument, TRACEPOINT_ARGUMENTS } from '../../uapi/traced-arguments.ts';
import type { Env } from '../env.ts';
import { type Access, answerUnknown } from '../pointer/rule.ts';
import { BTF_PTR, BUF, MAYBE_NULL, PERCPU, RDONLY, TRUSTED, USER } from '../state/types.ts';
import { refuseContext } from './refuse.ts';

/** Arguments of these types are numbers to a program. */
const BY_VALUE: ReadonlySet<string> = new Set(['int', 'enum', 'enum64', 'struct', 'union']);

export function argumentAccess(env: Env, a: Access): void {
  const { progType } = env.input;
  const { attachType } = env;
  if (progType === c.BPF_PROG_TYPE_NETFILTER) {
    netfilter(env, a);
    return;
  }
  const known =
    progType === c.BPF_PROG_TYPE_STRUCT_OPS ||
    (progType === c.BPF_PROG_TYPE_TRACING &&
      (attachType === c.BPF_TRACE_RAW_TP || attachType === c.BPF_TRACE_FENTRY || attachType === c.BPF_TRACE_ITER));
  if (!known) env.unsupported('the context of this program type');
  if (a.off < 0 || a.off >= 96 || a.write || a.off % a.size !== 0) refuseContext(env, a);
  const btf = env.kernelBtf;
  const target = targetOf(env, btf);
  const { name } = target;
  if (a.off % 8 !== 0) {
    env.write(`func '${name}' offset ${a.off} is not multiple of 8\n`);
    refuseContext(env, a);
  }
  const index = a.off / 8;
  const param = target.params[index];
  if (!param) {
    env.write(`func '${name}' doesn't have ${index + 1}-th argument\n`);
    refuseContext(env, a);
  }
  const t = resolve(btf, param.type);
  if (BY_VALUE.has(t.kind)) {
    answerUnknown(env, a);
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

/** The argument is a pointer to type `id`. */
function answerPointer(env: Env, a: Access, btf: Btf, target: Target, index: number, id: number): void {
  const pointed = resolve(btf, id);
  const { attachType } = env;
  const iter = attachType === c.BPF_TRACE_ITER ? ITER_ARGUMENTS[target.name.replace(/^bpf_iter_/, '')] : undefined;
  const isTracing = env.input.progType === c.BPF_PROG_TYPE_TRACING;
  if (isTracing && attachType === c.BPF_TRACE_ITER && !iter) env.unsupported(`the iterator ${target.name}`);
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
    if (how === 'or_null' || target.params[index]!.name.endsWith('__nullable')) flags |= MAYBE_NULL;
  } else if (env.input.progType === c.BPF_PROG_TYPE_STRUCT_OPS || (isTracing && attachType === c.BPF_TRACE_ITER)) {
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

interface Target {
  readonly name: string;
  readonly params: readonly { name: string; type: number }[];
}

/** The member of a structure of operations that a program implements. */
export function operationOf(env: Env): {
  name: string;
  ret: number;
  params: readonly { name: string; type: number }[];
} {
  const btf = env.kernelBtf;
  const t = btf.type(env.input.attachBtfId ?? 0);
  // What else may be implemented, and with which arguments that may be NULL, is not known here.
  if (t?.kind !== 'struct' || t.name !== 'tcp_congestion_ops') env.unsupported('these struct_ops');
  const member = t.members[env.attachType];
  if (!member) env.reject('EINVAL', `attach to invalid member idx ${env.attachType} of struct ${t.name}`);
  const ptr = resolve(btf, member.type);
  const proto = ptr.kind === 'ptr' ? resolve(btf, ptr.type) : undefined;
  if (proto?.kind !== 'func_proto') {
    env.reject('EINVAL', `attach to invalid member ${member.name}(@idx ${env.attachType}) of struct ${t.name}`);
  }
  return { name: member.name, ret: proto.ret, params: proto.params };
}

function targetOf(env: Env, btf: Btf): Target {
  if (env.input.progType === c.BPF_PROG_TYPE_STRUCT_OPS) return operationOf(env);
  const id = env.input.attachBtfId ?? 0;
  const t = btf.type(id);
  if (t?.kind === 'func') {
    const proto = btf.type(t.type);
    if (proto?.kind === 'func_proto') return { name: t.name, params: proto.params };
  }
  if (t?.kind === 'typedef') {
    const ptr = resolve(btf, t.type);
    const proto = ptr.kind === 'ptr' ? resolve(btf, ptr.type) : undefined;
    // The first parameter is the tracepoint's own.
    if (proto?.kind === 'func_proto') return { name: t.name.replace(/^btf_trace_/, ''), params: proto.params.slice(1) };
  }
  env.unsupported('this attach target');
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
