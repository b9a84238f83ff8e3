/**
 * Members of structures of the kernel that some programs may write. Linux: the btf_struct_access() of each program type.
 */
import { type Btf, resolve, sizeOf } from '../../btf/index.ts';
import * as c from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';
import type { Access } from './rule.ts';

/** Members that congestion control may set, with the structure that a tcp_sock begins with. */
const TCP_SOCK: readonly (readonly [owner: string, ...path: string[]])[] = [
  ['sock', 'sk_pacing_rate'],
  ['sock', 'sk_pacing_status'],
  ['inet_connection_sock', 'icsk_ca_priv'],
  ['inet_connection_sock', 'icsk_ack', 'pending'],
  ['tcp_sock', 'snd_cwnd'],
  ['tcp_sock', 'snd_cwnd_cnt'],
  ['tcp_sock', 'snd_cwnd_stamp'],
  ['tcp_sock', 'snd_ssthresh'],
  ['tcp_sock', 'ecn_flags'],
  ['tcp_sock', 'app_limited'],
];
/** Conntrack entries are marked by packet programs. */
const CONNTRACK = new Set<number>([c.BPF_PROG_TYPE_SCHED_CLS, c.BPF_PROG_TYPE_SCHED_ACT, c.BPF_PROG_TYPE_XDP]);

/** Rejects a write through a pointer to a structure of the kernel, unless it is one of those allowed. */
export function checkKernelWrite(env: Env, ptr: Reg, a: Access): void {
  const { progType } = env.input;
  const name = ptr.aux2 === 0 ? env.btfTypeName(0, ptr.aux) : '';
  if (progType === c.BPF_PROG_TYPE_STRUCT_OPS && name === 'tcp_sock') {
    checkMembers(env, a, 'tcp_sock', TCP_SOCK);
  } else if (progType === c.BPF_PROG_TYPE_STRUCT_OPS && name === 'bpf_dummy_ops_state') {
    const size = sizeOf(env.kernelBtf, ptr.aux);
    if (a.off + a.size > size) env.reject('EACCES', `write access at off ${a.off} with size ${a.size}`);
  } else if (CONNTRACK.has(progType) && (name === 'nf_conn' || name === 'nf_conn___init')) {
    checkMembers(env, a, 'nf_conn', [['nf_conn', 'mark']]);
  } else {
    env.reject('EACCES', 'only read is supported');
  }
}

function checkMembers(
  env: Env,
  a: Access,
  name: string,
  members: readonly (readonly [owner: string, ...path: string[]])[],
): void {
  for (const [owner, ...path] of members) {
    const place = placeOf(env.kernelBtf, owner, path);
    if (!place) continue;
    // Only an array may be written from its middle.
    const starts = place.isArray ? a.off >= place.off && a.off < place.end : a.off === place.off;
    if (!starts) continue;
    if (a.off + a.size <= place.end) return;
    env.reject(
      'EACCES',
      `write access at off ${a.off} with size ${a.size} beyond the member of ${name} ended at ${place.end}`,
    );
  }
  env.reject('EACCES', `no write support to ${name} at off ${a.off}`);
}

function placeOf(
  btf: Btf,
  owner: string,
  path: readonly string[],
): { off: number; end: number; isArray: boolean } | undefined {
  let t = resolve(btf, btf.find(owner, 'struct'));
  let off = 0;
  let id = 0;
  for (const name of path) {
    const member = t.kind === 'struct' ? t.members.find((m) => m.name === name) : undefined;
    if (!member || member.bitOffset % 8 !== 0) return undefined;
    off += member.bitOffset / 8;
    id = member.type;
    t = resolve(btf, id);
    // A bit field is written with the byte it begins in.
    if (member.bitfieldSize) return { off, end: off + Math.ceil(member.bitfieldSize / 8), isArray: false };
  }
  return { off, end: off + sizeOf(btf, id), isArray: t.kind === 'array' };
}
