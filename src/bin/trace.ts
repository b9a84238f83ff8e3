/**
 * The life of a tracing command: open a kernel, load and attach, run the traced command (or wait for Ctrl-C), print what
 * comes, drain, close everything, and pass the command's exit status on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadOptions } from '../client/index.ts';
import type { KernelChoice } from './argv.ts';
import { Closers } from './closers.ts';
import { type Host, openHost } from './host.ts';
import { exitOnSignals, untilInterrupted } from './terminal.ts';

/** Reads what is there (waiting for it), shows it, and answers how much it was; 0 when the source was closed. */
export type Stream = () => Promise<number>;

/** After the command has ended: so long nothing may come before we believe that nothing more comes. */
const QUIET_MS = 30;
/** The longest that a timer of Node waits. */
const LONG_MS = 2 ** 31 - 1;

export interface Tracing {
  readonly choice: KernelChoice;
  /** The command to trace; empty: wait for Ctrl-C. */
  readonly command: readonly string[];
  /** Loads and attaches. What it adds to `owned` is closed, last first, also on failure. */
  prepare(host: Host, owned: Closers): Promise<readonly Stream[]>;
  /** Called when the command runs. */
  onStart?(): void;
  /** What to do while the programs are attached, in place of the command; answers the exit status. */
  work?(host: Host): Promise<number>;
}

/** What keeps loaded programs to the command's own events, where the kernel has those of others too. */
export function confinement({ cgroup }: Host): Pick<LoadOptions, 'prologue'> {
  return cgroup ? { prologue: (program) => cgroup.prologue(program) } : {};
}

/** Answers the exit status. */
export async function traceCommand(tracing: Tracing): Promise<number> {
  const { choice, command } = tracing;
  const owned = new Closers();
  exitOnSignals();
  try {
    const host = await openHost(choice, command.length > 0);
    owned.add(() => host.close());
    const pump = new Pump(await tracing.prepare(host, owned));
    for (const place of command.length > 0 ? host.unreachable() : []) {
      process.stderr.write(`skep: nothing will reach ${place}: a traced command is seen at its system calls only\n`);
    }
    const status = await (tracing.work ? tracing.work(host) : traced(host, tracing));
    await pump.drain();
    return status;
  } finally {
    await owned.close();
  }
}

async function traced(host: Host, { command, onStart }: Tracing): Promise<number> {
  if (command.length === 0) {
    onStart?.();
    return interruption();
  }
  // Ctrl-C is the command's to answer; we end when it has. One that comes before the command is there ends it at once.
  let interrupted = false;
  const note = () => {
    interrupted = true;
  };
  process.on('SIGINT', note);
  try {
    const running = await host.start(command);
    if (interrupted) running.stop();
    onStart?.();
    return await running.status;
  } finally {
    process.off('SIGINT', note);
  }
}

async function interruption(): Promise<number> {
  const signal = untilInterrupted();
  // Waiting for a signal alone is no reason for Node to go on.
  const awake = setInterval(() => {}, LONG_MS);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(awake);
  return 0;
}

/** Keeps the streams running until they are closed. */
class Pump {
  #seen = 0;
  #failure: { error: unknown } | undefined;

  constructor(streams: readonly Stream[]) {
    for (const stream of streams) {
      this.#run(stream).catch((error: unknown) => {
        this.#failure ??= { error };
      });
    }
  }

  async #run(stream: Stream): Promise<void> {
    for (let count = await stream(); count > 0; count = await stream()) this.#seen += count;
  }

  /** Waits until nothing has come for a while. Throws what a stream threw. */
  async drain(): Promise<void> {
    for (let before = -1; before !== this.#seen; ) {
      before = this.#seen;
      await sleep(QUIET_MS);
    }
    if (this.#failure) throw this.#failure.error;
  }
}
