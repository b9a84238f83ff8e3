/**
 * The table of tasks, and the tasks themselves.
 */
import { utf8 } from '../../base/bytes.ts';
import type { Addr, Memory } from '../../base/memory.ts';
import type { Clock } from '../../helpers/index.ts';
import type { TaskInit, Tasks, WorldTask } from './task.ts';
import { FIRST_PID_NAMESPACE, type TaskBlocks } from './task-struct.ts';
import type { Cgroups } from './world.ts';

/** Bytes of task_struct.comm, with its zero. */
const COMM_SIZE = 16;
const ROOT_CGROUP = 1n;
/** The device of /proc/PID/ns/pid. */
const NSFS_DEVICE = 4n;

export class TaskTable implements Tasks {
  readonly swapper: LiveTask;
  readonly #tasks = new Map<number, LiveTask>();
  /** References that programs and maps have, by the address of the block. */
  readonly #held = new Map<Addr, number>();
  /** Blocks that are held although their tasks are gone. */
  readonly #orphans = new Set<Addr>();
  readonly #mem: Memory;
  readonly #blocks: TaskBlocks;
  readonly #clock: Clock;
  readonly cgroups: Cgroups;

  constructor(mem: Memory, blocks: TaskBlocks, clock: Clock, cgroups: Cgroups) {
    this.#mem = mem;
    this.#blocks = blocks;
    this.#clock = clock;
    this.cgroups = cgroups;
    this.swapper = new LiveTask(this, blocks, 0, 0n);
    this.swapper.change({ pid: 0, comm: 'swapper/0' });
  }

