/**
 * The process between skep and the traced command: a program of its own, started by `startProcess`.
 *
 * It runs the command under a seccomp filter and then stays as its parent and guardian:
 * - It reports how the command ended, and adopts what the command leaves behind (PR_SET_CHILD_SUBREAPER), so that the
 *   whole tree stays below skep and may be read by it under every ptrace policy.
 * - It holds a copy of the filter's listener. When skep goes away, by plan or by SIGKILL, it lets every call go on, so
 *   the traced programs never notice; without it they would see ENOSYS. It ends when its last child has ended.
 *
 * A seccomp filter belongs to a thread. Only one thread may have it, because the guardian must be able to make the
 * calls that it is the one to answer: that is the only thread of libuv's pool (UV_THREADPOOL_SIZE=1), and
 * posix_spawn(3) on that thread hands the filter down to the command.
 */
import { openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ECHILD, EFAULT, ENOEXEC } from '../../base/errno.ts';
import { Channel } from './channel.ts';
import { type Arena, type Libc, loadLibc } from './libc.ts';
import { Listener } from './listener.ts';
import { type FromLauncher, LAUNCHER_CHANNEL_FD, LAUNCHER_SHARED_FD, type ToLauncher } from './protocol.ts';
import {
  MACHINE,
  type Machine,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
} from './seccomp.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const PR_SET_NAME = 15;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_PTRACER = 0x59616d61;
const WNOHANG = 1;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;

