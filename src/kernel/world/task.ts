/**
 * Tasks: the processes and threads of the embedded kernel's world, as sources report them.
 */
import type { Addr } from '../../base/memory.ts';
import type { Task } from '../../helpers/index.ts';

/** What is known of a task. What is left out keeps its value, or the default for a new task. */
export interface TaskInit {
  /** The thread's id: the kernel's pid. */
  readonly pid: number;
  /** The process's id. Default `pid`. */
  readonly tgid?: number;
  /** Cut to 15 bytes. */
  readonly comm?: string;
  /** pid of the parent process (real_parent). Default: pid 1 where it is known, else swapper. */
  readonly parentPid?: number;
  /** Default 0. */
  readonly uid?: number;
  /** Default 0. */
  readonly gid?: number;
  /** Default `uid`. */
  readonly euid?: number;
  /** Default `gid`. */
  readonly egid?: number;
  /** Nanoseconds since boot. Default: when it became known. */
  readonly startTime?: bigint;
  /** Default 1: the root cgroup. */
  readonly cgroupId?: bigint;
  /** The CPU it runs on. Default 0. */
  readonly cpu?: number;
  /** Its pid inside its own pid namespace, where that is not the first one. */
  readonly nsPid?: number;
  /** The process's id there. */
  readonly nsTgid?: number;
  /** Inode number of its pid namespace, on device 4 (nsfs). Default: that of the first one. */
  readonly pidNamespace?: number;
  /** Reads its user memory; null where the range is not mapped. */
  readonly readUser?: (addr: bigint, size: number) => Uint8Array | null;
  /** Writes it; false where the range is not mapped. */
  readonly writeUser?: (addr: bigint, bytes: Uint8Array) => boolean;
}

/** A task of the world. Its block in linear memory is made when somebody first asks for `addr`. */
export interface WorldTask extends Task {
  readonly parent: WorldTask | null;
  readonly euid: number;
  readonly egid: number;
  readonly startTime: bigint;
  readonly cpu: number;
}

export interface Tasks extends Iterable<WorldTask> {
  /** Makes a task known, or changes what is known of it. */
  upsert(task: TaskInit): WorldTask;
  get(pid: number): WorldTask | undefined;
  /** The task whose block is at an address, or undefined. */
  at(addr: Addr): WorldTask | undefined;
  /** Keeps the block at `addr` until it was released as often as it was held; false where no task is there. */
  hold(addr: Addr): boolean;
  /** Gives back what `hold` took. Other addresses are ignored. */
  release(addr: Addr): void;
  /** Forgets a task; its children go to pid 1 or swapper. Unknown pids are ignored. */
  exit(pid: number): void;
  /** pid 0: in whose context things run that belong to nobody. */
  readonly swapper: WorldTask;
}
