/**
 * A kernel for a command that traces: `run` and `opensnoop`.
 *
 * Embedded: one in this process, fed by the traced command, and served on a socket meanwhile so that another terminal
 * can look into it. Linux: the machine's kernel, where the command is an ordinary child in a cgroup of its
 * own, by which programs know it.
 */
import { UnsupportedError } from '../base/errors.ts';
import { assemble, encode } from '../isa/index.ts';
import type { EmbeddedKernel } from '../kernel/index.ts';
import type { Kernel } from '../sys/index.ts';
import { BPF_PROG_TYPE_TRACEPOINT } from '../uapi/generated/constants.ts';
import type { KernelChoice } from './argv.ts';
import { CommandCgroup } from './command-cgroup.ts';
import { holdCommand } from './held-command.ts';

/** A command that runs: its exit status as a shell would say it, and a way to end it. */
interface Running {
  readonly status: Promise<number>;
  stop(): void;
}

export interface Host {
  readonly kernel: Kernel;
  /** The kernel itself, where it lives in this process. */
  readonly embedded: EmbeddedKernel | undefined;
  /** Where the command will run, on a kernel whose events are not the command's alone. */
  readonly cgroup: CommandCgroup | undefined;
  /** Starts the command whose events are wanted. Attach first: it sees what is attached when it starts. */
  start(argv: readonly string[]): Promise<Running>;
  /** Attached programs that no traced command can reach, as `kprobe vfs_read`. */
  unreachable(): readonly string[];
  close(): Promise<void>;
}

/** `forCommand`: whether a command is going to be started. */
export async function openHost(choice: KernelChoice, forCommand: boolean): Promise<Host> {
  if (choice === 'linux') return linuxHost(forCommand);
  if (choice === 'embedded') return embeddedHost();
  throw new UnsupportedError(`tracing a command on the kernel behind ${choice}`, {
    hint: 'its events would have to come from that process; use --kernel embedded or --kernel linux',
  });
}

async function linuxHost(forCommand: boolean): Promise<Host> {
  const { openLinuxKernel } = await import('../linux/index.ts');
  const kernel = await openLinuxKernel();
  try {
    if (forCommand) await tryTracing(kernel);
    const cgroup = forCommand ? await CommandCgroup.create(kernel) : undefined;
    return {
      kernel,
      embedded: undefined,
      cgroup,
      start: (argv) => startChild(argv, cgroup),
      unreachable: () => [],
      async close() {
        await kernel.close();
        cgroup?.close();
      },
    };
  } catch (error) {
    await kernel.close();
    throw error;
  }
}

/** Asked before a cgroup is: of an ordinary user the kernel says best what is in the way. */
async function tryTracing(kernel: Kernel): Promise<void> {
  const insns = encode(assemble('r0 = 0; exit'));
  const { ret } = await kernel.bpf('PROG_LOAD', { prog_type: BPF_PROG_TYPE_TRACEPOINT, insns, license: 'GPL' });
  await kernel.closeFd(ret);
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
    cgroup: undefined,
    unreachable: () => source.unreachable(),
    async start(argv) {
      const traced = await source.run({ argv });
      const stopPassing = passSignalsOn(traced);
      const status = traced.exited.then((exit) => {
        stopPassing();
        return exitStatus(exit);
      });
      return { status, stop: () => traced.kill('SIGTERM') };
    },
    async close() {
      await kernel.close();
      await server?.close();
    },
  };
}

/** An ordinary child at our terminal, in its cgroup from its first instruction on. */
async function startChild(argv: readonly string[], cgroup: CommandCgroup | undefined): Promise<Running> {
  const { findCommand, passSignalsOn } = await import('../sources/index.ts');
  findCommand(argv[0] ?? '', process.env['PATH'], process.cwd());
  const child = await holdCommand(argv);
  const stopPassing = passSignalsOn(child);
  try {
    cgroup?.add(child.pid);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    void child.status.then(stopPassing);
  }
  child.go();
  return { status: child.status, stop: () => child.kill('SIGTERM') };
}
