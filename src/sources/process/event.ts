/**
 * What a trace reports.
 */

/** A thread of the traced process tree. */
export interface TracedTask {
  /** The thread's id. */
  readonly pid: number;
  /** The process's id. */
  readonly tgid: number;
  readonly ppid: number;
  readonly comm: string;
  /** Real and effective ids, in the user namespace of the tracer. */
  readonly uid: number;
  readonly gid: number;
  readonly euid: number;
  readonly egid: number;
  /** When it started: nanoseconds since boot, to a clock tick (10 ms). */
  readonly startTime: bigint;
  /** Changes whenever something above did; never the same for two tasks. */
  readonly version: number;
  /** The process that started it, or the one that adopted it; null for the first of a pid namespace. */
  parent(): TracedTask | null;
  /** Path of its cgroup below the mount point, `/` where unknown. Read when asked for. */
  cgroup(): string;
  /** User memory, while this task's event is being handled; null where not all bytes can be read. */
  readUser(addr: bigint, size: number): Uint8Array | null;
  writeUser(addr: bigint, bytes: Uint8Array): boolean;
}

/** A system call of a traced thread, which waits until the handler returns. The object is used again for the next one. */
export interface SyscallEvent {
  phase: 'enter' | 'exit';
  /** Its x86-64 number, on every machine: the embedded kernel's world is an x86-64 one. */
  nr: number;
  /** Its six argument registers. */
  args: BigUint64Array;
  /** Where in user space it was made. */
  ip: bigint;
  /** What it answered, on exit; `-errno` for a failure. */
  ret: bigint;
  task: TracedTask;
}
