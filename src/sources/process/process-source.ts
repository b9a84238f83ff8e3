/**
 * A process tree as the embedded kernel's source of events: runs a command, keeps its tasks in the kernel's world, and
 * fires the hooks that its system calls reach.
 */
import { existsSync } from 'node:fs';
import type { EmbeddedKernel, WorldTask } from '../../kernel/index.ts';
import { Boundary } from './boundary.ts';
import type { CallSelection, TraceHandlers } from './dispatch.ts';
import type { TracedTask } from './event.ts';
import { startProcess, type TracedProcess, type TraceRequest } from './start.ts';

export interface RunRequest extends Omit<TraceRequest, 'calls' | 'mayWant'> {
  /**
   * Calls, by x86-64 number, that programs may be attached to after the start; by default only what is attached when
   * the command starts can be seen. Every call in it stops, wanted or not: keep it small.
   */
  later?: CallSelection;
}

/** What a source needs of the embedded kernel. */
type SourceKernel = Pick<EmbeddedKernel, 'hooks' | 'world'>;

/** With so many tasks known it is worth looking for ended ones. */
const MANY = 1024;

/** A task of the world, with what it was made of. */
interface Known {
  version: number;
  task: WorldTask;
  tgid: number;
}

export class ProcessSource {
  private readonly kernel: SourceKernel;
  private readonly boundary: Boundary;
  private readonly known = new Map<number, Known>();
  private readonly running = new Set<TracedProcess>();
  private sweepAt = MANY;

  constructor(kernel: SourceKernel) {
    this.kernel = kernel;
    this.boundary = new Boundary(kernel.hooks);
  }

  /** Attached programs that no traced process can reach, each as `kprobe vfs_read`: they lie deeper in the kernel. */
  unreachable(): string[] {
    this.boundary.plan();
    return this.boundary.unreachable();
  }

  /** Lets every command that still runs go on untraced. */
  close(): void {
    for (const traced of this.running) traced.letGo();
  }

  /** Starts a command. Errors: those of startProcess. Several commands may run at once. */
  async run(request: RunRequest): Promise<TracedProcess> {
    const { later, ...rest } = request;
    const calls = this.boundary.plan();
    const handlers: TraceHandlers = {
      onEvent: (event) => this.boundary.fire(this.worldTask(event.task), event),
      onTaskEnd: (task, wholeProcess) => this.taskEnds(task, wholeProcess),
    };
    const traced = await startProcess({ ...rest, calls, ...(later && { mayWant: later }) }, handlers);
    const stop = this.kernel.hooks.onChange(() => traced.want(this.boundary.plan()));
    traced.want(this.boundary.plan()); // what changed while it started
    this.running.add(traced);
    void traced.gone.then(() => {
      this.running.delete(traced);
      stop();
    });
    return traced;
  }

  private worldTask(task: TracedTask): WorldTask {
    const known = this.known.get(task.pid);
    if (known?.version === task.version) return known.task;
    const parent = task.parent();
    if (parent !== null && parent.pid !== task.pid) this.worldTask(parent);
    const isNew = known === undefined;
    const world = this.kernel.world.tasks.upsert({
      pid: task.pid,
      tgid: task.tgid,
      comm: task.comm,
      parentPid: task.ppid,
      uid: task.uid,
      gid: task.gid,
      euid: task.euid,
      egid: task.egid,
      startTime: task.startTime,
      ...(isNew && {
        cgroupId: this.kernel.world.cgroups.add(task.cgroup()).id,
        readUser: (addr: bigint, size: number) => task.readUser(addr, size),
        writeUser: (addr: bigint, bytes: Uint8Array) => task.writeUser(addr, bytes),
      }),
    });
    if (isNew && this.known.size >= this.sweepAt) this.forgetTheKilled();
    this.known.set(task.pid, { version: task.version, task: world, tgid: task.tgid });
    return world;
  }

  private taskEnds(task: TracedTask, wholeProcess: boolean): void {
    if (this.boundary.watchesEnds) this.boundary.taskEnds(this.worldTask(task), wholeProcess);
    if (!wholeProcess) this.forget(task.pid);
    else for (const [pid, { tgid }] of this.known) if (tgid === task.tgid) this.forget(pid);
  }

  /** Who is killed by a signal makes no last call. */
  private forgetTheKilled(): void {
    for (const pid of this.known.keys()) if (!existsSync(`/proc/${pid}`)) this.forget(pid);
    this.sweepAt = Math.max(MANY, 2 * this.known.size);
  }

  private forget(pid: number): void {
    this.known.delete(pid);
    this.kernel.world.tasks.exit(pid);
  }
}
