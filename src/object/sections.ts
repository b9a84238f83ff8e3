/**
 * What the name of a section says about its programs: SEC("xdp"), SEC("kprobe/do_exit"), SEC("?cgroup/connect4").
 * One row per name, as libbpf 1.8 knows them. A long, dull table on purpose.
 */
import * as C from '../uapi/generated/constants.ts';

/** Whether `/…` may follow the row's name. */
type Tail = 'none' | 'optional';

interface Row {
  readonly name: string;
  readonly tail: Tail;
  readonly type: number;
  readonly attachType: number;
  readonly flags: number;
}

export interface SectionMeaning {
  readonly type: number;
  readonly attachType: number;
  readonly flags: number;
  /** What follows the first slash, '' if nothing. */
  readonly attachTo: string;
  readonly optional: boolean;
}

/** BPF_F_SLEEPABLE: the program may sleep (`.s`). */
const SLEEPABLE = 0x10;
/** BPF_F_XDP_HAS_FRAGS: the program takes packets in several pieces. */
const FRAGS = 0x20;

function row(name: string, tail: Tail, type: number, attachType = 0, flags = 0): Row {
  return { name, tail, type, attachType, flags };
}

const KPROBE = C.BPF_PROG_TYPE_KPROBE;
const CLS = C.BPF_PROG_TYPE_SCHED_CLS;
const TRACING = C.BPF_PROG_TYPE_TRACING;
const XDP = C.BPF_PROG_TYPE_XDP;
const LSM = C.BPF_PROG_TYPE_LSM;
const SKB = C.BPF_PROG_TYPE_CGROUP_SKB;
const ADDR = C.BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
const SOCK = C.BPF_PROG_TYPE_CGROUP_SOCK;

