/** Lines of tracefs's trace_pipe: what bpf_trace_printk prints. Reading takes them away from other readers. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { EACCES, EIO, errnoOf } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import type { LineReader } from '../sys/index.ts';
import { tracefs } from './tracefs.ts';

const CHUNK = 1 << 16;
/** trace_pipe cannot be waited for with epoll on every kernel: an empty pipe is looked at again after this time. */
const PAUSE_MS = 50;
/** Most pieces of old lines that are dropped: what the buffers of some CPUs hold. */
const MOST_OLD = 1024;

/** `fromNow`: without the lines that are there already. */
export function openTracePipe(fromNow: boolean): LineReader {
  const file = `${tracefs()}/trace_pipe`;
  const fd = openPipe(file);
  const buffer = Buffer.alloc(CHUNK);
  let rest = '';
  let open = true;
  let wake: (() => void) | undefined;

  /** The whole lines that are there. */
  function take(): string[] {
    for (;;) {
      let size: number;
      try {
        size = readSync(fd, buffer);
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code === 'EAGAIN') return [];
        throw e;
      }
      if (size === 0) return [];
      const lines = (rest + buffer.toString('utf8', 0, size)).split('\n');
      rest = lines.pop()!;
      if (lines.length > 0) return lines;
    }
  }

  // Somebody may print faster than lines can be dropped.
  for (let n = 0; fromNow && n < MOST_OLD && take().length > 0; n++);
  return {
    async read() {
      while (open) {
        const lines = take();
        if (lines.length > 0) return lines;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, PAUSE_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return [];
    },
    async close() {
      if (!open) return;
      open = false;
      closeSync(fd);
      wake?.();
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

function openPipe(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const errno = errnoOf((cause as NodeJS.ErrnoException).code ?? '') ?? EIO;
    const hint = errno === EACCES ? `${file} can be read by root alone` : file;
    throw new BpfError('open', errno, hint, { cause });
  }
}
