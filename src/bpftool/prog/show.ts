/** bpftool prog show [PROG]: one program, several of a name or tag, or all. */
import { toHex } from '../../base/bytes.ts';
import type { ProgInfo } from '../../uapi/infos.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { everyProg, type Found, takeProgs } from '../handles.ts';
import type { JsonWriter } from '../json-writer.ts';
import { PROG_TYPE_NAMES } from '../names.ts';
import { type PinPaths, pinPaths } from '../pin-paths.ts';
import { localTime } from '../text/time.ts';
import { fullName } from './full-name.ts';

interface ShownProg {
  readonly info: ProgInfo;
  readonly name: string;
  /** Milliseconds of the epoch. */
  readonly loadedAt: number;
  readonly loadedAtText: string;
  /** Bytes it keeps locked, from its fdinfo. */
  readonly memlock: string | undefined;
  readonly pinned: readonly string[];
}

export const show = command<{ progs: readonly ShownProg[]; asList: boolean }>({
  async run(context, args) {
    const pins = await pinPaths(context, 'prog');
    const one = args.left === 2;
    if (args.left > 0 && !one) args.bad();
    const found = one ? await takeProgs(context, args) : await everyProg(context);
    const progs: ShownProg[] = [];
    for (const prog of found) progs.push(await shown(context, prog, pins));
    return { progs, asList: !one || progs.length > 1 };
  },
  json: (writer, { progs, asList }) => {
    if (asList) writer.startArray();
    for (const prog of progs) {
      writer.startObject();
      headerJson(writer, prog.info, prog.name);
      jsonFacts(writer, prog);
      writer.endObject();
    }
    if (asList) writer.endArray();
  },
  plain: ({ progs }) => progs.map((prog) => headerPlain(prog.info, prog.name) + plainFacts(prog)).join(''),
});

async function shown(context: Context, { fd, info }: Found<ProgInfo>, pins: PinPaths): Promise<ShownProg> {
  const kernel = await context.kernel();
  const loadedAt = context.io.bootTime() + Number(info.load_time) / 1e6;
  return {
    info,
    name: await fullName(await context.bpf(), fd, info),
    loadedAt,
    loadedAtText: localTime(loadedAt, context.io.zoneMinutes(loadedAt)),
    memlock: (await kernel.fdInfo(fd))['memlock'],
    pinned: pins?.get(info.id) ?? [],
  };
}

/** `5: xdp  name x  tag 0123456789abcdef  gpl` and a newline. */
export function headerPlain(info: ProgInfo, name: string): string {
  let out = `${info.id}: ${PROG_TYPE_NAMES[info.type] ?? `type ${info.type}`}  `;
  if (name !== '') out += `name ${name}  `;
  out += `tag ${toHex(info.tag)}`;
  if (info.gpl_compatible) out += '  gpl';
  if (info.run_time_ns > 0n) out += ` run_time_ns ${info.run_time_ns} run_cnt ${info.run_cnt}`;
  if (info.recursion_misses > 0n) out += ` recursion_misses ${info.recursion_misses}`;
  return `${out}\n`;
}

export function headerJson(writer: JsonWriter, info: ProgInfo, name: string): void {
  writer.field('id', info.id).field('type', PROG_TYPE_NAMES[info.type] ?? info.type);
  if (name !== '') writer.field('name', name);
  writer.field('tag', toHex(info.tag)).field('gpl_compatible', info.gpl_compatible);
  if (info.run_time_ns > 0n) writer.field('run_time_ns', info.run_time_ns).field('run_cnt', info.run_cnt);
  if (info.recursion_misses > 0n) writer.field('recursion_misses', info.recursion_misses);
}

function plainFacts({ info, loadedAtText, memlock, pinned }: ShownProg): string {
  let out = `\tloaded_at ${loadedAtText}  uid ${info.created_by_uid}\n`;
  out += `\txlated ${info.xlated_prog_len}B`;
  out += info.jited_prog_len > 0 ? `  jited ${info.jited_prog_len}B` : '  not jited';
  if (memlock !== undefined) out += `  memlock ${memlock}B`;
  if (info.map_ids.length > 0) out += `  map_ids ${info.map_ids.join(',')}`;
  for (const path of pinned) out += `\n\tpinned ${path}`;
  if (info.btf_id !== 0) out += `\n\tbtf_id ${info.btf_id}`;
  return `${out}\n`;
}

function jsonFacts(writer: JsonWriter, { info, loadedAt, memlock, pinned }: ShownProg): void {
  writer.field('loaded_at', Math.floor(loadedAt / 1000)).field('uid', info.created_by_uid);
  // Programs of a device that is gone; no kernel that answers here has offloaded ones.
  writer.field('orphaned', false);
  writer.field('bytes_xlated', info.xlated_prog_len).field('jited', info.jited_prog_len > 0);
  if (info.jited_prog_len > 0) writer.field('bytes_jited', info.jited_prog_len);
  if (memlock !== undefined) writer.field('bytes_memlock', Number(memlock));
  if (info.map_ids.length > 0) writer.list('map_ids', info.map_ids);
  if (info.btf_id !== 0) writer.field('btf_id', info.btf_id);
  if (pinned.length > 0) writer.list('pinned', pinned);
}
