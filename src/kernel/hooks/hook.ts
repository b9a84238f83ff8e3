/**
 * Hooks: the places of the embedded kernel where programs attach and which somebody outside fires.
 *
 * A source (a traced process tree, a packet capture) or an application asks for a hook by name, looks at `attached`
 * to save itself the work, and fires it. Firing is synchronous: when it returns, every attached program has run.
 * A hook object lives as long as its kernel; ask once and keep it.
 */
import type { AttachTypeName } from '../../uapi/attach-types.ts';
import type { WorldTask } from '../world/task.ts';

export interface Hook {
  readonly kind: HookKind;
  /** `syscalls:sys_enter_openat`, `do_sys_openat2`, `eth0`: unique within its kind. */
  readonly name: string;
  /** Whether any program would run now. */
  readonly attached: boolean;
}

export type HookKind =
  | 'tracepoint'
  | 'kprobe'
  | 'kretprobe'
  | 'raw_tracepoint'
  | 'perf_event'
  | 'xdp'
  | 'tcx'
  | 'socket_filter'
  | 'cgroup_skb'
  | 'cgroup';

/** A field of a tracepoint record, as tracefs `format` files describe it. Offsets and sizes are bytes. */
export interface TracepointField {
  /** The C declaration without its name: `const char *`, `char[16]`, `__data_loc char[]`. */
  readonly type: string;
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
}

/** What a field of a record is given as. Text goes to `char[N]` and `__data_loc char[]` fields. */
export type FieldValue = number | bigint | boolean | string;

export interface TracepointHook extends Hook {
  readonly kind: 'tracepoint';
  readonly category: string;
  /** The tracefs id: `config` of perf_event_open, `common_type` of a record. */
  readonly id: number;
  /** All fields, the four `common_*` ones first. */
  readonly fields: readonly TracepointField[];
  /**
   * Runs the attached programs with a record in the kernel's layout. The kernel fills in the first 8 bytes
   * (`common_*`). Given as values by field name, the record is encoded here; fields left out are zero.
   */
  fire(task: WorldTask, record: Uint8Array | Readonly<Record<string, FieldValue>>): void;
}

/** x86-64 registers at the probe, struct pt_regs; what is left out is 0. Arguments: di, si, dx, cx, r8, r9. */
export interface PtRegs {
  r15?: bigint;
  r14?: bigint;
  r13?: bigint;
  r12?: bigint;
  bp?: bigint;
  bx?: bigint;
  r11?: bigint;
  r10?: bigint;
  r9?: bigint;
  r8?: bigint;
  /** The return value, in a kretprobe. */
  ax?: bigint;
  cx?: bigint;
  dx?: bigint;
  si?: bigint;
  di?: bigint;
  orig_ax?: bigint;
  /** Left out: the address of the probed function. */
  ip?: bigint;
  cs?: bigint;
  flags?: bigint;
  sp?: bigint;
  ss?: bigint;
}

/**
 * A value that lives in kernel memory while a hook runs: what an argument points to. A function that gets a pointer to
 * `struct pt_regs`, `struct open_how` or a kernel string is given one of these instead of a number.
 */
export type KernelArg = bigint | { regs: PtRegs } | { bytes: Uint8Array };

export interface KprobeHook extends Hook {
  readonly kind: 'kprobe' | 'kretprobe';
  /** The function's address in the embedded kernel's symbol table, never 0. */
  readonly address: bigint;
  /**
   * Runs the attached programs with these registers. `args` puts up to six arguments into the argument registers,
   * those that point to kernel memory with their bytes.
   */
  fire(task: WorldTask, regs: PtRegs, args?: readonly KernelArg[]): void;
}

export interface RawTracepointHook extends Hook {
  readonly kind: 'raw_tracepoint';
  /** Runs the attached programs with `bpf_raw_tracepoint_args`: at most 12 arguments. */
  fire(task: WorldTask, args: readonly KernelArg[]): void;
}

