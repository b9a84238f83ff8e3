/**
 * What r1 points to at entry, by program type: which bytes may be read and written, in what sizes, and which fields are
 * pointers. One table per program type; long and dull on purpose.
 *
 * Linux: the is_valid_access() of each program type (net/core/filter.c, kernel/trace/bpf_trace.c, kernel/bpf/cgroup.c).
 */
import * as c from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import {
  FLOW_KEYS,
  MAYBE_NULL,
  PKT,
  PKT_END,
  PKT_META,
  SCALAR,
  SOCK_COMMON,
  SOCKET,
  TP_BUFFER,
} from '../state/types.ts';

/** What an access answers: the type of the loaded register; null where it is not allowed. */
type FieldType = number | null;

export interface ContextAccess {
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  readonly signExtend: boolean;
}

type Rule = (env: Env, a: ContextAccess) => FieldType;

const within = (off: number, from: number, to: number): boolean => off >= from && off < to;
/** A read of part of a field of `field` bytes. */
const narrow = (off: number, size: number, field: number): boolean =>
  (off & (field - 1)) + size <= field && (size & (size - 1)) === 0;
const wide = (off: number, size: number, from: number, to: number): boolean =>
  size === 8 && off >= from && off + 8 <= to && off % 8 === 0;
const when = (ok: boolean, type: number = SCALAR): FieldType => (ok ? type : null);

const SKB = {
  size: 192,
  mark: 8,
  queueMapping: 12,
  priority: 32,
  tcIndex: 44,
  cb: 48,
  cbEnd: 68,
  tcClassid: 72,
  data: 76,
  dataEnd: 80,
  family: 88,
  remoteIp4: 92,
  localPort: 136,
  localPortEnd: 140,
  dataMeta: 140,
  flowKeys: 144,
  tstamp: 152,
  wireLen: 160,
  sk: 168,
  tstampType: 180,
  hwtstamp: 184,
} as const;

const at = (off: number, field: number, size = 4): boolean => within(off, field, field + size);

/** What all users of __sk_buff agree on. */
function skb(a: ContextAccess, pointer: number): FieldType {
  const { off, size, write } = a;
  if (off < 0 || off >= SKB.size || off % size !== 0) return null;
  if (within(off, SKB.cb, SKB.cbEnd)) return when(off + size <= SKB.cbEnd);
  if (at(off, SKB.data) || at(off, SKB.dataEnd) || at(off, SKB.dataMeta)) {
    return when(!a.signExtend && size === 4, pointer);
  }
  if (within(off, SKB.remoteIp4, 132)) return when(size === 4);
  if (at(off, SKB.flowKeys, 8)) return null;
  if (at(off, SKB.tstamp, 8)) return when(size === 8);
  if (at(off, SKB.hwtstamp, 8)) return when(!write && size === 8);
  if (at(off, SKB.sk, 8)) return when(off === SKB.sk && !write && size === 8, SOCK_COMMON | MAYBE_NULL);
  if (within(off, SKB.tstampType, SKB.hwtstamp)) return null;
  return when(write ? size === 4 : narrow(off, size, 4));
}

const isCb = (off: number): boolean => within(off, SKB.cb, SKB.cbEnd);

function packetField(off: number, meta: boolean): number {
  if (off === SKB.data) return PKT;
  if (off === SKB.dataEnd) return PKT_END;
  return meta && off === SKB.dataMeta ? PKT_META : SCALAR;
}

const socketFilter: Rule = (_env, a) => {
  const { off } = a;
  for (const field of [SKB.tcClassid, SKB.data, SKB.dataMeta, SKB.dataEnd, SKB.wireLen])
    if (at(off, field)) return null;
  if (at(off, SKB.tstamp, 8) || at(off, SKB.hwtstamp, 8)) return null;
  if (within(off, SKB.family, SKB.localPortEnd)) return null;
  if (a.write && !isCb(off)) return null;
  return skb(a, SCALAR);
};

const cgroupSkb: Rule = (env, a) => {
  const { off } = a;
  if (at(off, SKB.tcClassid) || at(off, SKB.dataMeta) || at(off, SKB.wireLen)) return null;
  if ((at(off, SKB.data) || at(off, SKB.dataEnd)) && !env.caps.bpf) return null;
  if (a.write && !at(off, SKB.mark) && !at(off, SKB.priority) && !isCb(off)) {
    if (!at(off, SKB.tstamp, 8) || !env.caps.bpf) return null;
  }
  return skb(a, packetField(off, false));
};