const ROWS: readonly Row[] = [
  row('socket', 'none', C.BPF_PROG_TYPE_SOCKET_FILTER),
  row('sk_reuseport/migrate', 'none', C.BPF_PROG_TYPE_SK_REUSEPORT, C.BPF_SK_REUSEPORT_SELECT_OR_MIGRATE),
  row('sk_reuseport', 'none', C.BPF_PROG_TYPE_SK_REUSEPORT, C.BPF_SK_REUSEPORT_SELECT),
  row('kprobe', 'optional', KPROBE),
  row('uprobe', 'optional', KPROBE),
  row('uprobe.s', 'optional', KPROBE, 0, SLEEPABLE),
  row('kretprobe', 'optional', KPROBE),
  row('uretprobe', 'optional', KPROBE),
  row('uretprobe.s', 'optional', KPROBE, 0, SLEEPABLE),
  row('kprobe.multi', 'optional', KPROBE, C.BPF_TRACE_KPROBE_MULTI),
  row('kretprobe.multi', 'optional', KPROBE, C.BPF_TRACE_KPROBE_MULTI),
  row('kprobe.session', 'optional', KPROBE, C.BPF_TRACE_KPROBE_SESSION),
  row('uprobe.multi', 'optional', KPROBE, C.BPF_TRACE_UPROBE_MULTI),
  row('uretprobe.multi', 'optional', KPROBE, C.BPF_TRACE_UPROBE_MULTI),
  row('uprobe.session', 'optional', KPROBE, C.BPF_TRACE_UPROBE_SESSION),
  row('uprobe.multi.s', 'optional', KPROBE, C.BPF_TRACE_UPROBE_MULTI, SLEEPABLE),
  row('uretprobe.multi.s', 'optional', KPROBE, C.BPF_TRACE_UPROBE_MULTI, SLEEPABLE),
  row('uprobe.session.s', 'optional', KPROBE, C.BPF_TRACE_UPROBE_SESSION, SLEEPABLE),
  row('ksyscall', 'optional', KPROBE),
  row('kretsyscall', 'optional', KPROBE),
  row('usdt', 'optional', KPROBE),
  row('usdt.s', 'optional', KPROBE, 0, SLEEPABLE),
  row('tc/ingress', 'none', CLS, C.BPF_TCX_INGRESS),
  row('tc/egress', 'none', CLS, C.BPF_TCX_EGRESS),
  row('tcx/ingress', 'none', CLS, C.BPF_TCX_INGRESS),
  row('tcx/egress', 'none', CLS, C.BPF_TCX_EGRESS),
  row('tc', 'none', CLS),
  row('classifier', 'none', CLS),
  row('action', 'none', C.BPF_PROG_TYPE_SCHED_ACT),
  row('netkit/primary', 'none', CLS, C.BPF_NETKIT_PRIMARY),
  row('netkit/peer', 'none', CLS, C.BPF_NETKIT_PEER),
  row('tracepoint', 'optional', C.BPF_PROG_TYPE_TRACEPOINT),
  row('tp', 'optional', C.BPF_PROG_TYPE_TRACEPOINT),
  row('raw_tracepoint', 'optional', C.BPF_PROG_TYPE_RAW_TRACEPOINT),
  row('raw_tp', 'optional', C.BPF_PROG_TYPE_RAW_TRACEPOINT),
  row('raw_tracepoint.w', 'optional', C.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE),
  row('raw_tp.w', 'optional', C.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE),
  row('tp_btf', 'optional', TRACING, C.BPF_TRACE_RAW_TP),
  row('fentry', 'optional', TRACING, C.BPF_TRACE_FENTRY),
  row('fmod_ret', 'optional', TRACING, C.BPF_MODIFY_RETURN),
  row('fexit', 'optional', TRACING, C.BPF_TRACE_FEXIT),
  row('fentry.s', 'optional', TRACING, C.BPF_TRACE_FENTRY, SLEEPABLE),
  row('fmod_ret.s', 'optional', TRACING, C.BPF_MODIFY_RETURN, SLEEPABLE),
  row('fexit.s', 'optional', TRACING, C.BPF_TRACE_FEXIT, SLEEPABLE),
  row('freplace', 'optional', C.BPF_PROG_TYPE_EXT),
  row('lsm', 'optional', LSM, C.BPF_LSM_MAC),
  row('lsm.s', 'optional', LSM, C.BPF_LSM_MAC, SLEEPABLE),
  row('lsm_cgroup', 'optional', LSM, C.BPF_LSM_CGROUP),
  row('iter', 'optional', TRACING, C.BPF_TRACE_ITER),
  row('iter.s', 'optional', TRACING, C.BPF_TRACE_ITER, SLEEPABLE),
  row('syscall', 'none', C.BPF_PROG_TYPE_SYSCALL, 0, SLEEPABLE),
  row('xdp.frags/devmap', 'none', XDP, C.BPF_XDP_DEVMAP, FRAGS),
  row('xdp/devmap', 'none', XDP, C.BPF_XDP_DEVMAP),
  row('xdp.frags/cpumap', 'none', XDP, C.BPF_XDP_CPUMAP, FRAGS),
  row('xdp/cpumap', 'none', XDP, C.BPF_XDP_CPUMAP),
  row('xdp.frags', 'none', XDP, C.BPF_XDP, FRAGS),
  row('xdp', 'none', XDP, C.BPF_XDP),
  row('perf_event', 'none', C.BPF_PROG_TYPE_PERF_EVENT),
  row('lwt_in', 'none', C.BPF_PROG_TYPE_LWT_IN),
  row('lwt_out', 'none', C.BPF_PROG_TYPE_LWT_OUT),
  row('lwt_xmit', 'none', C.BPF_PROG_TYPE_LWT_XMIT),
  row('lwt_seg6local', 'none', C.BPF_PROG_TYPE_LWT_SEG6LOCAL),
  row('sockops', 'none', C.BPF_PROG_TYPE_SOCK_OPS, C.BPF_CGROUP_SOCK_OPS),
  row('sk_skb/stream_parser', 'none', C.BPF_PROG_TYPE_SK_SKB, C.BPF_SK_SKB_STREAM_PARSER),
  row('sk_skb/stream_verdict', 'none', C.BPF_PROG_TYPE_SK_SKB, C.BPF_SK_SKB_STREAM_VERDICT),
  row('sk_skb/verdict', 'none', C.BPF_PROG_TYPE_SK_SKB, C.BPF_SK_SKB_VERDICT),
  row('sk_skb', 'none', C.BPF_PROG_TYPE_SK_SKB),
  row('sk_msg', 'none', C.BPF_PROG_TYPE_SK_MSG, C.BPF_SK_MSG_VERDICT),
  row('lirc_mode2', 'none', C.BPF_PROG_TYPE_LIRC_MODE2, C.BPF_LIRC_MODE2),
  row('flow_dissector', 'none', C.BPF_PROG_TYPE_FLOW_DISSECTOR, C.BPF_FLOW_DISSECTOR),
  row('cgroup_skb/ingress', 'none', SKB, C.BPF_CGROUP_INET_INGRESS),
  row('cgroup_skb/egress', 'none', SKB, C.BPF_CGROUP_INET_EGRESS),
  row('cgroup/skb', 'none', SKB),
  row('cgroup/sock_create', 'none', SOCK, C.BPF_CGROUP_INET_SOCK_CREATE),
  row('cgroup/sock_release', 'none', SOCK, C.BPF_CGROUP_INET_SOCK_RELEASE),
  row('cgroup/sock', 'none', SOCK, C.BPF_CGROUP_INET_SOCK_CREATE),
  row('cgroup/post_bind4', 'none', SOCK, C.BPF_CGROUP_INET4_POST_BIND),
  row('cgroup/post_bind6', 'none', SOCK, C.BPF_CGROUP_INET6_POST_BIND),
  row('cgroup/bind4', 'none', ADDR, C.BPF_CGROUP_INET4_BIND),
  row('cgroup/bind6', 'none', ADDR, C.BPF_CGROUP_INET6_BIND),
  row('cgroup/connect4', 'none', ADDR, C.BPF_CGROUP_INET4_CONNECT),
  row('cgroup/connect6', 'none', ADDR, C.BPF_CGROUP_INET6_CONNECT),
  row('cgroup/connect_unix', 'none', ADDR, C.BPF_CGROUP_UNIX_CONNECT),
  row('cgroup/sendmsg4', 'none', ADDR, C.BPF_CGROUP_UDP4_SENDMSG),
  row('cgroup/sendmsg6', 'none', ADDR, C.BPF_CGROUP_UDP6_SENDMSG),
  row('cgroup/sendmsg_unix', 'none', ADDR, C.BPF_CGROUP_UNIX_SENDMSG),
  row('cgroup/recvmsg4', 'none', ADDR, C.BPF_CGROUP_UDP4_RECVMSG),
  row('cgroup/recvmsg6', 'none', ADDR, C.BPF_CGROUP_UDP6_RECVMSG),
  row('cgroup/recvmsg_unix', 'none', ADDR, C.BPF_CGROUP_UNIX_RECVMSG),
  row('cgroup/getpeername4', 'none', ADDR, C.BPF_CGROUP_INET4_GETPEERNAME),
  row('cgroup/getpeername6', 'none', ADDR, C.BPF_CGROUP_INET6_GETPEERNAME),
  row('cgroup/getpeername_unix', 'none', ADDR, C.BPF_CGROUP_UNIX_GETPEERNAME),
  row('cgroup/getsockname4', 'none', ADDR, C.BPF_CGROUP_INET4_GETSOCKNAME),
  row('cgroup/getsockname6', 'none', ADDR, C.BPF_CGROUP_INET6_GETSOCKNAME),
  row('cgroup/getsockname_unix', 'none', ADDR, C.BPF_CGROUP_UNIX_GETSOCKNAME),
  row('cgroup/sysctl', 'none', C.BPF_PROG_TYPE_CGROUP_SYSCTL, C.BPF_CGROUP_SYSCTL),
  row('cgroup/getsockopt', 'none', C.BPF_PROG_TYPE_CGROUP_SOCKOPT, C.BPF_CGROUP_GETSOCKOPT),
  row('cgroup/setsockopt', 'none', C.BPF_PROG_TYPE_CGROUP_SOCKOPT, C.BPF_CGROUP_SETSOCKOPT),
  row('cgroup/dev', 'none', C.BPF_PROG_TYPE_CGROUP_DEVICE, C.BPF_CGROUP_DEVICE),
  row('struct_ops', 'optional', C.BPF_PROG_TYPE_STRUCT_OPS),
  row('struct_ops.s', 'optional', C.BPF_PROG_TYPE_STRUCT_OPS, 0, SLEEPABLE),
  row('sk_lookup', 'none', C.BPF_PROG_TYPE_SK_LOOKUP, C.BPF_SK_LOOKUP),
  row('netfilter', 'none', C.BPF_PROG_TYPE_NETFILTER, C.BPF_NETFILTER),
];

const BY_NAME = new Map(ROWS.map((r) => [r.name, r]));

/** Every name that says something. */
export function sectionNames(): readonly string[] {
  return ROWS.map(({ name }) => name);
}

/** What SEC(`section`) means; type 0 where the name is not known. */
export function sectionMeaning(section: string): SectionMeaning {
  const optional = section.startsWith('?');
  const name = optional ? section.slice(1) : section;
  const slash = name.indexOf('/');
  const attachTo = slash < 0 ? '' : name.slice(slash + 1);
  const found = BY_NAME.get(name) ?? withTail(name, slash);
  return { type: found?.type ?? 0, attachType: found?.attachType ?? 0, flags: found?.flags ?? 0, attachTo, optional };
}

function withTail(name: string, slash: number): Row | undefined {
  if (slash < 0) return undefined;
  const found = BY_NAME.get(name.slice(0, slash));
  return found?.tail === 'optional' ? found : undefined;
}
