/**
 * Who the traced threads are: /proc, read as rarely as the answers allow.
 *
 * A name changes by execve(2) and prctl(2), ids by set*id(2): those calls are always among the traced ones, and make
 * what is known of the thread stale. The rest (a parent that died, a name written from outside, an id that went to
 * another thread) shows when a thread is looked at again after REFRESH_MS.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { TracedTask } from './event.ts';
import type { UserMemory } from './user-memory.ts';

/** Long against the cost of a look (20 µs), short against the time that process ids take to come round. */
const REFRESH_MS = 50;
/** Threads remembered; the longest known are forgotten first, and read again should they show up. */
const MAX_TASKS = 8192;
const NS_PER_TICK = 10_000_000n; // USER_HZ is 100 on x86-64 and arm64

class Task implements TracedTask {
  readonly pid: number;
  private readonly memory: UserMemory;
  private readonly table: TaskTable;
  tgid: number;
  ppid = 0;
  comm = '';
  uid = 0;
  gid = 0;
  euid = 0;
  egid = 0;
  startTime = 0n;
  version = 0;
  readAt = Number.NEGATIVE_INFINITY;
  idsKnown = false;

  constructor(pid: number, memory: UserMemory, table: TaskTable) {
    this.pid = pid;
    this.tgid = pid;
    this.memory = memory;
    this.table = table;
  }

  parent(): TracedTask | null {
    return this.ppid === 0 ? null : this.table.at(this.ppid);
  }

  cgroup(): string {
    try {
      const unified = /^0::(.*)$/m.exec(readFileSync(`/proc/${this.pid}/cgroup`, 'utf8'));
      return unified?.[1] ?? '/';
    } catch {
      return '/';
    }
  }

  readUser(addr: bigint, size: number): Uint8Array | null {
    return this.memory.read(this.pid, addr, size);
  }

  writeUser(addr: bigint, bytes: Uint8Array): boolean {
    return this.memory.write(this.pid, addr, bytes);
  }
}

export class TaskTable {
  private readonly memory: UserMemory;
  private readonly tasks = new Map<number, Task>();
  private readonly buffer = Buffer.alloc(4096);
  private versions = 0;

  constructor(memory: UserMemory) {
    this.memory = memory;
  }

  /** The thread, as it is now. It must be waiting for us. */
  at(tid: number): TracedTask {
    const now = performance.now();
    let task = this.tasks.get(tid);
    if (task !== undefined && now - task.readAt < REFRESH_MS) return task;
    if (task === undefined) {
      task = new Task(tid, this.memory, this);
      if (this.tasks.size >= MAX_TASKS) this.tasks.delete(this.tasks.keys().next().value!);
      this.tasks.set(tid, task);
    }
    this.refresh(task);
    task.readAt = now;
    return task;
  }

  /** After an execve(2): name and threads of a process are about to change. */
  processChanges(tgid: number): void {
    for (const task of this.tasks.values()) if (task.tgid === tgid) this.taskChanges(task.pid);
  }

  /** After prctl(2) or set*id(2). */
  taskChanges(tid: number): void {
    const task = this.tasks.get(tid);
    if (task === undefined) return;
    task.readAt = Number.NEGATIVE_INFINITY;
    task.idsKnown = false;
  }

  /** A process is about to end: its children get another parent. */
  processEnds(tgid: number): void {
    for (const task of this.tasks.values()) {
      if (task.tgid === tgid) this.tasks.delete(task.pid);
      else if (task.ppid === tgid) task.readAt = Number.NEGATIVE_INFINITY;
    }
  }

  /** A thread is about to end. */
  taskEnds(tid: number): void {
    this.tasks.delete(tid);
  }

  private refresh(task: Task): void {
    const stat = this.file(`/proc/${task.pid}/stat`);
    // pid (comm) state ppid …; comm may hold anything, a ")" too.
    const end = stat.lastIndexOf(')');
    if (end < 0) return; // gone: keep what was known
    const comm = stat.slice(stat.indexOf('(') + 1, end);
    const fields = stat.slice(end + 2).split(' ', 20);
    const ppid = Number(fields[1]);
    const startTime = BigInt(fields[19] ?? '0') * NS_PER_TICK;
    const another = startTime !== task.startTime;
    if (another || comm !== task.comm || ppid !== task.ppid) {
      task.comm = comm;
      task.ppid = ppid;
      task.startTime = startTime;
      task.version = ++this.versions;
    }
    if (another || !task.idsKnown) this.refreshIds(task);
  }

  private refreshIds(task: Task): void {
    const status = this.file(`/proc/${task.pid}/status`);
    const numbers = (key: string) =>
      (new RegExp(`^${key}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '').split('\t').map(Number);
    const [tgid = task.pid] = numbers('Tgid');
    const [uid = 0, euid = 0] = numbers('Uid');
    const [gid = 0, egid = 0] = numbers('Gid');
    Object.assign(task, { tgid, uid, euid, gid, egid, idsKnown: true });
    task.version = ++this.versions;
  }

  /** Text of a short file of /proc, '' where it cannot be read. */
  private file(path: string): string {
    try {
      const fd = openSync(path, 'r');
      try {
        return this.buffer.toString('utf8', 0, readSync(fd, this.buffer, 0, this.buffer.length, 0));
      } finally {
        closeSync(fd);
      }
    } catch {
      return '';
    }
  }
}
