/**
 * The ptrace tracer: a process of its own, because it spends its life blocked in wait(2), and because the traced tree
 * must outlive skep. `tracer.js TID` seizes the launcher's thread TID and follows everything it starts.
 *
 * With method `ptrace` a seccomp filter (SECCOMP_RET_TRACE) picks the calls out; with `ptrace-all`, where filters are
 * refused, every call stops. When skep is gone, every stop is simply passed over: a filter of this kind without a
 * tracer would make its calls fail with ENOSYS.
 *
 * Numbers: ptrace(2), <linux/ptrace.h>.
 */
import { ECHILD, EINTR } from '../../../base/errno.ts';
import { type Arena, type Libc, loadLibc } from '../libc.ts';
import { ANSWER_SIZE, MODE_SIZE, RELAY_FD, SEIZE_SIZE, STOP } from './relay.ts';

const PTRACE_CONT = 7;
const PTRACE_SYSCALL = 24;
const PTRACE_GETEVENTMSG = 0x4201;
const PTRACE_SEIZE = 0x4206;
const PTRACE_LISTEN = 0x4208;
const PTRACE_GET_SYSCALL_INFO = 0x420e;

const EVENT_FORK = 1;
const EVENT_VFORK = 2;
const EVENT_CLONE = 3;
const EVENT_EXEC = 4;
const EVENT_SECCOMP = 7;
const EVENT_STOP = 128;
const OPTIONS =
  1 /* TRACESYSGOOD */ |
  (1 << EVENT_FORK) |
  (1 << EVENT_VFORK) |
  (1 << EVENT_CLONE) |
  (1 << EVENT_EXEC) |
  (1 << EVENT_SECCOMP);

/** struct ptrace_syscall_info: op at 0, ip at 8; entry and seccomp: nr at 24, args from 32; exit: rval at 24. */
const INFO = {
  size: 96,
  op: 0,
  ip: 8,
  nr: 24,
  args: 32,
  argsSize: 48,
  rval: 24,
  entry: 1,
  exit: 2,
  seccomp: 3,
} as const;

const WALL = 0x40000000;
const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;
const MSG_NOSIGNAL = 0x4000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

class Tracer {
  private readonly libc: Libc;
  private readonly arena: Arena;
  private readonly status: number;
  private readonly info: number;
  private readonly packet: number;
  private readonly root: number;
  private readonly tracees: Set<number>;
  /** Calls whose end is awaited: the packets that announced them. */
  private readonly pending = new Map<number, Uint8Array>();
  /** Whether no filter picks the calls out; skep says so before the command runs. */
  private everyCall: boolean | undefined;
  private skepIsThere = true;

  constructor(libc: Libc, root: number) {
    this.libc = libc;
    this.root = root;
    this.tracees = new Set([root]);
    this.arena = libc.arena(4096);
    this.status = this.arena.take(8);
    this.info = this.arena.take(INFO.size);
    this.packet = this.arena.take(STOP.size);
  }

  /** 0, or the errno. */
  seize(): number {
    return -this.libc.ptrace(PTRACE_SEIZE, this.root, 0, OPTIONS);
  }

  /** Until nothing is left to trace. */
  run(): void {
    for (;;) {
      const tid = this.libc.waitpid(-1, this.arena.at(this.status), WALL);
      if (tid === -EINTR) continue;
      if (tid === -ECHILD) return;
      const status = this.arena.view.getUint32(this.status, true);
      if ((status & 0xff) !== 0x7f) {
        this.pending.delete(tid);
        this.tracees.delete(tid);
        if (this.tracees.size === 0) return;
      } else this.stopped(tid, (status >> 8) & 0xff, status >>> 16);
    }
  }

  private stopped(tid: number, signal: number, event: number): void {
    if (event === EVENT_SECCOMP) this.entry(tid);
    else if (event === EVENT_EXEC) this.executed(tid);
    else if (event === EVENT_FORK || event === EVENT_VFORK || event === EVENT_CLONE)
      this.tracees.add(this.eventMessage(tid));
    else if (event === EVENT_STOP && signal !== SIGTRAP) {
      // A stop of the whole process (Ctrl-Z): it stays stopped until it is continued.
      this.libc.ptrace(PTRACE_LISTEN, tid, 0, 0);
      return;
    } else if (signal === SYSCALL_STOP) this.syscallStop(tid);
    this.resume(tid, event === 0 && signal !== SYSCALL_STOP ? signal : 0);
  }

