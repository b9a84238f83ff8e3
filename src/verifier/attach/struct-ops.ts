/**
 * Structures of operations that programs may implement, member by member. Linux: check_struct_ops_btf_id() and the
 * bpf_struct_ops of each structure.
 */
import { resolve } from '../../btf/index.ts';
import { BPF_F_SLEEPABLE } from '../../uapi/flags.ts';
import type { Env } from '../env.ts';

interface Structure {
  /** Functions that a program may stand for. */
  readonly members: readonly string[];
  /** Those that may sleep; absent: all. */
  readonly sleepable?: readonly string[];
  /** Whether its programs may call helpers at all. */
  readonly helpers: boolean;
}

/** Those that the reference kernel has. */
const STRUCTURES: Readonly<Record<string, Structure>> = {
  tcp_congestion_ops: {
    members: [
      'ssthresh',
      'cong_avoid',
      'set_state',
      'cwnd_event',
      'in_ack_event',
      'pkts_acked',
      'min_tso_segs',
      'cong_control',
      'undo_cwnd',
      'sndbuf_expand',
      'init',
      'release',
    ],
    helpers: true,
  },
  bpf_dummy_ops: { members: ['test_1', 'test_2', 'test_sleepable'], sleepable: ['test_sleepable'], helpers: false },
};

export interface Operation {
  readonly name: string;
  /** Type ids in the kernel's BTF; 0 for void. */
  readonly ret: number;
  readonly params: readonly { name: string; type: number }[];
}

/** Rejects where the kernel has no such operation for programs to implement. */
export function checkOperation(env: Env): void {
  if (!env.input.gplCompatible) env.reject('EINVAL', 'struct ops programs must have a GPL compatible license');
  const id = env.input.attachBtfId ?? 0;
  if (id === 0) env.reject('ENOTSUPP', '');
  const t = env.kernelBtf.type(id);
  const structure = t?.kind === 'struct' ? STRUCTURES[t.name] : undefined;
  if (t?.kind !== 'struct' || !structure) env.reject('ENOTSUPP', `attach_btf_id ${id} is not a supported struct`);
  const { name } = operationOf(env);
  const refused = `attach to unsupported member ${name} of struct ${t.name}`;
  if (!structure.members.includes(name)) env.reject('ENOTSUPP', refused);
  const sleeps = (env.input.flags & BPF_F_SLEEPABLE) !== 0;
  if (sleeps && structure.sleepable && !structure.sleepable.includes(name)) env.reject('EINVAL', refused);
}

/** The structure that the program implements a member of. */
function structureOf(env: Env) {
  const t = env.kernelBtf.type(env.input.attachBtfId ?? 0);
  if (t?.kind !== 'struct') env.reject('ENOTSUPP', '');
  return t;
}

/** The member that the program implements. */
export function operationOf(env: Env): Operation {
  const btf = env.kernelBtf;
  const t = structureOf(env);
  const member = t.members[env.attachType];
  if (!member) env.reject('EINVAL', `attach to invalid member idx ${env.attachType} of struct ${t.name}`);
  const ptr = resolve(btf, member.type);
  const proto = ptr.kind === 'ptr' ? resolve(btf, ptr.type) : undefined;
  if (proto?.kind !== 'func_proto') {
    env.reject('EINVAL', `attach to invalid member ${member.name}(@idx ${env.attachType}) of struct ${t.name}`);
  }
  return { name: member.name, ret: proto.ret, params: proto.params };
}

/** Whether argument `index` may be NULL: the kernel's stand-in for the operation says so in the parameter's name. */
export function isNullableArgument(env: Env, operation: Operation, index: number): boolean {
  const btf = env.kernelBtf;
  const standIn = btf.type(btf.find(`${structureOf(env).name}__${operation.name}`, 'func'));
  const proto = standIn?.kind === 'func' ? btf.type(standIn.type) : undefined;
  return proto?.kind === 'func_proto' && (proto.params[index]?.name.endsWith('__nullable') ?? false);
}

export const mayCallHelpers = (env: Env): boolean => STRUCTURES[structureOf(env).name]?.helpers ?? false;
