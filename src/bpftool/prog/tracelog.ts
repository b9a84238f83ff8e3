/** bpftool prog tracelog: what programs print, until Ctrl-C. The pipe gives each line to one reader only. */

import { UnsupportedError } from '../../base/errors.ts';
import type { LineReader } from '../../sys/index.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { orFail, ShowUsage } from '../failure.ts';

export const tracelog = command<void>({
  async run(context, args) {
    if (args.is('stdout') || args.is('stderr')) {
      throw new UnsupportedError("'prog tracelog' of a program's own stream", { since: '6.17' });
    }
    if (args.left > 0) throw new ShowUsage();
    const kernel = await context.kernel();
    const reader = await orFail('failed to open trace pipe', kernel.openTracePipe());
    const { interrupted } = context.io;
    // Closing ends the read that waits, and with it the copying.
    let closing: Promise<void> | undefined;
    const stop = () => {
      closing ??= reader.close();
    };
    interrupted.addEventListener('abort', stop, { once: true });
    try {
      await copy(context, reader);
    } finally {
      interrupted.removeEventListener('abort', stop);
      stop();
      await closing;
    }
  },
  json: () => {},
});

async function copy(context: Context, reader: LineReader): Promise<void> {
  context.json?.startArray();
  for (;;) {
    if (context.io.interrupted.aborted) break;
    const lines = await reader.read();
    if (lines.length === 0) break;
    for (const line of lines) {
      if (context.json) context.json.string(`${line}\n`);
      else context.print(`${line}\n`);
    }
    context.flush();
  }
  context.json?.endArray();
}
