/**
 * Program types: one row per BPF_PROG_TYPE_*, under the name that bpftool and libbpf give it.
 *
 * `context` is the structure that r1 points to and that programs are written against, '' where there is no fixed one:
 * a tracepoint's record, the arguments of a function (tracing, lsm, struct_ops), what the target has (ext), or plain
 * bytes (syscall, lirc_mode2). Linux: include/linux/bpf_types.h.
 */
import type { LAYOUTS } from './generated/layouts.ts';

export interface ProgTypeRow {
  /** The number in prog_type. */
  readonly id: number;
  /** The Linux version that brought it. */
  readonly since: string;
  readonly context: keyof typeof LAYOUTS | '';
  /** One sentence. */
  readonly doc: string;
}

export const PROG_TYPES = {
  socket_filter: { id: 1, since: '3.19', context: '__sk_buff', doc: 'Decides how much of a packet a socket receives.' },
  kprobe: { id: 2, since: '4.1', context: 'pt_regs', doc: 'Runs at kprobes, uprobes and their returns.' },
  sched_cls: {
    id: 3,
    since: '4.1',
    context: '__sk_buff',
    doc: 'Classifies and rewrites packets in tc, tcx and netkit.',
  },
  sched_act: { id: 4, since: '4.1', context: '__sk_buff', doc: 'Is an action of tc.' },
  tracepoint: { id: 5, since: '4.7', context: '', doc: 'Runs at a tracepoint, with its record as context.' },
  xdp: { id: 6, since: '4.8', context: 'xdp_md', doc: 'Sees packets in the driver, before the network stack.' },
  perf_event: { id: 7, since: '4.9', context: 'bpf_perf_event_data', doc: 'Runs when a perf event overflows.' },
  cgroup_skb: { id: 8, since: '4.10', context: '__sk_buff', doc: "Sees packets of a cgroup's sockets." },
  cgroup_sock: {
    id: 9,
    since: '4.10',
    context: 'bpf_sock',
    doc: "Sees a cgroup's sockets being made, bound and released.",
  },
  lwt_in: { id: 10, since: '4.10', context: '__sk_buff', doc: 'Sees packets received on a route.' },
  lwt_out: { id: 11, since: '4.10', context: '__sk_buff', doc: 'Sees packets sent on a route.' },
  lwt_xmit: { id: 12, since: '4.10', context: '__sk_buff', doc: 'Rewrites packets sent on a route.' },
  sock_ops: { id: 13, since: '4.13', context: 'bpf_sock_ops', doc: "Runs at events of a cgroup's TCP connections." },
  sk_skb: {
    id: 14,
    since: '4.14',
    context: '__sk_buff',
    doc: 'Parses and redirects the streams of sockets in a sock map.',
  },
  cgroup_device: { id: 15, since: '4.15', context: 'bpf_cgroup_dev_ctx', doc: 'Allows or forbids access to devices.' },
  sk_msg: { id: 16, since: '4.17', context: 'sk_msg_md', doc: 'Decides over messages sent on sockets in a sock map.' },
  raw_tracepoint: {
    id: 17,
    since: '4.17',
    context: 'bpf_raw_tracepoint_args',
    doc: 'Runs at a tracepoint, with its arguments as context.',
  },
  cgroup_sock_addr: {
    id: 18,
    since: '4.17',
    context: 'bpf_sock_addr',
    doc: "Sees and changes the addresses of a cgroup's socket calls.",
  },
  lwt_seg6local: { id: 19, since: '4.18', context: '__sk_buff', doc: 'Is an action of IPv6 segment routing.' },
  lirc_mode2: { id: 20, since: '4.18', context: '', doc: 'Decodes pulses of remote controls.' },
  sk_reuseport: { id: 21, since: '4.19', context: 'sk_reuseport_md', doc: 'Chooses among sockets that share a port.' },
  flow_dissector: { id: 22, since: '4.20', context: '__sk_buff', doc: 'Takes packets apart for the flow hash.' },
  cgroup_sysctl: { id: 23, since: '5.2', context: 'bpf_sysctl', doc: 'Allows, forbids or changes access to sysctls.' },
  raw_tracepoint_writable: {
    id: 24,
    since: '5.2',
    context: 'bpf_raw_tracepoint_args',
    doc: 'Runs at a tracepoint whose buffer it may write.',
  },
  cgroup_sockopt: { id: 25, since: '5.3', context: 'bpf_sockopt', doc: 'Sees and changes getsockopt and setsockopt.' },
  tracing: {
    id: 26,
    since: '5.5',
    context: '',
    doc: 'Runs at entry or exit of kernel functions, at typed tracepoints, or as an iterator.',
  },
  struct_ops: { id: 27, since: '5.6', context: '', doc: 'Implements a member of a kernel structure of functions.' },
  ext: { id: 28, since: '5.6', context: '', doc: 'Replaces a function of another program.' },
  lsm: { id: 29, since: '5.7', context: '', doc: 'Runs at a security hook.' },
  sk_lookup: {
    id: 30,
    since: '5.9',
    context: 'bpf_sk_lookup',
    doc: 'Chooses the socket of an incoming connection or packet.',
  },
  syscall: { id: 31, since: '5.14', context: '', doc: 'Runs once, on request, and may call bpf(2).' },
  netfilter: { id: 32, since: '6.4', context: 'bpf_nf_ctx', doc: 'Sees packets at a netfilter hook.' },
} as const satisfies Record<string, ProgTypeRow>;

export type ProgTypeName = keyof typeof PROG_TYPES;

/** Name of a number, or undefined for what is no program type of the reference kernel. */
export function progTypeName(id: number): ProgTypeName | undefined {
  return NAMES[id];
}

const NAMES: readonly (ProgTypeName | undefined)[] = byId();

function byId(): ProgTypeName[] {
  const names: ProgTypeName[] = [];
  for (const [name, row] of Object.entries(PROG_TYPES)) names[row.id] = name as ProgTypeName;
  return names;
}
