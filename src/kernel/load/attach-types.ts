/** Which expected_attach_type a program type may be loaded with. Where a type is not listed, any value is ignored. */
import * as abi from '../../uapi/generated/constants.ts';

const ALLOWED: ReadonlyMap<number, readonly number[]> = new Map([
  [abi.BPF_PROG_TYPE_CGROUP_SKB, [abi.BPF_CGROUP_INET_INGRESS, abi.BPF_CGROUP_INET_EGRESS]],
  [
    abi.BPF_PROG_TYPE_CGROUP_SOCK,
    [
      abi.BPF_CGROUP_INET_SOCK_CREATE,
      abi.BPF_CGROUP_INET_SOCK_RELEASE,
      abi.BPF_CGROUP_INET4_POST_BIND,
      abi.BPF_CGROUP_INET6_POST_BIND,
    ],
  ],
  [
    abi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    [
      abi.BPF_CGROUP_INET4_BIND,
      abi.BPF_CGROUP_INET6_BIND,
      abi.BPF_CGROUP_INET4_CONNECT,
      abi.BPF_CGROUP_INET6_CONNECT,
      abi.BPF_CGROUP_UNIX_CONNECT,
      abi.BPF_CGROUP_INET4_GETPEERNAME,
      abi.BPF_CGROUP_INET6_GETPEERNAME,
      abi.BPF_CGROUP_UNIX_GETPEERNAME,
      abi.BPF_CGROUP_INET4_GETSOCKNAME,
      abi.BPF_CGROUP_INET6_GETSOCKNAME,
      abi.BPF_CGROUP_UNIX_GETSOCKNAME,
      abi.BPF_CGROUP_UDP4_SENDMSG,
      abi.BPF_CGROUP_UDP6_SENDMSG,
      abi.BPF_CGROUP_UNIX_SENDMSG,
      abi.BPF_CGROUP_UDP4_RECVMSG,
      abi.BPF_CGROUP_UDP6_RECVMSG,
      abi.BPF_CGROUP_UNIX_RECVMSG,
    ],
  ],
  [abi.BPF_PROG_TYPE_CGROUP_SOCKOPT, [abi.BPF_CGROUP_SETSOCKOPT, abi.BPF_CGROUP_GETSOCKOPT]],
  [abi.BPF_PROG_TYPE_SK_LOOKUP, [abi.BPF_SK_LOOKUP]],
  [abi.BPF_PROG_TYPE_SK_REUSEPORT, [abi.BPF_SK_REUSEPORT_SELECT, abi.BPF_SK_REUSEPORT_SELECT_OR_MIGRATE]],
  [abi.BPF_PROG_TYPE_NETFILTER, [abi.BPF_NETFILTER]],
  [abi.BPF_PROG_TYPE_SYSCALL, [0]],
  [abi.BPF_PROG_TYPE_EXT, [0]],
]);

export function mayLoadWith(progType: number, attachType: number): boolean {
  return ALLOWED.get(progType)?.includes(attachType) ?? true;
}

/** Old loaders say nothing of what is attached how: 0 stands for the first way that there was. */
export function settledAttachType(progType: number, attachType: number): number {
  if (attachType !== 0) return attachType;
  if (progType === abi.BPF_PROG_TYPE_CGROUP_SOCK) return abi.BPF_CGROUP_INET_SOCK_CREATE;
  if (progType === abi.BPF_PROG_TYPE_SK_REUSEPORT) return abi.BPF_SK_REUSEPORT_SELECT;
  return attachType;
}
