/**
 * The user's own kernel: a process that serves one embedded kernel to all commands of a user, started by the first that
 * needs it and ending when it has nothing to keep.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SkepError } from '../base/errors.ts';
import type { Kernel } from '../sys/index.ts';
import { connectKernel } from './client.ts';
import { findKernels, isServed, runtimeDirectory, userSocket } from './directory.ts';
import { type KernelServer, type ServedKernel, serveKernel } from './server.ts';

/** How much a kernel holds; the embedded kernel's `usage()`. */
export interface Usage {
  programs: number;
  maps: number;
  links: number;
  btfs: number;
  pins: number;
}

/** Set for a process that startUserKernel waits for. */
const STARTED = 'SKEP_KERNEL_STARTED';
/** How long the user's kernel stays with nothing loaded and nobody connected. */
export const IDLE_MS = 30_000;
/** A lock older than this was left by a process that died. */
const STALE_LOCK_MS = 10_000;
const START_MS = 15_000;

/** Another process serves the user's kernel already. */
export class KernelRunningError extends SkepError {
  readonly path: string;
  constructor(path: string) {
    super('ERR_KERNEL_RUNNING', `your kernel is running already, at ${path}; skep kernel stop ends it`);
    this.path = path;
  }
}

/** Serves at `path` after clearing away a socket that nobody listens at. KernelRunningError where somebody does. */
export async function serveAt(kernel: ServedKernel, path: string): Promise<KernelServer> {
  // Between finding a socket stale and binding its name, another process must not do the same.
  const unlock = lock(`${path}.lock`);
  try {
    if (await isServed(path)) throw new KernelRunningError(path);
    return await serveKernel(kernel, path);
  } finally {
    unlock();
  }
}

/**
 * Serves `kernel` as the user's own until it is stopped or idle for `idleMs`; then resolves. Tells the process that
 * started this one when it is ready.
 */
export async function runUserKernel(
  kernel: ServedKernel & { usage(): Usage },
  options: { idleMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const server = await serveAt(kernel, userSocket());
  if (process.env[STARTED] !== undefined && process.send !== undefined) {
    process.send('ready');
    process.disconnect();
  }
  await untilIdle(server, kernel, options.idleMs ?? IDLE_MS, options.signal);
  await server.close();
}

function untilIdle(
  server: KernelServer,
  kernel: { usage(): Usage },
  idleMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const look = () => {
      clearTimeout(timer);
      if (server.connections === 0 && isEmpty(kernel.usage())) timer = setTimeout(end, idleMs);
    };
    const stopLooking = server.onChange(look); // what is loaded changes only while a client is there
    const end = () => {
      stopLooking();
      clearTimeout(timer);
      resolve();
    };
    look();
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
  });
}

function isEmpty({ programs, maps, links, btfs, pins }: Usage): boolean {
  return programs + maps + links + btfs + pins === 0;
}

/** The command that runs the user's kernel in its own process; `skep kernel start --foreground`. */
export function serverCommand(): string[] {
  const skep = fileURLToPath(new URL('../bin/skep.js', import.meta.url));
  return [process.execPath, skep, 'kernel', 'start', '--foreground'];
}

/**
 * Starts the user's kernel in a process of its own, which outlives this one, and waits until it serves. What it says
 * goes to kernel.log beside its socket. Where it runs already, that is as good.
 */
export async function startUserKernel(command: readonly string[] = serverCommand()): Promise<void> {
  const logPath = join(runtimeDirectory(), 'kernel.log');
  const log = openSync(logPath, 'w', 0o600);
  const [program, ...args] = command as [string, ...string[]];
  const env = { ...process.env, [STARTED]: '1' };
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log, 'ipc'], cwd: '/', env });
  closeSync(log);
  try {
    const fault = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(`it did not get ready in ${START_MS / 1000} seconds`), START_MS);
      const settle = (why?: string) => {
        clearTimeout(timer);
        resolve(why);
      };
      child.once('message', () => settle());
      child.once('error', (error) => settle(error.message));
      child.once('exit', (code, signal) => settle(`it ended with ${signal ?? `status ${code}`}`));
    });
    if (fault === undefined || (await isServed(userSocket()))) return;
    const said = readFileSync(logPath, 'utf8').trim().split('\n').at(-1);
    throw new SkepError('ERR_KERNEL_START', `your kernel could not be started: ${fault}${said ? ` (${said})` : ''}`);
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

export interface CurrentKernel {
  readonly kernel: Kernel;
  readonly path: string;
  /** `hosted`: that of a running command; `user`: the user's own. */
  readonly kind: 'user' | 'hosted';
  /** Whether it had to be started. */
  readonly started: boolean;
}

/**
 * The kernel that a command without one of its own means: that of the newest running command which hosts one, else the
 * user's own, which is started where `start` says so. Null where there is none.
 */
export async function currentKernel(
  options: { start?: boolean; command?: readonly string[] } = {},
): Promise<CurrentKernel | null> {
  for (const { path, kind } of await findKernels()) {
    const kernel = await connectIfServed(path);
    if (kernel) return { kernel, path, kind, started: false };
  }
  if (!options.start) return null;
  await startUserKernel(options.command);
  const path = userSocket();
  return { kernel: await connectKernel(path), path, kind: 'user', started: true };
}

async function connectIfServed(path: string): Promise<Kernel | undefined> {
  try {
    return await connectKernel(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ERR_KERNEL_GONE') return undefined; // it just ended
    throw error;
  }
}

/** Takes a lock file; answers what gives it back. */
function lock(path: string): () => void {
  for (let attempt = 0; ; attempt++) {
    try {
      closeSync(openSync(path, 'wx', 0o600));
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 0) throw locked(path, error);
      const held = statSync(path, { throwIfNoEntry: false });
      if (held && Date.now() - held.mtimeMs < STALE_LOCK_MS) throw locked(path, error);
      rmSync(path, { force: true });
    }
  }
}

function locked(path: string, cause: unknown): SkepError {
  return new SkepError('ERR_KERNEL_START', `another process is starting a kernel (${path})`, { cause });
}
