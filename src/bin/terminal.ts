/** Manners of a program at a terminal: closed pipes, Ctrl-C, our own mistakes. */
import { constants } from 'node:os';

/** What a shell shows for a program that a closed pipe ended. */
const SIGPIPE_STATUS = 141;

/** Whoever reads our output may stop at any time (`skep prog show | head`). That is no error of theirs. */
export function endQuietlyOnClosedPipe(): void {
  const end = (name: string) => (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(SIGPIPE_STATUS);
    if (name === 'stdout') process.stderr.write(`Error: cannot write the output: ${error.message}\n`);
    process.exit(1);
  };
  process.stdout.on('error', end('stdout'));
  process.stderr.on('error', end('stderr'));
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * From here on these signals end the process by an exit of its own, so that what has to be cleaned up at an exit is,
 * except while somebody else answers them.
 */
export function exitOnSignals(): void {
  for (const signal of ENDING) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
    });
  }
}

/**
 * A signal that Ctrl-C or a polite kill aborts, once. From the first look at it on, neither ends the process by itself:
 * whoever asks has to come to an end.
 */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return controller.signal;
}

/** For what should never happen: the sentence, and the place for those who ask for it. */
export function reportBug(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const place = process.env['SKEP_DEBUG'] && error instanceof Error ? `\n${error.stack}` : '';
  process.stderr.write(`skep: internal error: ${text}${place}\n`);
  if (place === '') process.stderr.write('Set SKEP_DEBUG=1 to see where.\n');
}

/** How long something may take before a person is told what is going on. */
const PATIENCE_MS = 1000;

/** Waits for `work`; if it takes long and a person is there, says on stderr what it is, and takes it back afterwards. */
export async function withProgress<T>(what: string, work: Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return work;
  let shown = false;
  const timer = setTimeout(() => {
    shown = true;
    process.stderr.write(`skep: ${what} …`);
  }, PATIENCE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    if (shown) process.stderr.write('\r\u001b[K');
  }
}
