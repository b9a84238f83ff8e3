/**
 * Why this process may not: which capability it lacks, or which sysctl is in the way (capabilities(7), bpf(2)).
 */
import { readFileSync } from 'node:fs';
import type { Attr, CommandName } from '../uapi/commands.ts';
import * as C from '../uapi/generated/constants.ts';

/** Bits of CapEff in /proc/self/status. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
type Capability = keyof typeof CAPABILITIES;

const TRACING_PROGS: ReadonlySet<number> = new Set([
  C.BPF_PROG_TYPE_KPROBE,
  C.BPF_PROG_TYPE_TRACEPOINT,
  C.BPF_PROG_TYPE_PERF_EVENT,
  C.BPF_PROG_TYPE_RAW_TRACEPOINT,
  C.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  C.BPF_PROG_TYPE_TRACING,
  C.BPF_PROG_TYPE_LSM,
  C.BPF_PROG_TYPE_STRUCT_OPS,
  C.BPF_PROG_TYPE_EXT,
]);
/** Program types that CAP_BPF alone loads; the rest that is not tracing is networking. */
const PLAIN_PROGS: ReadonlySet<number> = new Set([
  C.BPF_PROG_TYPE_SOCKET_FILTER,
  C.BPF_PROG_TYPE_SK_REUSEPORT,
  C.BPF_PROG_TYPE_CGROUP_SKB,
  C.BPF_PROG_TYPE_SYSCALL,
]);
const NETWORK_MAPS: ReadonlySet<number> = new Set([
  C.BPF_MAP_TYPE_SOCKMAP,
  C.BPF_MAP_TYPE_SOCKHASH,
  C.BPF_MAP_TYPE_DEVMAP,
  C.BPF_MAP_TYPE_DEVMAP_HASH,
  C.BPF_MAP_TYPE_XSKMAP,
]);
const ATTACHING_NETWORK: ReadonlySet<CommandName> = new Set(['PROG_ATTACH', 'PROG_DETACH', 'PROG_QUERY']);
const BY_ID = /_GET_(NEXT_ID|FD_BY_ID)$/;

/** What the command takes of a process that is not root. */
function needed(command: CommandName, attr: Attr<CommandName>): Capability[] {
  if (BY_ID.test(command) || command === 'TASK_FD_QUERY' || command === 'ENABLE_STATS') return ['CAP_SYS_ADMIN'];
  if (ATTACHING_NETWORK.has(command)) return ['CAP_NET_ADMIN'];
  if (command === 'RAW_TRACEPOINT_OPEN') return ['CAP_PERFMON'];
  if (command === 'LINK_CREATE') return ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN'];
  if (command === 'MAP_CREATE') {
    const { map_type = 0 } = attr as Attr<'MAP_CREATE'>;
    return NETWORK_MAPS.has(map_type) ? ['CAP_BPF', 'CAP_NET_ADMIN'] : ['CAP_BPF'];
  }
  if (command === 'PROG_LOAD') {
    const { prog_type = 0 } = attr as Attr<'PROG_LOAD'>;
    if (PLAIN_PROGS.has(prog_type)) return ['CAP_BPF'];
    return ['CAP_BPF', TRACING_PROGS.has(prog_type) ? 'CAP_PERFMON' : 'CAP_NET_ADMIN'];
  }
  return ['CAP_BPF'];
}

const KEPT = 'the map is frozen, or this descriptor of it may not do that';
/** What EPERM of a command means for who has the capabilities. */
const OTHERWISE: Partial<Readonly<Record<CommandName, string>>> = {
  MAP_LOOKUP_ELEM: KEPT,
  MAP_LOOKUP_AND_DELETE_ELEM: KEPT,
  MAP_UPDATE_ELEM: KEPT,
  MAP_DELETE_ELEM: KEPT,
  MAP_LOOKUP_BATCH: KEPT,
  MAP_LOOKUP_AND_DELETE_BATCH: KEPT,
  MAP_UPDATE_BATCH: KEPT,
  MAP_DELETE_BATCH: KEPT,
  MAP_FREEZE: KEPT,
  PROG_ATTACH:
    'a cgroup above has a program and does not let others be added (BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI)',
  LINK_UPDATE: 'the link holds another program than the expected one',
  TOKEN_CREATE: 'the bpf file system delegates nothing (mount options delegate_cmds and others)',
};

/** A sentence for a command that answered EPERM. */
export function whyForbidden(command: CommandName, attr: Attr<CommandName>): string {
  const held = capabilities();
  // Before Linux 5.8 CAP_SYS_ADMIN stood for all of them.
  const hasOwn = Number(read('/proc/sys/kernel/cap_last_cap')) >= CAPABILITIES.CAP_BPF;
  const wanted: Capability[] = hasOwn ? needed(command, attr) : ['CAP_SYS_ADMIN'];
  const lacking = wanted.filter((name) => !held.has(name));
  if (lacking.length > 0 && !held.has('CAP_SYS_ADMIN')) {
    const who = process.getuid?.() === 0 ? 'root here' : `user ${process.getuid?.()}`;
    return `${who} has no ${list(lacking)}${sysctl()}; run as root or give it ${lacking.length > 1 ? 'them' : 'it'}`;
  }
  return (
    OTHERWISE[command] ??
    'this process has the capabilities; kernel lockdown, a security module or a seccomp filter is in the way'
  );
}

function list(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** kernel.unprivileged_bpf_disabled: 0 lets everybody load socket filters; 1 and 2 nobody without CAP_BPF. */
function sysctl(): string {
  const value = read('/proc/sys/kernel/unprivileged_bpf_disabled').trim();
  return value === '1' || value === '2' ? `, and sysctl kernel.unprivileged_bpf_disabled is ${value}` : '';
}

function capabilities(): Set<Capability> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status'))?.[1] ?? '0'}`);
  const names = Object.entries(CAPABILITIES) as [Capability, number][];
  return new Set(names.filter(([, bit]) => (mask >> BigInt(bit)) & 1n).map(([name]) => name));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
