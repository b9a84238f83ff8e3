/**
 * Running a command as a traced process tree, without root.
 *
 *     skep (Listener, Dispatcher) ──channel── launcher ──posix_spawn──> command and all that it starts
 *
 * The chosen system calls of the tree stop in a seccomp filter until the handler has seen them; all others run at full
 * speed. no_new_privs is set, so setuid programs of the tree run without their privileges; and a program of the tree
 * that wants to listen to a seccomp filter itself gets EBUSY, because the kernel allows one listener.
 */
import type { Readable, Writable } from 'node:stream';
import { SkepError } from '../../base/errors.ts';
import { checkDirectory, findCommand } from './command.ts';
import type { CallSelection, TraceHandlers } from './dispatch.ts';
import { loadLibc } from './libc.ts';
import type { Method } from './protocol.ts';
import { Trace } from './trace.ts';

export interface TraceRequest {
  /** The command and its arguments; the command is looked for as execvp(3) does. */
  argv: readonly string[];
  /** Default: this process's environment. */
  env?: Readonly<Record<string, string | undefined>>;
  cwd?: string;
  /** Which calls are reported from the start, by x86-64 number. */
  calls: CallSelection;
  /** Calls that `want` may choose later. A filter cannot be changed once the command runs. Default: `calls`. */
  mayWant?: CallSelection;
  /** `inherit` gives the command this process's terminal. Default `inherit`. */
  stdio?: 'inherit' | 'pipe';
  /**
   * How: `notify` sees entries only and is fast; `ptrace` sees exits too and works where a container's own filter
   * refuses notification; `ptrace-all` stops every call, wanted or not, where a filter of somebody else's would come
   * before ours. Default: `notify`, unless exits may be wanted or it is refused.
   */
  method?: Method;
}

export interface Exit {
  /** Exit status, or null where a signal ended it. */
  code: number | null;
  signal: number | null;
}

export interface TracedProcess {
  readonly pid: number;
  readonly method: Method;
  /** With `stdio: 'pipe'`. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** The command has ended; what it started in the background may still run, and be reported. */
  readonly exited: Promise<Exit>;
  /** The whole tree has ended, or was let go. */
  readonly gone: Promise<void>;
  /** Changes which calls are reported, within what `mayWant` allows. */
  want(calls: CallSelection): void;
  /** Sends a signal to the command; nothing happens once it has ended. */
  kill(signal?: NodeJS.Signals | number): void;
  /** Stops tracing. The programs go on as if nobody had ever looked. */
  letGo(): void;
}

/**
 * Resolves once the command runs. SkepError with ENOENT, EACCES or ENOTDIR where it cannot be run, before anything
 * runs; UnsupportedError where this machine offers no way to trace.
 */
export async function startProcess(request: TraceRequest, handlers: TraceHandlers): Promise<TracedProcess> {
  const [name = ''] = request.argv;
  const env = request.env ?? process.env;
  const cwd = request.cwd ?? process.cwd();
  checkDirectory(cwd);
  const file = findCommand(name, env['PATH'], cwd);
  const texts = Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
  if ([...request.argv, ...texts].some((text) => text.includes('\0'))) {
    throw new SkepError('EINVAL', `cannot run ${name}: an argument or a variable holds a zero byte`);
  }
  const trace = new Trace(loadLibc(), request, cwd, handlers);
  return trace.start({ is: 'command', file, argv: request.argv, env: texts });
}
