/**
 * Attach types: one row per member of enum bpf_attach_type, under the name that bpftool and libbpf give it, with the
 * program types that attach so.
 */
import type { ProgTypeName } from './prog-types.ts';

export interface AttachTypeRow {
  /** The number in attach_type and expected_attach_type. */
  readonly id: number;
  /** The Linux version that brought it. */
  readonly since: string;
  readonly progTypes: readonly ProgTypeName[];
}

export const ATTACH_TYPES = {
  cgroup_inet_ingress: { id: 0, since: '4.10', progTypes: ['cgroup_skb'] },
  cgroup_inet_egress: { id: 1, since: '4.10', progTypes: ['cgroup_skb'] },
  cgroup_inet_sock_create: { id: 2, since: '4.10', progTypes: ['cgroup_sock'] },
  cgroup_sock_ops: { id: 3, since: '4.13', progTypes: ['sock_ops'] },
  sk_skb_stream_parser: { id: 4, since: '4.14', progTypes: ['sk_skb'] },
  sk_skb_stream_verdict: { id: 5, since: '4.14', progTypes: ['sk_skb'] },
  cgroup_device: { id: 6, since: '4.15', progTypes: ['cgroup_device'] },
  sk_msg_verdict: { id: 7, since: '4.17', progTypes: ['sk_msg'] },
  cgroup_inet4_bind: { id: 8, since: '4.17', progTypes: ['cgroup_sock_addr'] },
  cgroup_inet6_bind: { id: 9, since: '4.17', progTypes: ['cgroup_sock_addr'] },
  cgroup_inet4_connect: { id: 10, since: '4.17', progTypes: ['cgroup_sock_addr'] },
  cgroup_inet6_connect: { id: 11, since: '4.17', progTypes: ['cgroup_sock_addr'] },
  cgroup_inet4_post_bind: { id: 12, since: '4.17', progTypes: ['cgroup_sock'] },
  cgroup_inet6_post_bind: { id: 13, since: '4.17', progTypes: ['cgroup_sock'] },
  cgroup_udp4_sendmsg: { id: 14, since: '4.18', progTypes: ['cgroup_sock_addr'] },
  cgroup_udp6_sendmsg: { id: 15, since: '4.18', progTypes: ['cgroup_sock_addr'] },
  lirc_mode2: { id: 16, since: '4.18', progTypes: ['lirc_mode2'] },
  flow_dissector: { id: 17, since: '4.20', progTypes: ['flow_dissector'] },
  cgroup_sysctl: { id: 18, since: '5.2', progTypes: ['cgroup_sysctl'] },
  cgroup_udp4_recvmsg: { id: 19, since: '5.2', progTypes: ['cgroup_sock_addr'] },
  cgroup_udp6_recvmsg: { id: 20, since: '5.2', progTypes: ['cgroup_sock_addr'] },
  cgroup_getsockopt: { id: 21, since: '5.3', progTypes: ['cgroup_sockopt'] },
  cgroup_setsockopt: { id: 22, since: '5.3', progTypes: ['cgroup_sockopt'] },
  trace_raw_tp: { id: 23, since: '5.5', progTypes: ['tracing'] },
  trace_fentry: { id: 24, since: '5.5', progTypes: ['tracing'] },
  trace_fexit: { id: 25, since: '5.5', progTypes: ['tracing'] },
  modify_return: { id: 26, since: '5.7', progTypes: ['tracing'] },
  lsm_mac: { id: 27, since: '5.7', progTypes: ['lsm'] },
  trace_iter: { id: 28, since: '5.8', progTypes: ['tracing'] },
  cgroup_inet4_getpeername: { id: 29, since: '5.8', progTypes: ['cgroup_sock_addr'] },
  cgroup_inet6_getpeername: { id: 30, since: '5.8', progTypes: ['cgroup_sock_addr'] },
  cgroup_inet4_getsockname: { id: 31, since: '5.8', progTypes: ['cgroup_sock_addr'] },
  cgroup_inet6_getsockname: { id: 32, since: '5.8', progTypes: ['cgroup_sock_addr'] },
  xdp_devmap: { id: 33, since: '5.8', progTypes: ['xdp'] },
  cgroup_inet_sock_release: { id: 34, since: '5.9', progTypes: ['cgroup_sock'] },
  xdp_cpumap: { id: 35, since: '5.9', progTypes: ['xdp'] },
  sk_lookup: { id: 36, since: '5.9', progTypes: ['sk_lookup'] },
  xdp: { id: 37, since: '5.9', progTypes: ['xdp'] },
  sk_skb_verdict: { id: 38, since: '5.13', progTypes: ['sk_skb'] },
  sk_reuseport_select: { id: 39, since: '5.14', progTypes: ['sk_reuseport'] },
  sk_reuseport_select_or_migrate: { id: 40, since: '5.14', progTypes: ['sk_reuseport'] },
  perf_event: { id: 41, since: '5.15', progTypes: ['kprobe', 'tracepoint', 'perf_event'] },
  trace_kprobe_multi: { id: 42, since: '5.18', progTypes: ['kprobe'] },
  lsm_cgroup: { id: 43, since: '6.0', progTypes: ['lsm'] },
  struct_ops: { id: 44, since: '6.4', progTypes: ['struct_ops'] },
  netfilter: { id: 45, since: '6.4', progTypes: ['netfilter'] },
  tcx_ingress: { id: 46, since: '6.6', progTypes: ['sched_cls'] },
  tcx_egress: { id: 47, since: '6.6', progTypes: ['sched_cls'] },
  trace_uprobe_multi: { id: 48, since: '6.6', progTypes: ['kprobe'] },
  cgroup_unix_connect: { id: 49, since: '6.7', progTypes: ['cgroup_sock_addr'] },
  cgroup_unix_sendmsg: { id: 50, since: '6.7', progTypes: ['cgroup_sock_addr'] },
  cgroup_unix_recvmsg: { id: 51, since: '6.7', progTypes: ['cgroup_sock_addr'] },
  cgroup_unix_getpeername: { id: 52, since: '6.7', progTypes: ['cgroup_sock_addr'] },
  cgroup_unix_getsockname: { id: 53, since: '6.7', progTypes: ['cgroup_sock_addr'] },
  netkit_primary: { id: 54, since: '6.7', progTypes: ['sched_cls'] },
  netkit_peer: { id: 55, since: '6.7', progTypes: ['sched_cls'] },
  trace_kprobe_session: { id: 56, since: '6.10', progTypes: ['kprobe'] },
  trace_uprobe_session: { id: 57, since: '6.13', progTypes: ['kprobe'] },
} as const satisfies Record<string, AttachTypeRow>;

export type AttachTypeName = keyof typeof ATTACH_TYPES;

/** Name of a number, or undefined for what is no attach type of the reference kernel. */
export function attachTypeName(id: number): AttachTypeName | undefined {
  return NAMES[id];
}

const NAMES: readonly (AttachTypeName | undefined)[] = byId();

function byId(): AttachTypeName[] {
  const names: AttachTypeName[] = [];
  for (const [name, row] of Object.entries(ATTACH_TYPES)) names[row.id] = name as AttachTypeName;
  return names;
}