const lwt: Rule = (_env, a) => {
  const { off } = a;
  if (at(off, SKB.tcClassid) || at(off, SKB.dataMeta) || at(off, SKB.wireLen)) return null;
  if (at(off, SKB.tstamp, 8) || at(off, SKB.hwtstamp, 8)) return null;
  if (within(off, SKB.family, SKB.localPortEnd)) return null;
  if (a.write && !at(off, SKB.mark) && !at(off, SKB.priority) && !isCb(off)) return null;
  return skb(a, packetField(off, false));
};

const tc: Rule = (_env, a) => {
  const { off } = a;
  if (a.write) {
    const fields: number[] = [SKB.mark, SKB.tcIndex, SKB.priority, SKB.tcClassid, SKB.queueMapping];
    if (!fields.some((f) => at(off, f)) && !isCb(off) && !at(off, SKB.tstamp, 8)) return null;
  }
  if (within(off, SKB.family, SKB.localPortEnd)) return null;
  if (off === SKB.tstampType) return when(a.size === 1);
  return skb(a, packetField(off, true));
};

const skSkb: Rule = (_env, a) => {
  const { off } = a;
  if (at(off, SKB.tcClassid) || at(off, SKB.dataMeta) || at(off, SKB.wireLen)) return null;
  if (at(off, SKB.tstamp, 8) || at(off, SKB.hwtstamp, 8)) return null;
  if (a.write && !at(off, SKB.tcIndex) && !at(off, SKB.priority)) return null;
  if (at(off, SKB.mark)) return null;
  return skb(a, packetField(off, false));
};

const flowDissector: Rule = (_env, a) => {
  const { off, size } = a;
  if (a.write) return null;
  if (off === SKB.data) return when(size === 4 && !a.signExtend, PKT);
  if (off === SKB.dataEnd) return when(size === 4 && !a.signExtend, PKT_END);
  if (off === SKB.flowKeys) return when(size === 8, FLOW_KEYS);
  return null;
};

const xdp: Rule = (env, a) => {
  const { off, size } = a;
  if (off === 20 && env.attachType !== c.BPF_XDP_DEVMAP) return null;
  if (a.write || off < 0 || off >= 24 || off % size !== 0 || size !== 4) return null;
  if (off <= 8 && a.signExtend) return null;
  return off === 0 ? PKT : off === 4 ? PKT_END : off === 8 ? PKT_META : SCALAR;
};

const kprobe: Rule = (_env, a) => when(!a.write && a.off >= 0 && a.off + a.size <= 168 && a.off % a.size === 0);

const tracepoint: Rule = (_env, a) => when(!a.write && a.off >= 8 && a.off < 8192 && a.off % a.size === 0);

const rawTracepoint: Rule = (_env, a) => when(!a.write && a.off >= 0 && a.off < 96 && a.off % a.size === 0);

const rawTracepointWritable: Rule = (env, a) => {
  if (a.off === 0) return when(a.size === 8 && !a.write, TP_BUFFER);
  return rawTracepoint(env, a);
};

const perfEvent: Rule = (_env, a) => {
  const { off, size } = a;
  if (a.write || off < 0 || off >= 184 || off % size !== 0) return null;
  if (off >= 168) return when(narrow(off, size, 8));
  return when(size === 8);
};

/** family, type, protocol, src_port, state, rx_queue_mapping */
const FIRST_BYTES_OF_SOCK: ReadonlySet<number> = new Set([4, 8, 12, 44, 72, 76]);

/** Fields of struct bpf_sock, also behind pointers to sockets. */
export function sockField(a: ContextAccess): boolean {
  const { off, size } = a;
  if (off < 0 || off >= 80 || off % size !== 0) return false;
  // dst_port: two bytes, then padding.
  if (within(off, 48, 50)) return narrow(off, size, size === 4 ? 4 : 2);
  if (within(off, 50, 52)) return false;
  // Of these the first bytes alone may be read, but not the others.
  if (FIRST_BYTES_OF_SOCK.has(off)) return narrow(off, size, 4);
  if (within(off, 24, 44) || within(off, 52, 72)) return narrow(off, size, 4);
  return size === 4;
}

