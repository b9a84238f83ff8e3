/**
 * The narrow waist: what a kernel offers to eBPF.
 *
 * bpf(2) as one typed call, and the few things beside it that attaching and reading need. `kernel/` answers in
 * process, `linux/` with the machine's kernel, `remote/` over a socket. Everything above asks only this.
 *
 * Every method rejects with a typed error of base/errors.ts: `BpfError` (a kernel's errno), `VerifierError`
 * (BPF_PROG_LOAD refused, with the log), `UnsupportedError` (this kernel cannot do that at all).
 */
import type { Attr, CommandName, Result } from '../uapi/commands.ts';
import type { NetAttach, Sockets } from './net.ts';

/** A file descriptor, in the table of the client that holds the Kernel: >= 0. */
export type Fd = number;

export interface Kernel {
  /** Which of the three it is. */
  readonly kind: 'embedded' | 'linux' | 'remote';
  /** How many CPUs per-CPU maps have values for. */
  readonly possibleCpus: number;

  /**
   * bpf(2): one command. Fields and their meaning: uapi/commands.ts. Where a kernel writes something although it
   * refuses (a batch that reached the end, ENOSPC with the size it would take), `BpfError.answer` has it.
   */
  bpf<C extends CommandName>(command: C, attr: Attr<C>): Promise<Result<C>>;
  /** Commands about one element, answered at once. Absent where a kernel is further away than a system call. */
  readonly elements?: Elements;
  /** close(2). Closing what is not open is EBADF. */
  closeFd(fd: Fd): Promise<void>;
  /** The lines of /proc/PID/fdinfo/FD, name -> value: memlock, frozen, prog_jited, owner_prog_type… EBADF. */
  fdInfo(fd: Fd): Promise<Record<string, string>>;
  /** A descriptor of the cgroup (v2) directory at `path`, for PROG_ATTACH, LINK_CREATE, PROG_QUERY. ENOENT, ENOTDIR. */
  openCgroup(path: string): Promise<Fd>;
  /**
   * A descriptor of a network namespace, for LINK_CREATE and PROG_QUERY of sk_lookup and flow_dissector: the one at
   * `path` (/run/netns/NAME, /proc/PID/ns/net), or the client's own. ENOENT; EINVAL where the file is something else.
   */
  openNetns(path?: string): Promise<Fd>;

  /** perf_event_open(2), for the kinds of event that a program attaches to. Enabled with `perfEventAttach`. */
  perfEventOpen(event: PerfEventSpec): Promise<Fd>;
  /** ioctl PERF_EVENT_IOC_SET_BPF and PERF_EVENT_IOC_ENABLE: the way of attaching without a link. */
  perfEventAttach(eventFd: Fd, progFd: Fd): Promise<void>;

  /**
   * The bytes of an executable or a library, to find places for uprobes in: by its path, or by a name that is looked for
   * as a shell or the dynamic linker would. ENOENT, EACCES.
   */
  readBinary(name: string): Promise<{ path: string; bytes: Uint8Array }>;

  /** Records of a BPF_MAP_TYPE_RINGBUF map. One reader at a time: a second one is EBUSY. */
  openRingBuffer(mapFd: Fd): Promise<EventReader>;
  /** Records that programs put into a BPF_MAP_TYPE_PERF_EVENT_ARRAY map, of all CPUs. */
  openPerfBuffer(mapFd: Fd, options?: { pagesPerCpu?: number }): Promise<EventReader>;
  /** The producing end of a BPF_MAP_TYPE_USER_RINGBUF map, which programs drain. One writer at a time: EBUSY. */
  openUserRingBuffer(mapFd: Fd): Promise<EventWriter>;
  /** read(2) of an iterator (ITER_CREATE): what it prints next, `size` bytes at most; none at its end. */
  readIterator(iterFd: Fd, size?: number): Promise<Uint8Array>;
  /** The memory of a map, shared with programs: an array with BPF_F_MMAPABLE, an arena. EINVAL for any other. */
  mapMemory(mapFd: Fd): Promise<MapMemory>;
  /** Kernel functions that probes may be put on, where the kernel lists them; undefined where the list cannot be had. */
  traceableFunctions?(): Promise<readonly string[] | undefined>;
  /**
   * Lines of the trace pipe (bpf_trace_printk), each without its newline. A line goes to one reader only. `fromNow` drops
   * those that nobody has read so far.
   */
  openTracePipe(options?: { fromNow?: boolean }): Promise<LineReader>;

  /** Attaching network programs without links: XDP and tc over netlink. */
  readonly net: NetAttach;
  /** Attaching to sockets. */
  readonly sockets: Sockets;

