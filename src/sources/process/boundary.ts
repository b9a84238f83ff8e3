/**
 * From a system call to the hooks of the embedded kernel that Linux would reach with it, from outside in on entry and
 * from inside out on exit: tracepoints, `__x64_sys_NAME`, the functions behind it.
 */
import { bug } from '../../base/errors.ts';
import type {
  Hook,
  Hooks,
  KernelArg,
  KprobeHook,
  RawTracepointHook,
  TracepointHook,
  WorldTask,
} from '../../kernel/index.ts';
import { SYSCALLS, SYSCALLS_BY_NAME, type Syscall } from '../../uapi/syscalls.ts';
import { BOUNDARY_FUNCTIONS, userRegs } from './boundary-functions.ts';
import type { CallSelection } from './dispatch.ts';
import type { SyscallEvent, TracedTask } from './event.ts';

/** What fires for one phase of one call. */
type Fire = (task: WorldTask, event: SyscallEvent) => void;
interface Plan {
  enter: Fire[];
  exit: Fire[];
}

const SYS = '__x64_sys_';
const EXEC = ['execve', 'execveat'];
const FORK = ['fork', 'vfork', 'clone', 'clone3'];
const ALL = [...SYSCALLS.values()];
const DEFAULT_PRIO = 120;
const PATH_MAX = 4096;
const PAGE = 4096n;

export class Boundary {
  private readonly hooks: Hooks;
  private plans = new Map<number, Plan>();
  private silent: Hook[] = [];
  /** What threads that are in execve(2) asked to execute. */
  private readonly executing = new Map<number, string>();
  /** A syscall tracepoint's record: eight bytes the kernel fills in, the number, then arguments or the result. */
  private readonly record = new BigUint64Array(8);

  constructor(hooks: Hooks) {
    this.hooks = hooks;
  }

  /** To be asked after programs were attached or detached: which calls reach a program now. */
  plan(): CallSelection {
    this.plans = new Map();
    const hooks = [...this.hooks.attached()].sort((a, b) => depth(a) - depth(b));
    this.silent = hooks.filter((hook) => !this.reach(hook));
    const calls = (phase: keyof Plan) => [...this.plans].flatMap(([nr, plan]) => (plan[phase].length > 0 ? [nr] : []));
    return { enter: calls('enter'), exit: calls('exit') };
  }

  /** Hooks with programs that no system call reaches here, because they lie deeper in the kernel: `kprobe vfs_read`. */
  unreachable(): string[] {
    return this.silent.map((hook) => `${hook.kind} ${hook.name}`);
  }

  /** Runs every program that this call reaches. */
  fire(task: WorldTask, event: SyscallEvent): void {
    const plan = this.plans.get(event.nr);
    if (plan !== undefined) for (const fire of plan[event.phase]) fire(task, event);
  }

  /** Whether a program wants to know when threads end. */
  get watchesEnds(): boolean {
    const { hooks } = this;
    return [hooks.tracepoint('sched', 'sched_process_exit'), hooks.rawTracepoint('sched_process_exit')].some(
      (hook) => hook?.attached,
    );
  }

  /** A thread ends. Linux runs this late in exit(2); here it runs as the call is made. */
  taskEnds(task: WorldTask, wholeProcess: boolean): void {
    const { hooks } = this;
    const record = { comm: task.comm, pid: task.pid, prio: DEFAULT_PRIO, group_dead: wholeProcess };
    hooks.tracepoint('sched', 'sched_process_exit')?.fire(task, record);
    const raw = hooks.rawTracepoint('sched_process_exit');
    if (raw?.attached) raw.fire(task, [BigInt(task.addr), BigInt(wholeProcess)]);
    this.executing.delete(task.pid);
  }

  /** Plans what leads to a hook; false where nothing at the boundary does. */
  private reach(hook: Hook): boolean {
    switch (hook.kind) {
      case 'tracepoint':
        return this.reachTracepoint(hook as TracepointHook);
      case 'raw_tracepoint':
        return this.reachRawTracepoint(hook as RawTracepointHook);
      case 'kprobe':
      case 'kretprobe':
        return this.reachFunction(hook as KprobeHook);
      default:
        return true; // packets and samples do not come from processes
    }
  }

  private reachTracepoint(hook: TracepointHook): boolean {
    const name = hook.name.slice(hook.category.length + 1);
    if (hook.category === 'sched') return this.reachSched(name, hook);
    const [, direction, suffix] = /^sys_(enter|exit)(?:_(.+))?$/.exec(name) ?? [];
    if (direction === undefined) return false;
    const entry = direction === 'enter';
    const call = suffix === undefined ? undefined : SYSCALLS_BY_NAME.get(suffix);
    if (call === undefined && hook.category !== 'raw_syscalls') return false;
    const fire: Fire = (task, event) => {
      const count = entry ? (call?.args.length ?? 6) : 1;
      this.record[1] = BigInt(event.nr);
      if (entry) this.record.set(event.args.subarray(0, count), 2);
      else this.record[2] = BigInt.asUintN(64, event.ret);
      hook.fire(task, new Uint8Array(this.record.buffer, 0, 16 + 8 * count));
    };
    return this.on(direction as keyof Plan, call === undefined ? ALL : [call], () => fire);
  }

