/**
 * From a stopped thread to the handler: which calls are wanted, who made them, and what is remembered of the thread
 * afterwards. The same for notification and for ptrace.
 */
import { SYSCALLS_BY_NAME } from '../../uapi/syscalls.ts';
import type { SyscallEvent, TracedTask } from './event.ts';
import type { MachineSyscalls } from './syscalls/index.ts';
import type { TaskTable } from './tasks.ts';

/** x86-64 numbers of the calls that a handler wants to see. */
export interface CallSelection {
  enter: Iterable<number>;
  exit: Iterable<number>;
}

export interface TraceHandlers {
  onEvent(event: SyscallEvent): void;
  /** A thread makes its last call, which may end its whole process. Those killed by a signal go unseen. */
  onTaskEnd?: ((task: TracedTask, wholeProcess: boolean) => void) | undefined;
}

const numbers = (...names: string[]) => names.map((name) => SYSCALLS_BY_NAME.get(name)!.nr);
const EXECVE = new Set(numbers('execve', 'execveat'));
const EXIT = new Set(numbers('exit', 'exit_group'));
const [EXIT_GROUP] = numbers('exit_group');
const RENAMES = new Set(
  numbers('prctl', 'setuid', 'setgid', 'setreuid', 'setregid', 'setresuid', 'setresgid', 'setfsuid', 'setfsgid'),
);

/** Calls that tell who a thread is: always observed, reported only when wanted. */
export const BOOKKEEPING: readonly number[] = [...EXECVE, ...EXIT, ...RENAMES];

const CHANGES: ReadonlySet<number> = new Set(BOOKKEEPING);

const ENTER = 1;
const LEAVE = 2;
const MAX_CALLS = 1024;

export class Dispatcher {
  private readonly tasks: TaskTable;
  private readonly handlers: TraceHandlers;
  private readonly launcher: number;
  private readonly machine: MachineSyscalls;
  private readonly wanted = new Uint8Array(MAX_CALLS);
  private readonly event = {} as SyscallEvent; // filled in whenever it is reported
  /** Before the command is executed, only the launcher's own calls can be seen. */
  private commandRuns = false;

  /** `launcher`: the process whose own calls are nobody's business. */
  constructor(machine: MachineSyscalls, tasks: TaskTable, launcher: number, handlers: TraceHandlers) {
    this.machine = machine;
    this.tasks = tasks;
    this.launcher = launcher;
    this.handlers = handlers;
  }

  want(calls: CallSelection): void {
    this.wanted.fill(0);
    for (const nr of calls.enter) this.wanted[nr]! |= ENTER;
    for (const nr of calls.exit) this.wanted[nr]! |= LEAVE;
  }

  /** The thread stands before a call; `nr` is the machine's number. Answers whether its end should be seen too. */
  enter(tid: number, nr: number, args: BigUint64Array, ip: bigint): boolean {
    const call = this.machine.toX64(nr);
    if (call === undefined) return false;
    const wanted = this.wanted[call] ?? 0;
    if (EXECVE.has(call)) this.commandRuns = true;
    if (!this.commandRuns || (wanted === 0 && !CHANGES.has(call))) return false;
    const task = this.tasks.at(tid);
    if (task.tgid === this.launcher) return false;
    try {
      if ((wanted & ENTER) !== 0) this.report('enter', call, args, ip, 0n, task);
    } finally {
      if (CHANGES.has(call)) this.changes(call, task);
    }
    return (wanted & LEAVE) !== 0;
  }

  /** The call that `enter` was told of has ended. */
  exit(tid: number, nr: number, args: BigUint64Array, ip: bigint, ret: bigint): void {
    const call = this.machine.toX64(nr);
    if (call !== undefined) this.report('exit', call, args, ip, ret, this.tasks.at(tid));
  }

  private report(
    phase: SyscallEvent['phase'],
    nr: number,
    args: BigUint64Array,
    ip: bigint,
    ret: bigint,
    task: TracedTask,
  ): void {
    const { event } = this;
    event.phase = phase;
    event.nr = nr;
    event.args = args;
    event.ip = ip;
    event.ret = ret;
    event.task = task;
    this.handlers.onEvent(event);
  }

  private changes(call: number, task: TracedTask): void {
    if (EXECVE.has(call)) this.tasks.processChanges(task.tgid);
    else if (EXIT.has(call)) {
      this.handlers.onTaskEnd?.(task, call === EXIT_GROUP);
      if (call === EXIT_GROUP) this.tasks.processEnds(task.tgid);
      else this.tasks.taskEnds(task.pid);
    } else this.tasks.taskChanges(task.pid);
  }
}