/** Signals that reach the whole process group of a terminal: they are for the command, not for its guardian. */
const NOT_FOR_US = ['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const;

type Command = Extract<ToLauncher, { is: 'command' }>;
type Filter = Extract<ToLauncher, { is: 'filter' }>;

class Launcher {
  private readonly libc: Libc;
  private readonly channel: Channel<ToLauncher, FromLauncher>;
  private readonly status: Arena;
  private command: Command | undefined;
  private listener: number | undefined;
  /** The command's pid once it runs. */
  private pid: number | undefined;
  private starting = false;
  private commandEnded = false;
  /** Run from sources, the TypeScript loader has a process of its own. */
  private readonly strangers = children() ?? [];
  private readonly ended = new Map<number, number>();

  constructor(libc: Libc) {
    this.libc = libc;
    this.channel = new Channel(libc, LAUNCHER_CHANNEL_FD);
    this.status = libc.arena(4096);
  }

  async run(): Promise<void> {
    const { libc } = this;
    for (const fd of [LAUNCHER_CHANNEL_FD, LAUNCHER_SHARED_FD]) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (const fd of [0, 1, 2]) libc.fcntl(fd, F_SETFD, 0); // Node closes them on execve(2) otherwise
    for (const signal of NOT_FOR_US) process.on(signal, () => undefined);
    process.on('SIGCHLD', () => this.reap());
    setInterval(() => this.reap(), 60_000); // waiting for signals alone does not keep Node from ending
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const name = libc.arena(4096);
    await libc.onPoolThread('prctl', PR_SET_NAME, name.at(name.cString('skep')), 0, 0, 0);
    const tid = await libc.onPoolThread('gettid');
    const stop = libc.onReadable(this.channel.fd, () => {
      const messages = this.channel.receive();
      if (messages === null) {
        stop();
        this.skepIsGone();
      } else for (const message of messages) this.take(message);
    });
    this.channel.send({ is: 'ready', tid });
  }

  private take(message: ToLauncher): void {
    if (message.is === 'command') this.command = message;
    else if (message.is === 'tracer') this.allow(message.pid);
    else if (message.is === 'filter') void this.filter(message);
    else void this.start();
  }

  private allow(tracer: number): void {
    this.libc.prctl(PR_SET_PTRACER, tracer, 0, 0, 0); // EINVAL where there is no Yama: nothing to allow
    this.channel.send({ is: 'allowed' });
  }

  private async filter({ method, filter }: Filter): Promise<void> {
    const { libc } = this;
    let errno = -(await libc.onPoolThread('prctl', PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (errno <= 0 && method !== 'ptrace-all') {
      const program = sockFprog(libc, Buffer.from(filter, 'base64'));
      const nr = MACHINE[process.arch as Machine].seccomp;
      const flags = method === 'notify' ? this.listenerFlags(nr) : 0;
      const installed = libc.onPoolThread('syscall', nr, SECCOMP_SET_MODE_FILTER, flags, program);
      if (method === 'notify' && (await this.sendListener(installed))) return;
      errno = -(await installed);
    }
    this.channel.send(errno > 0 ? { is: 'refused', errno } : { is: 'filtered' });
  }

  private listenerFlags(nr: number): number {
    const wanted = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    // Without a filter: EFAULT where the kernel knows the flags, EINVAL where it does not.
    const known = this.libc.syscall(nr, SECCOMP_SET_MODE_FILTER, wanted, 0) === -EFAULT;
    return known ? wanted : SECCOMP_FILTER_FLAG_NEW_LISTENER;
  }

  /**
   * Sends the listener as soon as it exists. The pool thread cannot tell: from then on its own calls wait for an
   * answer, the write(2) that would wake this thread among them. False where the filter was refused.
   */
  private async sendListener(installed: Promise<number>): Promise<boolean> {
    let refused = false;
    void installed.then((r) => {
      refused = r < 0;
    });
    while (!refused) {
      const fd = findListener();
      if (fd !== undefined) {
        this.listener = fd;
        this.channel.send({ is: 'filtered' }, fd);
        return true;
      }
      await new Promise(setImmediate);
    }
    return false;
  }

  private async start(): Promise<void> {
    const { libc } = this;
    const { file, argv, env } = this.command!;
    const size = [...argv, ...argv, ...env].reduce((sum, text) => sum + 3 * text.length + 64, 65536); // room for both tries
    const arena = libc.arena(size);
    const attributes = arena.take(1024);
    const all = arena.take(128);
    const none = arena.take(128);
    arena.bytes.fill(0xff, all, all + 128);
    libc.posix_spawnattr_init(arena.at(attributes));
    libc.posix_spawnattr_setflags(arena.at(attributes), POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    libc.posix_spawnattr_setsigdefault(arena.at(attributes), arena.at(all)); // Node ignores SIGPIPE and SIGXFSZ
    libc.posix_spawnattr_setsigmask(arena.at(attributes), arena.at(none));
    const pid = arena.take(4);
    const envp = arena.at(arena.cStrings(env));
    const spawn = (path: string, args: readonly string[]) => {
      const at = [pid, arena.cString(path)].map((offset) => arena.at(offset));
      return libc.onPoolThread('posix_spawn', ...at, 0, arena.at(attributes), arena.at(arena.cStrings(args)), envp);
    };

    this.starting = true;
    let errno = await spawn(file, argv);
    // A script without a "#!" line: shells and execvp(3) give it to sh.
    if (errno === ENOEXEC) errno = await spawn('/bin/sh', ['/bin/sh', file, ...argv.slice(1)]);
    this.starting = false;
    if (errno !== 0) {
      this.channel.send({ is: 'failed', errno });
      return libc._exit(0) as never;
    }
    this.pid = arena.view.getInt32(pid, true);
    this.channel.send({ is: 'started', pid: this.pid });
    this.leaveStdio();
    this.reap();
  }

  /** Stdio belongs to the command: who reads its output must see the end of it when the command has ended. */
  private leaveStdio(): void {
    const nowhere = openSync('/dev/null', 'r+');
    for (const fd of [0, 1, 2]) this.libc.dup2(nowhere, fd);
  }

  private reap(): void {
    for (;;) {
      const pid = this.libc.waitpid(-1, this.status.at(0), WNOHANG);
      if (pid > 0) this.ended.set(pid, this.status.view.getInt32(0, true));
      if (pid > 0) continue;
      if (this.pid === undefined) return;
      const status = this.ended.get(this.pid);
      if (status !== undefined) this.channel.send({ is: 'ended', status });
      if (status !== undefined) this.commandEnded = true;
      this.ended.clear();
      if (!this.commandEnded) return;
      // exit_group(2) at once: the pool thread could not end by itself, with nobody left to answer its calls.
      if (pid === -ECHILD || children()?.every((child) => this.strangers.includes(child))) {
        this.channel.send({ is: 'gone' });
        this.libc._exit(0);
      }
      return;
    }
  }

  private skepIsGone(): void {
    if (this.pid === undefined && !this.starting) this.libc._exit(0);
    if (this.listener === undefined) return;
    const listener = new Listener(this.libc, this.listener, LAUNCHER_SHARED_FD);
    listener.letGoOn();
    listener.watch({ enter: () => undefined });
  }
}

/** Address of a struct sock_fprog { u16 len; struct sock_filter *filter; }. */
function sockFprog(libc: Libc, filter: Uint8Array): number {
  const arena = libc.arena(filter.length + 64);
  const program = arena.take(16);
  const insns = arena.take(filter.length);
  arena.bytes.set(filter, insns);
  arena.view.setUint16(program, filter.length / 8, true);
  arena.view.setBigUint64(program + 8, BigInt(arena.at(insns)), true);
  return arena.at(program);
}

/** Our child processes, or null where the kernel does not list them (CONFIG_PROC_CHILDREN). */
function children(): string[] | null {
  try {
    return readdirSync('/proc/self/task').flatMap((tid) => {
      const list = readFileSync(`/proc/self/task/${tid}/children`, 'utf8');
      return list.split(' ').filter((pid) => pid !== '');
    });
  } catch {
    return null;
  }
}

function findListener(): number | undefined {
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:seccomp notify') return Number(fd);
    } catch {
      // the descriptor of the listing itself
    }
  }
  return undefined;
}

await new Launcher(loadLibc()).run();