  private reachSched(name: string, hook: TracepointHook): boolean {
    if (name === 'sched_process_exit') return true; // see taskEnds
    if (name === 'sched_process_fork') {
      return this.on('exit', named(FORK), () => (task, { ret }) => {
        const { comm, pid } = task;
        if (ret <= 0n) return;
        hook.fire(task, { parent_comm: comm, parent_pid: pid, child_comm: comm, child_pid: ret });
      });
    }
    if (name !== 'sched_process_exec') return false;
    this.on('enter', named(EXEC), (call) => (task, event) => {
      this.executing.set(task.pid, executedFile(call.name, event));
    });
    return this.on('exit', named(EXEC), () => (task, { ret }) => {
      const filename = this.executing.get(task.pid) ?? '';
      this.executing.delete(task.pid);
      if (ret === 0n) hook.fire(task, { filename, pid: task.pid, old_pid: task.pid });
    });
  }

  private reachRawTracepoint(hook: RawTracepointHook): boolean {
    if (hook.name === 'sys_enter' || hook.name === 'sys_exit') {
      const entry = hook.name === 'sys_enter';
      return this.on(entry ? 'enter' : 'exit', ALL, () => (task, event) => {
        hook.fire(task, [{ regs: userRegs(event) }, entry ? BigInt(event.nr) : event.ret]);
      });
    }
    return hook.name === 'sched_process_exit';
  }

  private reachFunction(hook: KprobeHook): boolean {
    if (hook.name.startsWith(SYS)) {
      const call = SYSCALLS_BY_NAME.get(hook.name.slice(SYS.length));
      return call !== undefined && this.onFunction(hook, [call], () => (event) => [{ regs: userRegs(event) }]);
    }
    const calls = BOUNDARY_FUNCTIONS[hook.name];
    if (calls === undefined) return false;
    return this.onFunction(hook, named(Object.keys(calls)), (call) => {
      const argumentsOf = calls[call.name]!;
      return (event) => argumentsOf(event.args, event.task);
    });
  }

  private onFunction(hook: KprobeHook, calls: Iterable<Syscall>, args: (call: Syscall) => ArgumentsOfEvent): boolean {
    if (hook.kind === 'kretprobe')
      return this.on(
        'exit',
        calls,
        () =>
          (task, { ret }) =>
            hook.fire(task, { ax: ret }),
      );
    return this.on('enter', calls, (call) => {
      const argumentsOf = args(call);
      return (task, event) => {
        const values = argumentsOf(event);
        if (values !== null) hook.fire(task, {}, values);
      };
    });
  }

  private on(phase: keyof Plan, calls: Iterable<Syscall>, fire: (call: Syscall) => Fire): true {
    for (const call of calls) {
      let plan = this.plans.get(call.nr);
      if (plan === undefined) this.plans.set(call.nr, (plan = { enter: [], exit: [] }));
      plan[phase].push(fire(call));
    }
    return true;
  }
}

/** How far inside the kernel a hook stands when it fires; ends fire after entries and the other way round. */
function depth(hook: Hook): number {
  if (hook.name.startsWith('sched:')) return -3;
  const inside = hook.name.startsWith(SYS) ? 1 : 2;
  return hook.kind === 'kprobe' ? inside : hook.kind === 'kretprobe' ? -inside : 0;
}

type ArgumentsOfEvent = (event: SyscallEvent) => readonly KernelArg[] | null;

function named(names: readonly string[]): Syscall[] {
  return names.map((name) => SYSCALLS_BY_NAME.get(name) ?? bug(`no system call ${name}`));
}

/** bprm->filename: the path as it was given, or /dev/fd/N for execveat(2) of a descriptor. */
function executedFile(call: string, { args, task }: SyscallEvent): string {
  const path = userString(task, args[call === 'execve' ? 0 : 1]!);
  return call === 'execveat' && path === '' ? `/dev/fd/${Number(args[0]! & 0xffffffffn)}` : path;
}

/** A C string of user memory, page by page: what follows its end may not be mapped. '' where it cannot be read. */
function userString(task: TracedTask, addr: bigint): string {
  const pieces: Uint8Array[] = [];
  for (let at = addr, left = PATH_MAX; left > 0; ) {
    const size = Math.min(left, Number(PAGE - (at % PAGE)));
    const piece = task.readUser(at, size);
    if (piece === null) return '';
    const end = piece.indexOf(0);
    pieces.push(end < 0 ? piece : piece.subarray(0, end));
    if (end >= 0) break;
    at += BigInt(size);
    left -= size;
  }
  return Buffer.concat(pieces).toString();
}
