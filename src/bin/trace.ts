/**
 * The life of a tracing command: open a kernel, load and attach, run the traced command (or wait for Ctrl-C), print what
 * comes, drain, close everything, and pass the command's exit status on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KernelChoice } from './argv.ts';
import { Closers } from './closers.ts';
import { type Host, openHost } from './host.ts';
import { untilInterrupted } from './terminal.ts';

/** Reads what is there (waiting for it), shows it, and answers how much it was; 0 when the source was closed. */
export type Stream = () => Promise<number>;

/** After the command has ended: so long nothing may come before we believe that nothing more comes. */
const QUIET_MS = 30;

/**
 * `prepare` loads and attaches; what it adds to `owned` is closed, last first, also on failure. Answers the exit status.
 * `work` is what to do while the programs are attached; default: run the command, or wait for Ctrl-C without one.
 */
export async function traceCommand(
  choice: KernelChoice,
  command: readonly string[],
  prepare: (host: Host, owned: Closers) => Promise<readonly Stream[]>,
  work: (host: Host) => Promise<number> = (host) => (command.length > 0 ? runToEnd(host, command) : interruption()),
): Promise<number> {
  const owned = new Closers();
  try {
    const host = await openHost(choice);
    owned.add(() => host.close());
    const pump = new Pump(await prepare(host, owned));
    for (const place of command.length > 0 ? host.unreachable() : []) {
      process.stderr.write(`skep: nothing will reach ${place}: a traced command is seen at its system calls only\n`);
    }
    const status = await work(host);
    await pump.drain();
    return status;
  } finally {
    await owned.close();
  }
}

async function runToEnd(host: Host, command: readonly string[]): Promise<number> {
  // Ctrl-C is the command's to answer; we end when it has.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    const running = await host.start(command);
    return await running.status;
  } finally {
    process.off('SIGINT', ignore);
  }
}

async function interruption(): Promise<number> {
  const signal = untilInterrupted();
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
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
