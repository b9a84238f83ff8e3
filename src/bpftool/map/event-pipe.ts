/** bpftool map event_pipe MAP [cpu N index M]: what programs put into a perf event array, until Ctrl-C. */
import type { EventReader, EventRecord } from '../../sys/index.ts';
import { BPF_MAP_TYPE_PERF_EVENT_ARRAY } from '../../uapi/generated/constants.ts';
import { type Args, parseU32 } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { fail, orFail, ShowUsage } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { hexRows } from '../text/hex.ts';

/** enum perf_event_type of linux/perf_event.h. */
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
const NS_PER_S = 1_000_000_000n;

/** Shown as they come. */
export const eventPipe = command<void>({
  async run(context, args) {
    if (args.left < 2) throw new ShowUsage();
    const { fd, info } = await takeMap(context, args);
    if (info.type !== BPF_MAP_TYPE_PERF_EVENT_ARRAY) fail('map is not a perf event array');
    const only = takePlace(args);
    const kernel = await context.kernel();
    const { interrupted } = context.io;
    const reader = await orFail('failed to open the map for reading', kernel.openPerfBuffer(fd));
    // Closing ends the read that waits, and with it the copying.
    let closing: Promise<void> | undefined;
    const stop = () => {
      closing ??= reader.close();
    };
    interrupted.addEventListener('abort', stop, { once: true });
    try {
      context.json?.startArray();
      await copy(context, reader, only);
      context.note('Stopping...\n');
      context.json?.endArray();
    } finally {
      interrupted.removeEventListener('abort', stop);
      stop();
      await closing;
    }
  },
  json: () => {},
});

/** The one CPU that is asked for, and the slot that its events are said to be in. */
function takePlace(args: Args): { cpu: number; index: number } | undefined {
  let cpu: number | undefined;
  let index: number | undefined;
  while (args.left > 0) {
    if (args.take('cpu')) cpu = parseU32(args, 'CPU ID');
    else if (args.take('index')) index = parseU32(args, 'index');
    else fail(`unknown arg ${args.peek()}`);
  }
  if (cpu === undefined && index === undefined) return undefined;
  if (cpu === undefined || index === undefined) fail('cpu and index must be specified together');
  return { cpu, index };
}

async function copy(
  context: Context,
  reader: EventReader,
  only: { cpu: number; index: number } | undefined,
): Promise<void> {
  while (!context.io.interrupted.aborted) {
    const records = await reader.read();
    if (records.length === 0) break;
    // Neither kernel says when a record was written: it is shown when it is read.
    const readAt = BigInt(Math.round((Date.now() - context.io.bootTime()) * 1e6));
    for (const record of records) {
      if (!only || record.cpu === only.cpu) show(context, record, only?.index ?? record.cpu, readAt);
    }
    context.flush();
  }
}

function show(context: Context, record: EventRecord, index: number, at: bigint): void {
  const { json } = context;
  if ('lost' in record) {
    if (json) json.startObject().field('type', PERF_RECORD_LOST).field('lost', record.lost).endObject();
    else context.print(`lost ${record.lost} events\n`);
    return;
  }
  const { cpu, data } = record;
  if (json) {
    json.startObject().field('type', PERF_RECORD_SAMPLE).field('cpu', cpu).field('index', index);
    json.field('timestamp', at).list('data', data).endObject();
    return;
  }
  const time = `${at / NS_PER_S}.${String(at % NS_PER_S).padStart(9, '0')}`;
  context.print(`== @${time} CPU: ${cpu} index: ${index} =====\n${hexRows(data)}\n`);
}
