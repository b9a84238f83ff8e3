/** The attach types of cgroups, in bpftool's order, each under its name and what it was called before. */
import { ATTACH_TYPES } from '../../uapi/attach-types.ts';
import { type Args, isPrefix } from '../args.ts';
import { fail } from '../failure.ts';

type CgroupType = Extract<keyof typeof ATTACH_TYPES, `cgroup_${string}`> | 'lsm_cgroup';

/** Old names may be shortened, new ones not. */
const OLD_NAMES: Partial<Readonly<Record<CgroupType, string>>> = {
  cgroup_inet_ingress: 'ingress',
  cgroup_inet_egress: 'egress',
  cgroup_inet_sock_create: 'sock_create',
  cgroup_inet_sock_release: 'sock_release',
  cgroup_sock_ops: 'sock_ops',
  cgroup_device: 'device',
  cgroup_inet4_bind: 'bind4',
  cgroup_inet6_bind: 'bind6',
  cgroup_inet4_connect: 'connect4',
  cgroup_inet6_connect: 'connect6',
  cgroup_inet4_post_bind: 'post_bind4',
  cgroup_inet6_post_bind: 'post_bind6',
  cgroup_inet4_getpeername: 'getpeername4',
  cgroup_inet6_getpeername: 'getpeername6',
  cgroup_inet4_getsockname: 'getsockname4',
  cgroup_inet6_getsockname: 'getsockname6',
  cgroup_udp4_sendmsg: 'sendmsg4',
  cgroup_udp6_sendmsg: 'sendmsg6',
  cgroup_sysctl: 'sysctl',
  cgroup_udp4_recvmsg: 'recvmsg4',
  cgroup_udp6_recvmsg: 'recvmsg6',
  cgroup_getsockopt: 'getsockopt',
  cgroup_setsockopt: 'setsockopt',
};

/** The program types whose places are shown first to last; those of one type in the order of the ABI. */
const BY_PROGRAM = [
  'cgroup_skb',
  'cgroup_sock',
  'cgroup_sock_addr',
  'sock_ops',
  'cgroup_device',
  'cgroup_sysctl',
  'cgroup_sockopt',
  'lsm',
];

/** Number and name of every type that a cgroup may have programs of. */
export const CGROUP_TYPES: readonly { readonly id: number; readonly name: string }[] = BY_PROGRAM.flatMap((program) =>
  Object.entries(ATTACH_TYPES)
    .filter(([name, row]) => isOfCgroups(name) && (row.progTypes as readonly string[]).includes(program))
    .map(([name, { id }]) => ({ id, name })),
);

function isOfCgroups(name: string): boolean {
  return name.startsWith('cgroup_') || name === 'lsm_cgroup';
}

/** The type that the next word names. */
export function takeCgroupType(args: Args): number {
  const word = args.next();
  const old = Object.entries(OLD_NAMES).find(([, name]) => isPrefix(word, name))?.[0];
  const found = CGROUP_TYPES.find(({ name }) => name === word) ?? CGROUP_TYPES.find(({ name }) => name === old);
  return found ? found.id : fail('invalid attach type');
}
