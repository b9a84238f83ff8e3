/** bpftool prog tracelog [{ stdout | stderr } PROG]: what programs print, until Ctrl-C. The pipe gives each line to one reader only. */

import type { LineReader } from '../../sys/index.ts';
import type { Args } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { orFail, ShowUsage } from '../failure.ts';
import { takeProg } from '../handles.ts';

const STDOUT = 1;
const STDERR = 2;
const CHUNK = 4096;

export const tracelog = command<void>({
  async run(context, args) {
    if (args.take('stdout')) return showStream(context, args, STDOUT);
    if (args.take('stderr')) return showStream(context, args, STDERR);
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

/** What a program wrote into a stream of its own and nobody has read yet. */
async function showStream(context: Context, args: Args, stream: number): Promise<void> {
  if (args.left < 2) throw new ShowUsage();
  const { fd } = await takeProg(context, args);
  const bpf = await context.bpf();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const ask = bpf.call('PROG_STREAM_READ_BY_FD', { prog_fd: fd, stream_id: stream, stream_buf: CHUNK });
    const { ret, stream_buf } = await orFail('failed to read the stream', ask, true);
    if (ret === 0) break;
    text += decoder.decode(stream_buf.subarray(0, ret), { stream: true });
  }
  if (context.json) context.json.string(text);
  else context.print(text);
}

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
