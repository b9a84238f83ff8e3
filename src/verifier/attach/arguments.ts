/**
 * Contexts that are the arguments of a kernel function, one u64 each: tracing, LSM, struct_ops, netfilter.
 * Linux: btf_ctx_access().
 */
import { type Btf, resolve } from '../../btf/index.ts';
import * as c from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import { type Access, answerUnknown } from '../pointer/rule.ts';
import { BTF_PTR, TRUSTED } from '../state/types.ts';
import { refuseContext } from './refuse.ts';

export function argumentAccess(env: Env, a: Access): void {
  const { progType } = env.input;
  const { attachType } = env;
  if (progType === c.BPF_PROG_TYPE_NETFILTER) {
    netfilter(env, a);
    return;
  }
  if (
    progType !== c.BPF_PROG_TYPE_TRACING ||
    (attachType !== c.BPF_TRACE_RAW_TP && attachType !== c.BPF_TRACE_FENTRY)
  ) {
    env.unsupported('the context of this program type');
  }
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
  if (t.kind === 'int' || t.kind === 'enum' || t.kind === 'enum64') {
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
  const pointed = resolve(btf, t.type);
  if (pointed.kind !== 'struct' && pointed.kind !== 'union') {
    answerUnknown(env, a);
    return;
  }
  // Tracepoints that may pass NULL or an error are listed in the kernel; without the list no pointer is sure.
  env.unsupported(`the pointer argument ${index} of ${name}`);
}

function targetOf(env: Env, btf: Btf): { name: string; params: readonly { name: string; type: number }[] } {
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
    if (proto?.kind === 'func_proto') return { name: t.name, params: proto.params.slice(1) };
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