const cgroupSock: Rule = (env, a) => {
  if (!sockField(a)) return null;
  const { off, write } = a;
  const attach = env.attachType;
  if (off === 0 || at(off, 16) || at(off, 20)) {
    return when(attach === c.BPF_CGROUP_INET_SOCK_CREATE || attach === c.BPF_CGROUP_INET_SOCK_RELEASE);
  }
  if (at(off, 24)) return when(attach === c.BPF_CGROUP_INET4_POST_BIND && !write);
  if (within(off, 28, 44)) return when(attach === c.BPF_CGROUP_INET6_POST_BIND && !write);
  if (at(off, 44)) {
    return when((attach === c.BPF_CGROUP_INET4_POST_BIND || attach === c.BPF_CGROUP_INET6_POST_BIND) && !write);
  }
  return when(!write);
};

const sockOps: Rule = (_env, a) => {
  const { off, size } = a;
  if (off < 0 || off >= 224 || off % size !== 0) return null;
  if (a.write) return when((off === 4 || off === 164) && size === 4);
  if (within(off, 168, 184)) return when(size === 8);
  if (at(off, 184, 8)) return when(size === 8, SOCKET | MAYBE_NULL);
  if (at(off, 192, 8)) return when(size === 8, PKT);
  if (at(off, 200, 8)) return when(size === 8, PKT_END);
  if (off === 212) return when(narrow(off, size, 4));
  if (at(off, 216, 8)) return when(size === 8);
  return when(size === 4);
};

const cgroupDevice: Rule = (_env, a) => {
  const { off, size } = a;
  if (a.write || off < 0 || off + size > 12 || off % size !== 0) return null;
  return when(off < 4 ? narrow(off, size, 4) : size === 4);
};

const skMsg: Rule = (_env, a) => {
  const { off, size } = a;
  if (a.write || off % size !== 0) return null;
  if (off === 0) return when(size === 8, PKT);
  if (off === 8) return when(size === 8, PKT_END);
  if (off === 72) return when(size === 8, SOCKET);
  return when(within(off, 16, 72) && size === 4);
};

const V4 = [
  c.BPF_CGROUP_INET4_BIND,
  c.BPF_CGROUP_INET4_CONNECT,
  c.BPF_CGROUP_INET4_GETPEERNAME,
  c.BPF_CGROUP_INET4_GETSOCKNAME,
  c.BPF_CGROUP_UDP4_SENDMSG,
  c.BPF_CGROUP_UDP4_RECVMSG,
];
const V6 = [
  c.BPF_CGROUP_INET6_BIND,
  c.BPF_CGROUP_INET6_CONNECT,
  c.BPF_CGROUP_INET6_GETPEERNAME,
  c.BPF_CGROUP_INET6_GETSOCKNAME,
  c.BPF_CGROUP_UDP6_SENDMSG,
  c.BPF_CGROUP_UDP6_RECVMSG,
];

const cgroupSockAddr: Rule = (env, a) => {
  const { off, size, write } = a;
  const attach = env.attachType;
  if (off < 0 || off >= 72 || off % size !== 0) return null;
  if (at(off, 4) && !V4.includes(attach)) return null;
  if (within(off, 8, 24) && !V6.includes(attach)) return null;
  if (at(off, 40) && attach !== c.BPF_CGROUP_UDP4_SENDMSG) return null;
  if (within(off, 44, 60) && attach !== c.BPF_CGROUP_UDP6_SENDMSG) return null;
  if (within(off, 4, 28) || within(off, 40, 60)) {
    if (wide(off, size, 8, 24) || wide(off, size, 44, 60)) return SCALAR;
    return when(write ? size === 4 : narrow(off, size, 4));
  }
  if (off === 64) return when(!write && size === 8, SOCKET);
  if (off === 0 || off === 28 || off === 32 || off === 36) return when(!write && size === 4);
  return null;
};

const skLookup: Rule = (_env, a) => {
  const { off, size } = a;
  if (off < 0 || off >= 72 || off % size !== 0 || a.write) return null;
  if (off === 0) return when(size === 8, SOCKET | MAYBE_NULL);
  if (within(off, 36, 38)) return when(narrow(off, size, size === 4 ? 4 : 2));
  if (within(off, 38, 40)) return when(narrow(off, size, 2));
  return when(within(off, 8, 68) && narrow(off, size, 4));
};

