/**
 * Capabilities that bpf(2) asks for, and what asks for them. capabilities(7), since Linux 5.8; before, CAP_SYS_ADMIN stood
 * for all of them, and it still includes CAP_BPF and CAP_PERFMON.
 */
import type { Attr, CommandName } from './commands.ts';
import * as C from './generated/constants.ts';

/** Name -> its bit in the sets of /proc/PID/status. */
export const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
export type Capability = keyof typeof CAPABILITIES;

export const ALL_CAPABILITIES: ReadonlySet<Capability> = new Set(Object.keys(CAPABILITIES) as Capability[]);

/** Whether who holds `held` may do what takes `wanted`. */
export function hasCapability(held: ReadonlySet<Capability>, wanted: Capability): boolean {
  return held.has(wanted) || (wanted !== 'CAP_SYS_ADMIN' && held.has('CAP_SYS_ADMIN'));
}

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

/** What a command takes, besides what its arguments name (a token, a descriptor). */
export function neededCapabilities(command: CommandName, attr: Attr<CommandName>): Capability[] {
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
  return command === 'BTF_LOAD' ? ['CAP_BPF'] : [];
}
