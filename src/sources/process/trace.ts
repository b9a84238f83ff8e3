/** One traced process tree, seen from skep: the launcher's other end, and the observer of its system calls. */
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { release } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { EBUSY, EINVAL, errnoName, strerror } from '../../base/errno.ts';
import { SkepError, UnsupportedError } from '../../base/errors.ts';
import { Channel, socketPair } from './channel.ts';
import { BOOKKEEPING, type CallSelection, Dispatcher, type TraceHandlers } from './dispatch.ts';
import { spawnScript } from './launch.ts';
import type { Libc } from './libc.ts';
import { Listener } from './listener.ts';
import type { FromLauncher, Method, ToLauncher } from './protocol.ts';
import { PtraceObserver } from './ptrace/observer.ts';
import { type Machine, SECCOMP_RET_TRACE, SECCOMP_RET_USER_NOTIF, seccompFilter } from './seccomp.ts';
import { sharedPage } from './shared-page.ts';
import type { Exit, TracedProcess, TraceRequest } from './start.ts';
import { type MachineSyscalls, machineSyscalls } from './syscalls/index.ts';
import { TaskTable } from './tasks.ts';
import { UserMemory } from './user-memory.ts';

/** Whoever holds the stopped threads. */
interface Observer {
  /** Whether this thread is stopped in the call that is being handled. */
  stillWaits(tid: number): boolean;
  /** Hands every call to the dispatcher, from the event loop. `onEnd`: no thread is left. */
  watch(dispatcher: Dispatcher, onEnd: () => void): void;
  close(): void;
}

export class Trace implements TracedProcess {
  pid = 0;
  method: Method = 'notify';
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly exited: Promise<Exit>;
  readonly gone: Promise<void>;
  private readonly libc: Libc;
  private readonly request: TraceRequest;
  private readonly handlers: TraceHandlers;
  private readonly machine: MachineSyscalls;
  /** A page in a file of memory, which the launcher has too: see listener.ts. */
  private readonly shared: number;
  private readonly launcher: ChildProcess;
  private readonly channel: Channel<FromLauncher, ToLauncher>;
  private readonly stopListening: () => void;
  private inbox: FromLauncher[] = [];
  private wake: () => void = () => undefined;
  private observer: Observer | undefined;
  private dispatcher: Dispatcher | undefined;
  private settle!: { ended: (exit: Exit) => void; lost: (e: Error) => void; gone: () => void };
  private hasEnded = false;
  private isClosed = false;
  private launcherIsLost = false;
  private nobodyIsLeft = false;

  constructor(libc: Libc, request: TraceRequest, cwd: string, handlers: TraceHandlers) {
    this.libc = libc;
    this.request = request;
    this.handlers = handlers;
    this.machine = machineSyscalls(process.arch as Machine);
    const exited = deferred<Exit>();
    const gone = deferred<void>();
    this.settle = { ended: exited.resolve, lost: exited.reject, gone: gone.resolve };
    this.exited = exited.promise;
    this.exited.catch(() => undefined); // nobody has to wait for it
    this.gone = gone.promise;

    const [ours, theirs] = socketPair(libc, 'stream');
    this.shared = sharedPage(libc);
    const stdio = request.stdio ?? 'inherit';
    this.launcher = spawnScript('launcher', { cwd, stdio: [stdio, stdio, stdio, theirs, this.shared] });
    this.launcher.on('error', () => undefined); // shows as the end of the channel
    closeSync(theirs);
    ({ stdin: this.stdin, stdout: this.stdout, stderr: this.stderr } = this.launcher);
    this.channel = new Channel(libc, ours);
    this.stopListening = libc.onReadable(ours, () => this.listen());
  }

  async start(command: ToLauncher): Promise<TracedProcess> {
    try {
      this.channel.send(command);
      const { tid } = await this.expect('ready');
      await this.observe(tid);
      this.want(this.request.calls);
      this.channel.send({ is: 'go' });
      this.pid = (await this.expect('started')).pid;
      return this;
    } catch (e) {
      this.letGo();
      throw e;
    }
  }

  want(calls: CallSelection): void {
    this.dispatcher?.want(calls);
  }