const skReuseport: Rule = (_env, a) => {
  const { off, size } = a;
  if (off < 0 || off >= 56 || off % size !== 0 || a.write) return null;
  if (off === 0) return when(size === 8, PKT);
  if (off === 8) return when(size === 8, PKT_END);
  if (off === 32) return when(size === 4);
  if (off === 40) return when(size === 8, SOCKET);
  if (off === 48) return when(size === 8, SOCK_COMMON | MAYBE_NULL);
  if (at(off, 20) && size < 2) return null;
  return when(within(off, 16, 32) && narrow(off, size, 4));
};

const cgroupSysctl: Rule = (_env, a) => {
  const { off, size, write } = a;
  if (off < 0 || off + size > 8 || off % size !== 0) return null;
  if (off < 4) return when(!write && narrow(off, size, 4));
  return when(write ? size === 4 : narrow(off, size, 4));
};

const cgroupSockopt: Rule = (env, a) => {
  const { off, size } = a;
  const isGet = env.attachType === c.BPF_CGROUP_GETSOCKOPT;
  if (off < 0 || off >= 40 || off % size !== 0) return null;
  if (a.write) {
    if (off === 36) return when(size === 4 && isGet);
    if (off === 24 || off === 28) return when(size === 4 && !isGet);
    return when(off === 32 && size === 4);
  }
  if (at(off, 0, 8)) return when(size === 8, SOCKET);
  if (at(off, 8, 8)) return when(size === 8, PKT);
  if (at(off, 16, 8)) return when(size === 8, PKT_END);
  if (off === 36) return when(size === 4 && isGet);
  return when(size === 4);
};

const syscall: Rule = (_env, a) => when(a.off >= 0 && a.off < 0xffff && a.off % a.size === 0);

const lircMode2: Rule = (_env, a) => when(!a.write && a.off === 0 && a.size === 4);

const RULES: Record<number, Rule> = {
  [c.BPF_PROG_TYPE_SOCKET_FILTER]: socketFilter,
  [c.BPF_PROG_TYPE_KPROBE]: kprobe,
  [c.BPF_PROG_TYPE_SCHED_CLS]: tc,
  [c.BPF_PROG_TYPE_SCHED_ACT]: tc,
  [c.BPF_PROG_TYPE_TRACEPOINT]: tracepoint,
  [c.BPF_PROG_TYPE_XDP]: xdp,
  [c.BPF_PROG_TYPE_PERF_EVENT]: perfEvent,
  [c.BPF_PROG_TYPE_CGROUP_SKB]: cgroupSkb,
  [c.BPF_PROG_TYPE_CGROUP_SOCK]: cgroupSock,
  [c.BPF_PROG_TYPE_LWT_IN]: lwt,
  [c.BPF_PROG_TYPE_LWT_OUT]: lwt,
  [c.BPF_PROG_TYPE_LWT_XMIT]: lwt,
  [c.BPF_PROG_TYPE_LWT_SEG6LOCAL]: lwt,
  [c.BPF_PROG_TYPE_SOCK_OPS]: sockOps,
  [c.BPF_PROG_TYPE_SK_SKB]: skSkb,
  [c.BPF_PROG_TYPE_CGROUP_DEVICE]: cgroupDevice,
  [c.BPF_PROG_TYPE_SK_MSG]: skMsg,
  [c.BPF_PROG_TYPE_RAW_TRACEPOINT]: rawTracepoint,
  [c.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE]: rawTracepointWritable,
  [c.BPF_PROG_TYPE_CGROUP_SOCK_ADDR]: cgroupSockAddr,
  [c.BPF_PROG_TYPE_LIRC_MODE2]: lircMode2,
  [c.BPF_PROG_TYPE_SK_REUSEPORT]: skReuseport,
  [c.BPF_PROG_TYPE_FLOW_DISSECTOR]: flowDissector,
  [c.BPF_PROG_TYPE_CGROUP_SYSCTL]: cgroupSysctl,
  [c.BPF_PROG_TYPE_CGROUP_SOCKOPT]: cgroupSockopt,
  [c.BPF_PROG_TYPE_SK_LOOKUP]: skLookup,
  [c.BPF_PROG_TYPE_SYSCALL]: syscall,
};

/** The rule of the program type, or undefined where the context is a function's arguments. */
export const contextRule = (progType: number): Rule | undefined => RULES[progType];
