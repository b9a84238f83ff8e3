/**
 * What a tracing or LSM program attaches to, by its id in the kernel's BTF. Linux:
 * check_attach_btf_id(), bpf_check_attach_target().
 */
import { resolve } from '../../btf/index.ts';
import * as c from '../../uapi/generated/constants.ts';
import { ITER_ARGUMENTS } from '../../uapi/traced-arguments.ts';
import type { Env } from '../env.ts';
import { checkExtension } from './extension.ts';
import { checkHook } from './lsm.ts';
import { checkOperation, operationOf } from './struct-ops.ts';

const TRACEPOINT_PREFIX = 'btf_trace_';
const ITERATOR_PREFIX = 'bpf_iter_';

/** A function, tracepoint, hook or operation of the kernel; type ids are those of the kernel's BTF. */
export interface Target {
  readonly name: string;
  /** 0 for void. */
  readonly ret: number;
  readonly params: readonly { name: string; type: number }[];
  /** Its first parameter, which programs do not see, is left out of `params`. */
  readonly isTracepoint?: true;
}

/** At a function; for tracing programs those of LSM are no other. */
const TRAMPOLINE = new Set<number>([
  c.BPF_TRACE_FENTRY,
  c.BPF_TRACE_FEXIT,
  c.BPF_MODIFY_RETURN,
  c.BPF_LSM_MAC,
  c.BPF_LSM_CGROUP,
]);

/** Before the walk: what the program attaches to is there and of the right kind. */
export function checkTarget(env: Env): void {
  const { progType } = env.input;
  if (env.isExtension) {
    checkExtension(env);
    return;
  }
  if (progType === c.BPF_PROG_TYPE_STRUCT_OPS) checkOperation(env);
  if (progType !== c.BPF_PROG_TYPE_TRACING && progType !== c.BPF_PROG_TYPE_LSM) return;
  if (env.input.attachProg) env.unsupported('tracing a program');
  const id = env.input.attachBtfId ?? 0;
  if (id === 0) env.reject('EINVAL', 'Tracing programs must provide btf_id');
  const t = env.kernelBtf.type(id);
  if (!t) env.reject('EINVAL', `attach_btf_id ${id} is invalid`);
  if (progType === c.BPF_PROG_TYPE_TRACING && env.attachType === c.BPF_TRACE_RAW_TP) {
    if (t.kind !== 'typedef') env.reject('EINVAL', `attach_btf_id ${id} is not a typedef`);
    if (!t.name.startsWith(TRACEPOINT_PREFIX)) {
      env.reject('EINVAL', `attach_btf_id ${id} points to wrong type name ${t.name}`);
    }
    return;
  }
  if (progType === c.BPF_PROG_TYPE_TRACING && env.attachType === c.BPF_TRACE_ITER) {
    if (t.kind !== 'func') env.reject('EINVAL', `attach_btf_id ${id} is not a function`);
    if (!iteratorOf(t.name)) env.reject('EINVAL', '');
    return;
  }
  const traced = progType === c.BPF_PROG_TYPE_LSM || TRAMPOLINE.has(env.attachType);
  if (!traced) env.reject('EINVAL', '');
  if (t.kind !== 'func') env.reject('EINVAL', `attach_btf_id ${id} is not a function`);
  if (progType === c.BPF_PROG_TYPE_LSM) checkHook(env, id, t.name);
  else if (env.attachType === c.BPF_MODIFY_RETURN) checkModifiable(env, t.name);
}

/** Functions whose answer programs are meant to change, besides system calls and security hooks. */
const MODIFIABLE = new Set([
  'bpf_modify_return_test',
  'bpf_modify_return_test2',
  'bpf_modify_return_test_tp',
  'bpf_fentry_shadow_test',
  'update_socket_protocol',
]);

/** Return values are changed of functions that answer an int and are made for it. */
function checkModifiable(env: Env, name: string): void {
  const { ret } = targetOf(env);
  const t = ret === 0 ? undefined : resolve(env.kernelBtf, ret);
  const isModifiable = t?.kind === 'int' && (MODIFIABLE.has(name) || /^(security_|__(x64|ia32)_sys_)/.test(name));
  if (!isModifiable) env.reject('EINVAL', `${name}() is not modifiable`);
}

/** What is known about the arguments of the iterator that `bpf_iter_NAME` stands for. */
export const iteratorOf = (name: string) =>
  name.startsWith(ITERATOR_PREFIX) ? ITER_ARGUMENTS[name.slice(ITERATOR_PREFIX.length)] : undefined;

/** What the program's arguments are those of. */
export function targetOf(env: Env): Target {
  if (env.input.progType === c.BPF_PROG_TYPE_STRUCT_OPS) return operationOf(env);
  const btf = env.kernelBtf;
  const t = btf.type(env.input.attachBtfId ?? 0);
  const proto = t?.kind === 'func' ? btf.type(t.type) : undefined;
  if (t?.kind === 'func' && proto?.kind === 'func_proto') return { name: t.name, ret: proto.ret, params: proto.params };
  const ptr = t?.kind === 'typedef' ? resolve(btf, t.type) : undefined;
  const traced = ptr?.kind === 'ptr' ? resolve(btf, ptr.type) : undefined;
  if (t?.kind !== 'typedef' || traced?.kind !== 'func_proto') env.reject('EINVAL', '');
  // The first parameter is the tracepoint's own.
  const name = t.name.replace(TRACEPOINT_PREFIX, '');
  return { name, ret: traced.ret, params: traced.params.slice(1), isTracepoint: true };
}
