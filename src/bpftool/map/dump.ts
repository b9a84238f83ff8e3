/** bpftool map dump MAP: every element of one map, or of all maps of a name. */
import { ENOENT, ENOSPC } from '../../base/errno.ts';
import { type Bpf, type Fd, userValueSize } from '../../sys/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY } from '../../uapi/generated/constants.ts';
import type { MapInfo } from '../../uapi/infos.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { errnoIn, reason, ShowUsage, statusOf } from '../failure.ts';
import { type Found, takeMaps } from '../handles.ts';
import { JsonWriter } from '../json-writer.ts';
import { hexStrings } from '../text/hex.ts';
import { holdsMaps } from './element.ts';
import { type EntryShape, entryShape, jsonEntry, plainEntry, plainUnreadable, typedEntry } from './entry.ts';
import { mapHeaderJson, mapHeaderPlain } from './show.ts';

/** Shown as they are read: a map may be larger than what one would hold in memory. */
export const dump = command<number>({
  async run(context, args) {
    if (args.left !== 2) throw new ShowUsage();
    const maps = await takeMaps(context, args);
    const writer = await writerFor(context, maps);
    let status = 0;
    if (writer && maps.length > 1) writer.startArray();
    for (const [i, map] of maps.entries()) {
      status = await dumpOne(context, map, writer, maps.length > 1);
      if (status !== 0) break;
      if (!writer && i + 1 < maps.length) context.print('\n');
    }
    if (writer && maps.length > 1) writer.endArray();
    if (writer && writer !== context.json) writer.end();
    return status;
  },
  json: () => {},
  status: (status) => status,
});

/** JSON, or, where every map has BTF, the pretty text that looks like it; else undefined: hex. */
async function writerFor(context: Context, maps: readonly Found<MapInfo>[]): Promise<JsonWriter | undefined> {
  if (context.json) return context.json;
  if (!maps.every(({ info }) => info.btf_id !== 0)) return undefined;
  return new JsonWriter((text) => context.print(text), true);
}

/** Answers the exit status: that of the key walk. */
async function dumpOne(
  context: Context,
  { fd, info }: Found<MapInfo>,
  writer: JsonWriter | undefined,
  withHeader: boolean,
): Promise<number> {
  const shape = await entryShape(context, info);
  if (writer && withHeader) {
    writer.startObject();
    mapHeaderJson(writer, info);
    writer.name('elements');
  } else if (withHeader) context.print(mapHeaderPlain(info));
  writer?.startArray();

  const bpf = await context.bpf();
  let count = 0;
  let status = 0;
  try {
    for await (const key of bpf.mapKeys(fd, info.key_size)) {
      if (await dumpElement(context, bpf, fd, shape, key, writer)) count++;
    }
  } catch (error) {
    status = statusOf(error);
  }

  writer?.endArray();
  if (writer && withHeader) writer.endObject();
  if (!writer) context.print(`Found ${count} element${count === 1 ? '' : 's'}\n`);
  return status;
}

/** Whether the element had a value that could be read. */
async function dumpElement(
  context: Context,
  bpf: Bpf,
  fd: Fd,
  shape: EntryShape,
  key: Uint8Array,
  writer: JsonWriter | undefined,
): Promise<boolean> {
  const { info, btf } = shape;
  let value: Uint8Array;
  try {
    const answer = await bpf.call('MAP_LOOKUP_ELEM', { map_fd: fd, key, value: userValueSize(info, shape.cpus) });
    value = answer.value;
  } catch (error) {
    showUnreadable(context, shape, key, error, writer);
    return false;
  }
  if (!writer) context.print(plainEntry(shape, key, value));
  else if (writer === context.json) jsonEntry(writer, shape, key, value);
  else if (btf) typedEntry(writer, { ...shape, btf }, key, value, true);
  return true;
}

function showUnreadable(
  context: Context,
  shape: EntryShape,
  key: Uint8Array,
  error: unknown,
  writer: JsonWriter | undefined,
): void {
  const { info } = shape;
  const why = reason(error);
  // Empty slots of maps that hold objects are not news.
  if (holdsMaps(info.type) || info.type === BPF_MAP_TYPE_PROG_ARRAY) return;
  if (writer && writer === context.json) {
    writer.startObject().list('key', hexStrings(key)).name('value');
    writer.startObject().field('error', why).endObject().endObject();
    return;
  }
  const errno = errnoIn(error);
  const unreadable = errno === ENOSPC && info.type === BPF_MAP_TYPE_REUSEPORT_SOCKARRAY;
  context.print(plainUnreadable(shape, key, errno === ENOENT ? '<no entry>' : unreadable ? '<cannot read>' : why));
}
