/**
 * A kernel for a command that traces: `run` and `opensnoop`.
 *
 * Embedded: one in this process, fed by the traced command, and served on a socket meanwhile so that another terminal
 * can look into it. Linux: the machine's kernel, where the command is an ordinary child.
 */
import { spawn } from 'node:child_process';
import { SkepError, UnsupportedError } from '../base/errors.ts';
import type { EmbeddedKernel } from '../kernel/index.ts';
import type { Kernel } from '../sys/index.ts';
import type { KernelChoice } from './argv.ts';

/** A command that runs: its exit status as a shell would say it, and a way to end it. */
interface Running {
  readonly pid: number;
  readonly status: Promise<number>;
  stop(): void;
}

export interface Host {
  readonly kernel: Kernel;
  /** The kernel itself, where it lives in this process. */
  readonly embedded: EmbeddedKernel | undefined;
  /** Starts the command whose system calls are the events. Attach first: it sees what is attached when it starts. */
  start(argv: readonly string[]): Promise<Running>;
  /** Attached programs that no traced command can reach, as `kprobe vfs_read`. */
  unreachable(): readonly string[];
  close(): Promise<void>;
}

export async function openHost(choice: KernelChoice): Promise<Host> {
  if (choice === 'linux') return linuxHost();
  if (choice === 'embedded') return embeddedHost();
  throw new UnsupportedError(`tracing a command on the kernel behind ${choice}`, {
    hint: 'its events would have to come from that process; use --kernel embedded or --kernel linux',
  });
}

async function linuxHost(): Promise<Host> {
  const { openLinuxKernel } = await import('../linux/index.ts');
  const kernel = await openLinuxKernel();
  return {
    kernel,
    embedded: undefined,
    start: startChild,
    unreachable: () => [],
    close: () => kernel.close(),
  };
}

async function embeddedHost(): Promise<Host> {
  const [{ createKernel }, { ProcessSource, exitStatus, passSignalsOn }, { serveBeside }] = await Promise.all([
    import('../kernel/index.ts'),
    import('../sources/index.ts'),
    import('./kernel/serve-beside.ts'),
  ]);
  const warn = (message: string) => void process.stderr.write(`skep: ${message}\n`);
  const embedded = createKernel({ warn });
  const server = await serveBeside(embedded, warn);
  const kernel = embedded.open({ pid: process.pid, uid: process.getuid?.() ?? 0, comm: 'skep' });
  const source = new ProcessSource(embedded);
  return {
    kernel,
    embedded,
    unreachable: () => source.unreachable(),
    async start(argv) {
      const traced = await source.run({ argv });
      const stopPassing = passSignalsOn(traced);
      const status = traced.exited.then((exit) => {
        stopPassing();
        return exitStatus(exit);
      });
      return { pid: traced.pid, status, stop: () => traced.kill('SIGTERM') };
    },
    async close() {
      await kernel.close();
      await server?.close();
    },
  };
}

/** An ordinary child at our terminal; Ctrl-C reaches it by itself. */
async function startChild(argv: readonly string[]): Promise<Running> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: 'inherit' });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) => reject(cannotRun(file, error)));
  });
  const { constants } = await import('node:os');
  const status = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
  return { pid: child.pid ?? 0, status, stop: () => void child.kill('SIGTERM') };
}

function cannotRun(file: string, error: NodeJS.ErrnoException): SkepError {
  const why = error.code === 'ENOENT' ? 'there is no such command' : error.message;
  return new SkepError(error.code ?? 'EIO', `cannot run '${file}': ${why}`, { cause: error });
}