  upsert(init: TaskInit): LiveTask {
    if (init.pid === 0) return this.swapper;
    let task = this.#tasks.get(init.pid);
    if (task === undefined) {
      task = new LiveTask(this, this.#blocks, init.pid, init.startTime ?? this.#clock.boot());
      this.#tasks.set(init.pid, task);
    }
    task.change(init);
    return task;
  }

  get(pid: number): LiveTask | undefined {
    return pid === 0 ? this.swapper : this.#tasks.get(pid);
  }

  at(addr: Addr): LiveTask | undefined {
    if (this.swapper.isAt(addr)) return this.swapper;
    for (const task of this.#tasks.values()) if (task.isAt(addr)) return task;
    return undefined;
  }

  exit(pid: number): void {
    const task = this.#tasks.get(pid);
    if (task === undefined) return;
    this.#tasks.delete(pid);
    for (const other of this.#tasks.values()) if (other.refersTo(pid)) other.refresh();
    const block = task.forgetBlock();
    // A program, or a map, may still hold it: then the last one who does gives it back.
    if (this.#held.has(block)) this.#orphans.add(block);
    else this.#mem.free(block);
  }

  hold(addr: Addr): boolean {
    if (this.at(addr) === undefined && !this.#orphans.has(addr)) return false;
    this.#held.set(addr, (this.#held.get(addr) ?? 0) + 1);
    return true;
  }

  release(addr: Addr): void {
    const count = this.#held.get(addr);
    if (count === undefined) return;
    if (count > 1) {
      this.#held.set(addr, count - 1);
      return;
    }
    this.#held.delete(addr);
    if (this.#orphans.delete(addr)) this.#mem.free(addr);
  }

  [Symbol.iterator](): IterableIterator<LiveTask> {
    return this.#tasks.values();
  }
}

export class LiveTask implements WorldTask {
  readonly pid: number;
  tgid: number;
  comm = '';
  uid = 0;
  gid = 0;
  euid = 0;
  egid = 0;
  cgroupId = ROOT_CGROUP;
  cpu = 0;
  startTime: bigint;
  #parentPid: number | undefined;
  #nsPid: number | undefined;
  #nsTgid: number | undefined;
  #pidNamespace = FIRST_PID_NAMESPACE;
  #readUser: TaskInit['readUser'];
  #writeUser: TaskInit['writeUser'];
  #block: Addr = 0;
  readonly #table: TaskTable;
  readonly #blocks: TaskBlocks;

  constructor(table: TaskTable, blocks: TaskBlocks, pid: number, startTime: bigint) {
    this.#table = table;
    this.#blocks = blocks;
    this.pid = pid;
    this.tgid = pid;
    this.startTime = startTime;
  }

  change(init: TaskInit): void {
    this.tgid = init.tgid ?? this.tgid;
    if (init.comm !== undefined) this.comm = cutComm(init.comm);
    this.#parentPid = init.parentPid ?? this.#parentPid;
    this.uid = init.uid ?? this.uid;
    this.gid = init.gid ?? this.gid;
    this.euid = init.euid ?? init.uid ?? this.euid;
    this.egid = init.egid ?? init.gid ?? this.egid;
    this.startTime = init.startTime ?? this.startTime;
    this.cgroupId = init.cgroupId ?? this.cgroupId;
    this.cpu = init.cpu ?? this.cpu;
    this.#nsPid = init.nsPid ?? this.#nsPid;
    this.#nsTgid = init.nsTgid ?? this.#nsTgid;
    this.#pidNamespace = init.pidNamespace ?? this.#pidNamespace;
    this.#readUser = init.readUser ?? this.#readUser;
    this.#writeUser = init.writeUser ?? this.#writeUser;
    this.refresh();
  }

  get parent(): LiveTask | null {
    if (this.pid === 0) return null;
    const parent = this.#parentPid === undefined ? undefined : this.#table.get(this.#parentPid);
    const init = this.pid === 1 ? undefined : this.#table.get(1);
    return parent ?? init ?? this.#table.swapper;
  }

  get cgroupAncestors(): readonly bigint[] {
    const ids: bigint[] = [];
    for (let at = this.#table.cgroups.byId(this.cgroupId) ?? null; at !== null; at = at.parent) ids.unshift(at.id);
    return ids;
  }

  pidsIn(dev: bigint, ino: bigint): { pid: number; tgid: number } | undefined {
    if (dev !== NSFS_DEVICE) return undefined;
    if (ino === BigInt(this.#pidNamespace)) return { pid: this.#nsPid ?? this.pid, tgid: this.#nsTgid ?? this.tgid };
    return ino === BigInt(FIRST_PID_NAMESPACE) ? { pid: this.pid, tgid: this.tgid } : undefined;
  }

  isAt(addr: Addr): boolean {
    return this.#block !== 0 && this.#block === addr;
  }

  refersTo(pid: number): boolean {
    return this.#parentPid === pid || this.tgid === pid;
  }

  get addr(): Addr {
    if (this.#block === 0) {
      this.#block = this.#blocks.allocate(); // before filling: parents may be circular
      this.refresh();
    }
    return this.#block;
  }

  /** Writes what changed into the block, where there is one. */
  refresh(): void {
    if (this.#block === 0) return;
    const leader = this.tgid === this.pid ? undefined : this.#table.get(this.tgid);
    this.#blocks.fill(this.#block, {
      pid: this.pid,
      tgid: this.tgid,
      comm: this.comm,
      uid: this.uid,
      gid: this.gid,
      euid: this.euid,
      egid: this.egid,
      startTime: this.startTime,
      nsPid: this.#nsPid ?? this.pid,
      nsTgid: this.#nsTgid ?? this.tgid,
      pidNamespace: this.#pidNamespace,
      parent: (this.parent ?? this).addr,
      leader: leader?.addr ?? 0,
    });
  }

  /** The address of the block, which is the caller's to free. */
  forgetBlock(): Addr {
    const block = this.#block;
    this.#block = 0;
    return block;
  }

  readUser(addr: bigint, size: number): Uint8Array | null {
    return this.#readUser?.(addr, size) ?? null;
  }

  writeUser(addr: bigint, bytes: Uint8Array): boolean {
    return this.#writeUser?.(addr, bytes) ?? false;
  }
}

/** At most 15 bytes, not cutting a character in two. */
function cutComm(comm: string): string {
  let out = comm;
  while (utf8(out).length >= COMM_SIZE) out = out.slice(0, -1);
  return out;
}
