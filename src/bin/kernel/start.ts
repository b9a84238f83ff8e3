/** `skep kernel start`: in a process of its own, or with `--foreground` in this one. */
import { UsageError } from '../../base/errors.ts';
import { isServed, KernelRunningError, runUserKernel, startUserKernel, userSocket } from '../../remote/index.ts';
import { untilInterrupted, withProgress } from '../terminal.ts';
import { removePid, writePid } from './pid-file.ts';
import { serverCommand } from './server-command.ts';

export async function start(words: readonly string[]): Promise<number> {
  const [word] = words;
  if (word === '--foreground') return serve();
  if (word !== undefined) throw new UsageError(`what is '${word}'? skep kernel start [--foreground]`);
  const path = userSocket();
  if (await isServed(path)) throw new KernelRunningError(path);
  await withProgress('starting your kernel', startUserKernel(serverCommand()));
  process.stderr.write(`Your kernel runs at ${path}\n`);
  return 0;
}

/** This process is the kernel from here on. */
async function serve(): Promise<number> {
  const { createKernel } = await import('../../kernel/index.ts');
  const signal = untilInterrupted();
  // The terminal that started us may close; we live on.
  process.on('SIGHUP', () => {});
  const kernel = createKernel({ warn: (message) => void process.stderr.write(`skep: ${message}\n`) });
  if (await isServed(userSocket())) throw new KernelRunningError(userSocket());
  writePid(process.pid);
  try {
    await runUserKernel(kernel, { signal });
  } finally {
    removePid(process.pid);
  }
  return 0;
}