  private resume(tid: number, signal: number): void {
    const untilCall = this.pending.has(tid) || (tid !== this.root && this.skepIsThere && this.stopsEveryCall());
    this.libc.ptrace(untilCall ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0, signal);
  }

  private stopsEveryCall(): boolean {
    if (this.everyCall === undefined) {
      const at = this.arena.at(this.packet);
      this.skepIsThere = retry(() => this.libc.recv(RELAY_FD, at, MODE_SIZE, 0)) === MODE_SIZE;
      this.everyCall = this.skepIsThere && this.arena.view.getUint32(this.packet, true) === 1;
    }
    return this.everyCall;
  }

  private syscallStop(tid: number): void {
    const op = this.syscallInfo(tid);
    if (op === INFO.entry) this.entry(tid);
    else if (op === INFO.exit) this.exit(tid);
  }

  private entry(tid: number): void {
    if (tid === this.root) return; // the launcher's own
    const op = this.syscallInfo(tid);
    if (op !== INFO.entry && op !== INFO.seccomp) return;
    const { bytes, view } = this.arena;
    bytes.copyWithin(this.packet + STOP.nr, this.info + INFO.nr, this.info + INFO.args + INFO.argsSize);
    bytes.copyWithin(this.packet + STOP.ip, this.info + INFO.ip, this.info + INFO.ip + 8);
    view.setBigUint64(this.packet + STOP.ret, 0n, true);
    view.setUint32(this.packet + STOP.phase, STOP.enter, true);
    view.setInt32(this.packet + STOP.tid, tid, true);
    const call = bytes.slice(this.packet, this.packet + STOP.size);
    if (this.ask()) this.pending.set(tid, call);
  }

  private exit(tid: number): void {
    const call = this.pending.get(tid);
    if (call === undefined) return;
    this.pending.delete(tid);
    const { bytes, view } = this.arena;
    bytes.set(call, this.packet);
    bytes.copyWithin(this.packet + STOP.ret, this.info + INFO.rval, this.info + INFO.rval + 8);
    view.setUint32(this.packet + STOP.phase, STOP.exit, true);
    view.setInt32(this.packet + STOP.tid, tid, true);
    this.ask();
  }

  /** A thread that is not the first of its process takes the first one's id when it executes a program. */
  private executed(tid: number): void {
    const former = this.eventMessage(tid);
    if (former !== tid) this.tracees.delete(former);
    const call = this.pending.get(former);
    if (former === tid || call === undefined) return;
    this.pending.delete(former);
    this.pending.set(tid, call);
  }

  /** A new thread's id, or the former one of a thread that executed a program. */
  private eventMessage(tid: number): number {
    this.libc.ptrace(PTRACE_GETEVENTMSG, tid, 0, this.arena.at(this.info));
    return Number(this.arena.view.getBigUint64(this.info, true));
  }

  private syscallInfo(tid: number): number {
    this.arena.view.setUint8(this.info, 0);
    this.libc.ptrace(PTRACE_GET_SYSCALL_INFO, tid, INFO.size, this.arena.at(this.info));
    return this.arena.view.getUint8(this.info);
  }

  /** Shows skep the packet and waits until it has looked. Answers whether the call's end should stop too. */
  private ask(): boolean {
    if (!this.skepIsThere) return false;
    const at = this.arena.at(this.packet);
    this.skepIsThere =
      retry(() => this.libc.send(RELAY_FD, at, STOP.size, MSG_NOSIGNAL)) > 0 &&
      retry(() => this.libc.recv(RELAY_FD, at, STOP.size, 0)) === ANSWER_SIZE;
    return this.skepIsThere && this.arena.view.getUint32(this.packet, true) === 1;
  }
}

function retry(call: () => number): number {
  for (;;) {
    const r = call();
    if (r !== -EINTR) return r;
  }
}

/** What reaches the whole process group of a terminal is for the traced programs. */
for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const) {
  process.on(signal, () => undefined);
}
const libc = loadLibc();
libc.fcntl(RELAY_FD, F_SETFD, FD_CLOEXEC);
const arena = libc.arena(4096);
if (retry(() => libc.recv(RELAY_FD, arena.at(0), SEIZE_SIZE, 0)) === SEIZE_SIZE) {
  const tracer = new Tracer(libc, Number(process.argv[2]));
  const errno = tracer.seize();
  arena.view.setInt32(0, errno, true);
  libc.send(RELAY_FD, arena.at(0), SEIZE_SIZE, MSG_NOSIGNAL);
  if (errno === 0) tracer.run();
}
libc._exit(0);
