/**
 * The contract of a helper: how its behaviour is written, and what it may ask of the kernel it runs in.
 *
 * Facts (number, arguments, who may call) stand in uapi/helpers.ts; behaviour joins them by name in helpers/index.ts.
 */

import type { Addr, Memory } from '../base/memory.ts';
import type { KernelMap } from '../maps/index.ts';
import type { CallbackArgs } from '../vm/index.ts';
import type { ObjectStore } from './objects/store.ts';

export interface Helper {
  /** As in vm's Callable: one letter an argument, `i` for 32 bits (pointers, sizes), `L` for 64 as (lo, hi). */
  readonly args: string;
  readonly ret: 'int' | 'ptr' | 'u64' | 'void';
  /** The function for one kernel. Called once when the kernel starts; what it answers is on the hot path. */
  bind(env: HelperEnv): (...args: number[]) => number;
}

/** Sets the high half of a `u64` answer and gives back the low half. */
export function answer64(env: HelperEnv, value: bigint): number {
  env.retHi = Number(BigInt.asIntN(32, value >> 32n));
  return Number(BigInt.asIntN(32, value));
}

/** The 64 bits that two halves are, as an unsigned number. */
export function wide(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** What a kernel gives its helpers. Implemented by kernel/. */
export interface HelperEnv {
  readonly mem: Memory;
  /** What programs allocated. */
  readonly objects: ObjectStore;
  /** The map at an address that a program holds. The verifier has proven that there is one. */
  mapAt(addr: Addr): KernelMap;
  /** Calls a BPF function of the running program; answers low half, high half in retHi. */
  callback(fn: number, ...args: CallbackArgs): number;
  /** High half of a `u64` answer: set it before returning the low half. Read after `callback`. */
  retHi: number;

  readonly clock: Clock;
  /** An unsigned 32-bit random number. */
  random(): number;
  currentCpu(): number;
  readonly cpus: number;
  /** The task in whose context the program runs. There is always one: swapper (pid 0) when nothing else. */
  currentTask(): Task;
  /** The task whose task_struct is at `addr`, or undefined: programs can hold pointers to tasks that ended. */
  taskAt(addr: Addr): Task | undefined;
  /** The task with that pid. */
  taskOf(pid: number): Task | undefined;
  /** Keeps the task_struct at `addr` until it is released as often; false where there is no such task any more. */
  holdTask(addr: Addr): boolean;
  releaseTask(addr: Addr): void;
  /** The struct cgroup of an id, its id, and that of its ancestor `level` steps below the root; 0, undefined for none. */
  cgroupOf(id: bigint): Addr;
  cgroupAt(addr: Addr): bigint | undefined;
  cgroupAncestor(addr: Addr, level: number): Addr;
  /** `name+0xoff/0xsize` of the kernel function that `addr` lies in, or undefined where it lies in none. */
  kernelSymbol(addr: bigint): string | undefined;
  /** Calls `fire` once, `delayNs` from now, in a run of its own; answers what cancels it. For bpf_timer. */
  schedule(delayNs: bigint, fire: () => void): () => void;
  /** What is running now: the program's context and packet. */
  readonly run: RunState;
  /** One line for the trace pipe: the text after the `bpf_trace_printk: ` prefix; the kernel adds task, cpu, time. */
  trace(text: string): void;
  /** Delivers a record to the perf buffer in slot `index` of a perf event array. 0, -E2BIG, -ENOENT, -EOPNOTSUPP, -ENOSPC. */
  perfOutput(map: KernelMap, index: number, data: Uint8Array): number;
  /** Return addresses of the current task, innermost first; kernel or user side. Answers how many, or -errno. */
  stackTrace(user: boolean, skip: number, out: BigUint64Array): number;
}

/** Time, from one place so that a test can fix it. Nanoseconds. */
export interface Clock {
  /** CLOCK_MONOTONIC. */
  monotonic(): bigint;
  /** CLOCK_BOOTTIME. */
  boot(): bigint;
  /** CLOCK_TAI. */
  tai(): bigint;
}

export interface Task {
  /** Address of its task_struct in linear memory, laid out as in the reference BTF. */
  readonly addr: Addr;
  /** The kernel's pid: the thread. */
  readonly pid: number;
  /** The kernel's tgid: what user space calls the pid. */
  readonly tgid: number;
  /** At most 15 bytes. */
  readonly comm: string;
  readonly uid: number;
  readonly gid: number;
  readonly cgroupId: bigint;
  /** Ids of its cgroup's ancestors: the root first, its own cgroup last. */
  readonly cgroupAncestors: readonly bigint[];
  /** Its ids in the pid namespace that (dev, ino) of /proc/PID/ns/pid names, or undefined where it is not in that one. */
  pidsIn(dev: bigint, ino: bigint): { pid: number; tgid: number } | undefined;
  /** Reads its user memory, or null where the range is not mapped (-EFAULT). */
  readUser(addr: bigint, size: number): Uint8Array | null;
  /** Writes its user memory; false where it cannot. */
  writeUser(addr: bigint, bytes: Uint8Array): boolean;
}

/** The run that a helper is called from. */
export interface RunState {
  /** The context the program was started with. */
  ctx: Addr;
  progType: number;
  attachType: number;
  /** The cookie of the link (bpf_get_attach_cookie). */
  cookie: bigint;
  /** Address that bpf_get_func_ip answers, 0 where there is none. */
  funcIp: bigint;
  /** The packet behind an xdp_md or __sk_buff context, or null. */
  packet: Packet | null;
  /** Where bpf_redirect and its like said to send the packet: looked at when the program answers XDP/TC_ACT_REDIRECT. */
  redirect: Redirect | null;
  /** Where an iterator program prints; null for other programs. */
  sequence: { readonly room: number; write(bytes: Uint8Array): boolean } | null;
  /** What bpf_set_retval set; the kernel's own verdict before (0 or -errno). For cgroup hooks. */
  retval: number;
}

/** Where a packet is to go: a device, or an entry of a map of devices, CPUs or sockets. */
export interface Redirect {
  readonly kind: 'device' | 'peer' | 'neighbour' | 'map';
  /** The device, or the key of the map. */
  readonly index: number;
  readonly map: KernelMap | null;
  readonly flags: number;
}

/** A packet in linear memory: `start <= dataMeta <= data <= dataEnd <= end`. Context fields mirror it. */
export interface Packet {
  /** The buffer: head room begins at `start`, tail room ends at `end`. */
  start: Addr;
  end: Addr;
  dataMeta: Addr;
  data: Addr;
  dataEnd: Addr;
  /** Where the link-layer header begins when `data` is past it (socket filters, cgroup hooks); absent: at `data`. */
  readonly macHeader?: Addr;
  /** Where the network header begins; absent: an Ethernet header after the link-layer header. */
  readonly networkHeader?: Addr;
  /** Writes data, data_end, data_meta (and len) back into the context after a change. */
  sync(): void;
}