  kill(signal: NodeJS.Signals | number = 'SIGTERM'): void {
    if (this.hasEnded) return;
    try {
      process.kill(this.pid, signal);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'ESRCH') throw e;
    }
  }

  letGo(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stopListening();
    this.observer?.close();
    closeSync(this.channel.fd); // the launcher takes over from here
    closeSync(this.shared);
    this.settle.lost(lost('the trace was given up before the command ended'));
    this.settle.gone();
    this.wake();
  }

  /** Puts a filter into place, and somebody behind it. */
  private async observe(tid: number): Promise<void> {
    const { calls, mayWant = calls, method } = this.request;
    const exits = [...calls.exit, ...mayWant.exit];
    const nrs = [...calls.enter, ...mayWant.enter, ...exits, ...BOOKKEEPING].flatMap(
      (nr) => this.machine.fromX64(nr) ?? [],
    );
    if (method === 'notify' && exits.length > 0) {
      throw new UnsupportedError('seeing what system calls answer by seccomp notification', {
        hint: "use the method 'ptrace'",
      });
    }
    if (!kernelIsAtLeast(5, 3)) {
      throw new UnsupportedError('tracing processes on this kernel', { since: '5.3', hint: 'or 5.5, to be fast' });
    }
    let refused = 0;
    if ((method ?? 'notify') === 'notify' && exits.length === 0) {
      // Before Linux 5.5 a listener could not let a call go on.
      refused = kernelIsAtLeast(5, 5) ? await this.filter('notify', nrs) : EINVAL;
      if (refused === 0) return this.watch('notify', this.listener());
      if (method === 'notify') throw refusal('seccomp user notification', refused);
    }
    // Somebody listens already, and their filter comes before a filter for ptrace: stop every call instead.
    const mayFilter = method !== 'ptrace-all' && refused !== EBUSY;
    const observer = new PtraceObserver(this.libc, tid);
    this.observer = observer; // closed with us, whatever follows
    this.channel.send({ is: 'tracer', pid: observer.tracer });
    await this.expect('allowed');
    await observer.seize(); // before the filter: without a tracer its calls fail
    const allCalls = !(mayFilter && (await this.filter('ptrace', nrs)) === 0);
    if (allCalls) await this.filter('ptrace-all', []);
    observer.go(allCalls);
    this.watch(allCalls ? 'ptrace-all' : 'ptrace', observer);
  }

  private listener(): Listener {
    const fd = this.channel.takeDescriptor();
    if (fd === undefined) throw lost('the launcher sent no listener');
    return new Listener(this.libc, fd, this.shared);
  }

  private watch(method: Method, observer: Observer): void {
    this.method = method;
    this.observer = observer;
    const memory = new UserMemory(this.libc, (tid) => observer.stillWaits(tid));
    const tasks = new TaskTable(memory);
    this.dispatcher = new Dispatcher(this.machine, tasks, this.launcher.pid!, this.handlers);
    observer.watch(this.dispatcher, () => {
      this.nobodyIsLeft = true;
      if (this.launcherIsLost) this.letGo();
    });
  }

  /** 0, or the errno with which the filter was refused. */
  private async filter(method: Method, nrs: number[]): Promise<number> {
    const action = method === 'notify' ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_TRACE;
    const filter = Buffer.from(seccompFilter(process.arch as Machine, nrs, action)).toString('base64');
    this.channel.send({ is: 'filter', method, filter });
    const answer = await this.expect('filtered', 'refused');
    return answer.is === 'refused' ? answer.errno : 0;
  }

  /** The launcher's next message, which must be one of these. */
  private async expect<K extends FromLauncher['is']>(...kinds: K[]): Promise<Extract<FromLauncher, { is: K }>> {
    while (this.inbox.length === 0 && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const message = this.inbox.shift();
    if (message === undefined) throw lost('the process that runs the command ended');
    if (message.is === 'failed') {
      const file = this.request.argv[0];
      throw new SkepError(errnoName(message.errno), `cannot run ${file} (${strerror(message.errno)})`);
    }
    if (!(kinds as string[]).includes(message.is)) throw lost(`the launcher said "${message.is}" unasked`);
    return message as Extract<FromLauncher, { is: K }>;
  }

  private listen(): void {
    const messages = this.channel.receive();
    if (messages === null) return this.loseLauncher();
    for (const message of messages) {
      if (message.is === 'gone') return this.letGo();
      if (message.is === 'ended') {
        this.hasEnded = true;
        this.settle.ended(exitOf(message.status));
      } else this.inbox.push(message);
    }
    this.wake();
  }

  /** Killed, that is: otherwise it says good-bye. The programs run on, and without it only we can answer their calls. */
  private loseLauncher(): void {
    this.launcherIsLost = true;
    this.stopListening();
    this.settle.lost(lost('the process that waits for the command was killed'));
    if (this.pid === 0 || this.nobodyIsLeft) this.letGo();
  }
}

/** PTRACE_GET_SYSCALL_INFO came with 5.3, SECCOMP_USER_NOTIF_FLAG_CONTINUE with 5.5. */
function kernelIsAtLeast(major: number, minor: number): boolean {
  const [has = 0, hasMinor = 0] = release().split('.').map(Number.parseFloat);
  return has > major || (has === major && hasMinor >= minor);
}

/** Promise.withResolvers(), which Node 20 does not have. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (e: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** From the status of wait(2). */
function exitOf(status: number): Exit {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal };
}

function lost(what: string): SkepError {
  return new SkepError('EIO', `cannot trace: ${what}`);
}

function refusal(what: string, errno: number): UnsupportedError {
  return new UnsupportedError(what, { hint: `the kernel refused it with ${errnoName(errno)}` });
}