export interface PerfEventHook extends Hook {
  readonly kind: 'perf_event';
  readonly type: number;
  readonly config: bigint;
  /** Nanoseconds between two samples, where the event is clocked; undefined where it counts something else. */
  readonly periodNs: number | undefined;
  /** -1: every task, every CPU. */
  readonly pid: number;
  readonly cpu: number;
  /** Takes one sample of `task`: runs the attached programs with `bpf_perf_event_data`. */
  fire(task: WorldTask, regs: PtRegs): void;
}

export interface PacketVerdict {
  /** What the last program answered (XDP_*, TC_ACT_* or TCX_*, 0/1); the type's "pass" where none is attached. */
  verdict: number;
  /** The packet as the programs left it. */
  packet: Uint8Array;
  /** XDP metadata in front of the packet (bpf_xdp_adjust_meta). */
  metadata: Uint8Array;
  /** skb->mark, priority, tc_classid and cb as left behind; zero for XDP. */
  mark: number;
  priority: number;
}

export interface PacketMeta {
  /** The packet's EtherType is read from its Ethernet header where this is left out. Host byte order. */
  protocol?: number;
  /** Arrival time in ns, for skb->tstamp. */
  timestamp?: bigint;
  rxQueueIndex?: number;
  mark?: number;
  priority?: number;
  /** In whose context it runs; default swapper. */
  task?: WorldTask;
}

export interface PacketHook extends Hook {
  readonly kind: 'xdp' | 'tcx' | 'cgroup_skb';
  run(packet: Uint8Array, meta?: PacketMeta): PacketVerdict;
}

/** What the programs of a cgroup said. */
export interface CgroupVerdict {
  /** 0: it may happen. Negative: what the process is answered, -EPERM where no program said otherwise. */
  retval: number;
  /** The context as they left it: an address that they changed, for one. */
  context: Uint8Array;
}

export interface CgroupHook extends Hook {
  readonly kind: 'cgroup';
  /** BPF_CGROUP_* */
  readonly attachType: number;
  /** Runs the programs on a context: the bytes of what their type has (`struct bpf_sock_addr`, `bpf_sysctl` …). */
  run(context: Uint8Array, task?: WorldTask): CgroupVerdict;
}

export interface SocketFilterHook extends Hook {
  readonly kind: 'socket_filter';
  /** How many bytes of the packet the filter keeps: 0 drops it. The whole length where nothing is attached. */
  run(packet: Uint8Array, meta?: PacketMeta): number;
}

export interface Hooks {
  /** Undefined where the embedded kernel has no such tracepoint. */
  tracepoint(category: string, name: string): TracepointHook | undefined;
  /** The same by the tracefs id. */
  tracepointById(id: number): TracepointHook | undefined;
  /** The entry of a kernel function, whatever its name. */
  kprobe(symbol: string): KprobeHook;
  /** Its return. */
  kretprobe(symbol: string): KprobeHook;
  /** `sys_enter`, `sys_exit`, `sched_process_exec` … Undefined where there is none. */
  rawTracepoint(name: string): RawTracepointHook | undefined;
  /** Packets that come in at a device. */
  xdp(ifindex: number): PacketHook;
  /** Packets of a device in traffic control. */
  tcx(ifindex: number, direction: 'ingress' | 'egress'): PacketHook;
  /** Packets of the sockets of a cgroup. */
  cgroupSkb(cgroupId: bigint, direction: 'ingress' | 'egress'): PacketHook;
  /** What else processes of a cgroup do: `cgroup_inet4_connect`, `cgroup_device` … EINVAL for what is no such place. */
  cgroup(cgroupId: bigint, place: AttachTypeName): CgroupHook;
  /** The filter of one socket of the world: a name that the source chooses. */
  socketFilter(socket: string): SocketFilterHook;
  /** Sampling events that programs are attached to. Who can sample (a timer, a profiler) fires them. */
  perfEvents(): readonly PerfEventHook[];
  /** Every hook that has a program attached. */
  attached(): readonly Hook[];
  /** Calls back after programs were attached or detached somewhere; answers how to stop. */
  onChange(callback: (hook: Hook) => void): () => void;
}