  /** The bpf file system: where objects are pinned. */
  readonly bpffs: BpfFs;
  /** Who holds programs attached to perf events, for `perf show`. Sorted by pid, then fd. */
  perfHolders(): Promise<PerfHolder[]>;
  /** Interfaces that network programs attach to. */
  netDevices(): Promise<NetDevice[]>;
  /** Facts that `feature probe` reports under system configuration: name -> value, null where unknown. */
  systemConfig(): Promise<SystemConfig>;

  /** Gives back everything this client holds: descriptors, readers, the connection. The kernel itself may live on. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * One element of a map, without a promise and without an error for what is not there: for loops over a million of them.
 * Everything else is thrown as `bpf` would reject it.
 */
export interface Elements {
  /** The value (see userValueSize), or null where the key is not there. */
  lookup(mapFd: Fd, key: Uint8Array, valueSize: number): Uint8Array | null;
  /** `flags`: BPF_ANY, BPF_NOEXIST, BPF_EXIST. */
  update(mapFd: Fd, key: Uint8Array, value: Uint8Array, flags?: number): void;
  /** Whether there was such a key. */
  remove(mapFd: Fd, key: Uint8Array): boolean;
}

export type PerfEventSpec =
  | { kind: 'tracepoint'; category: string; name: string }
  | { kind: 'kprobe' | 'kretprobe'; symbol: string; offset?: number }
  | { kind: 'uprobe' | 'uretprobe'; path: string; offset: number; pid?: number; refCtrOffset?: number }
  /** A PERF_TYPE_SOFTWARE or PERF_TYPE_HARDWARE counter; `sampleFreq` or `samplePeriod` says when it fires. */
  | {
      kind: 'event';
      type: number;
      config: bigint;
      sampleFreq?: number;
      samplePeriod?: number;
      pid?: number;
      cpu?: number;
    };

/** A record that a program sent: its bytes, or the news that some were dropped. */
export type EventRecord = { data: Uint8Array; cpu: number } | { lost: number; cpu: number };

export interface EventReader {
  /**
   * The records that are there, at least one; waits for them. An empty list means that the reader was closed.
   * Not to be called again before its answer came.
   */
  read(): Promise<EventRecord[]>;
  close(): Promise<void>;
}

export interface EventWriter {
  /** The largest record that can ever be written. */
  readonly largest: number;
  /** Puts a record where the next drain finds it; false where there is no room now. E2BIG past `largest`. */
  tryWrite(record: Uint8Array): boolean;
  /** The same, waiting for room. Rejects with EBADF once the writer was closed. */
  write(record: Uint8Array): Promise<void>;
  /** Gives the ring back; records that were written stay. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The values of a mmap-able map as they lie in memory: what is written is there for programs at once. */
export interface MapMemory {
  /** Bytes. Values of an array lie `value_size` rounded up to 8 apart. */
  readonly size: number;
  /** Whether writes reach the map. Where not, as in a frozen map, `bytes` is a copy. */
  readonly writable: boolean;
  /**
   * The memory itself. Ask again after every await rather than keep it: a kernel's memory may move when it grows. What
   * was kept past `close` is no danger, but no longer the map's.
   */
  bytes(): Uint8Array;
  close(): Promise<void>;
}

export interface LineReader {
  /** The lines that are there, at least one; waits for them. An empty list means that the reader was closed. */
  read(): Promise<string[]>;
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface BpfFs {
  /** Where bpf file systems are mounted; the embedded kernel has one at /sys/fs/bpf. */
  mounts(): Promise<string[]>;
  /** ENOENT, ENOTDIR. Sorted by name. */
  list(path: string): Promise<BpfFsEntry[]>;
  /** Makes a directory; its parent must exist. EEXIST, ENOENT. */
  mkdir(path: string): Promise<void>;
  /** Removes a pin, or an empty directory. */
  remove(path: string): Promise<void>;
  /** What kind of thing is at the path, or null where nothing is. */
  stat(path: string): Promise<BpfFsEntry | null>;
}
export interface BpfFsEntry {
  name: string;
  kind: 'directory' | 'prog' | 'map' | 'link' | 'other';
}

export interface PerfHolder {
  pid: number;
  fd: number;
  progId: number;
  kind: 'raw_tracepoint' | 'tracepoint' | 'kprobe' | 'kretprobe' | 'uprobe' | 'uretprobe';
  /** Tracepoint name, function, or file. */
  target: string;
  offset: bigint;
  addr: bigint;
}

export interface NetDevice {
  ifindex: number;
  name: string;
}

export interface SystemConfig {
  /** sysctl values as in /proc/sys: unprivileged_bpf_disabled, bpf_jit_enable, bpf_jit_harden, bpf_jit_kallsyms, bpf_jit_limit. */
  sysctl: Record<string, number | null>;
  /** CONFIG_* of the kernel's configuration: 'y', 'm', a value, or null where unset. */
  config: Record<string, string | null>;
  release: string;
}
