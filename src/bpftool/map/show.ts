/** bpftool map show [MAP]: one map, or all. */
import type { Fd } from '../../sys/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/generated/constants.ts';
import type { MapInfo } from '../../uapi/infos.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { everyMap, type Found, takeMaps } from '../handles.ts';
import type { JsonWriter } from '../json-writer.ts';
import { MAP_TYPE_NAMES, PROG_TYPE_NAMES } from '../names.ts';
import { type PinPaths, pinPaths } from '../pin-paths.ts';

interface ShownMap {
  readonly info: MapInfo;
  /** Lines of its fdinfo: what bpf_map_info does not say. */
  readonly fd: Readonly<Record<string, string>>;
  readonly pinned: readonly string[];
}

interface Shown {
  readonly maps: readonly ShownMap[];
  /** Whether the answer is a list even if it has one element. */
  readonly asList: boolean;
}

export const show = command<Shown>({
  async run(context, args) {
    const pins = await pinPaths(context, 'map');
    const one = args.left === 2;
    if (args.left > 0 && !one) args.bad();
    const found = one ? await takeMaps(context, args) : await everyMap(context);
    const maps: ShownMap[] = [];
    for (const map of found) maps.push(await shown(context, map, pins));
    return { maps, asList: !one || maps.length > 1 };
  },
  json: (writer, { maps, asList }) => {
    if (asList) writer.startArray();
    for (const map of maps) {
      writer.startObject();
      mapHeaderJson(writer, map.info);
      jsonFacts(writer, map);
      writer.endObject();
    }
    if (asList) writer.endArray();
  },
  plain: ({ maps }) => maps.map((map) => `${mapHeaderPlain(map.info)}\t${plainFacts(map)}\n`).join(''),
});

async function shown(context: Context, { fd, info }: Found<MapInfo>, pins: PinPaths): Promise<ShownMap> {
  return { info, fd: await fdLines(context, fd), pinned: pins?.get(info.id) ?? [] };
}

async function fdLines(context: Context, fd: Fd): Promise<Readonly<Record<string, string>>> {
  return (await context.kernel()).fdInfo(fd);
}

/** `5: hash  name x  flags 0x0` and a newline. */
export function mapHeaderPlain(info: MapInfo): string {
  const name = info.name === '' ? '' : `name ${info.name}  `;
  return `${info.id}: ${MAP_TYPE_NAMES[info.type] ?? `type ${info.type}`}  ${name}flags 0x${info.map_flags.toString(16)}\n`;
}

export function mapHeaderJson(writer: JsonWriter, info: MapInfo): void {
  writer.field('id', info.id).field('type', MAP_TYPE_NAMES[info.type] ?? info.type);
  if (info.name !== '') writer.field('name', info.name);
  writer.field('flags', info.map_flags);
}

function plainFacts({ info, fd, pinned }: ShownMap): string {
  let out = `key ${info.key_size}B  value ${info.value_size}B  max_entries ${info.max_entries}`;
  if (fd['memlock'] !== undefined) out += `  memlock ${fd['memlock']}B`;
  if (info.type === BPF_MAP_TYPE_PROG_ARRAY) {
    const { type, jited } = owner(fd);
    if (type !== undefined || jited !== undefined) out += '\n\t';
    if (type !== undefined) out += `owner_prog_type ${type}  `;
    if (jited !== undefined) out += `owner${jited ? '' : ' not'} jited`;
  }
  for (const path of pinned) out += `\n\tpinned ${path}`;
  const frozen = isFrozen(fd);
  if (info.btf_id !== 0 || frozen) out += '\n\t';
  if (info.btf_id !== 0) out += `btf_id ${info.btf_id}`;
  if (frozen) out += `${info.btf_id !== 0 ? '  ' : ''}frozen`;
  return out;
}

function jsonFacts(writer: JsonWriter, { info, fd, pinned }: ShownMap): void {
  writer.field('bytes_key', info.key_size).field('bytes_value', info.value_size).field('max_entries', info.max_entries);
  if (fd['memlock'] !== undefined) writer.field('bytes_memlock', Number(fd['memlock']));
  if (info.type === BPF_MAP_TYPE_PROG_ARRAY) {
    const { type, jited } = owner(fd);
    if (type !== undefined) writer.field('owner_prog_type', type);
    if (jited !== undefined) writer.field('owner_jited', jited);
  }
  writer.field('frozen', isFrozen(fd) ? 1 : 0);
  if (info.btf_id !== 0) writer.field('btf_id', info.btf_id);
  if (pinned.length > 0) writer.list('pinned', pinned);
}

/** The kind of programs that a prog array holds, once it is bound to one. */
function owner(fd: Readonly<Record<string, string>>): { type: string | undefined; jited: boolean | undefined } {
  const type = fd['owner_prog_type'];
  const jited = fd['owner_jited'];
  return {
    type: type === undefined ? undefined : (PROG_TYPE_NAMES[Number(type)] ?? type),
    jited: jited === undefined ? undefined : Number(jited) !== 0,
  };
}

function isFrozen(fd: Readonly<Record<string, string>>): boolean {
  return Number(fd['frozen'] ?? 0) !== 0;
}
