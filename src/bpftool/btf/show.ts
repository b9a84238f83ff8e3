/** bpftool btf show [id N]: the BTF objects of the kernel and who uses them. */

import { ENOENT } from '../../base/errno.ts';
import type { BtfInfo } from '../../uapi/infos.ts';
import { parseU32 } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { CommandError, errnoIn, fail, orFail, reason, statusOf } from '../failure.ts';
import { everyMap, everyProg } from '../handles.ts';

interface ShownBtf {
  readonly info: BtfInfo;
  readonly progs: readonly number[];
  readonly maps: readonly number[];
}

export const show = command<{ all: readonly ShownBtf[]; asList: boolean }>({
  async run(context, args) {
    const one = args.left === 2;
    if (args.left > 0 && !one) args.bad();
    const infos = one
      ? [await takeOne(context, args.take('id') ? parseU32(args, 'ID') : wrongWord(args.peek()))]
      : await everyBtf(context);
    const users = await usersOf(context);
    const all = infos.map((info) => ({
      info,
      progs: users.progs.get(info.id) ?? [],
      maps: users.maps.get(info.id) ?? [],
    }));
    return { all, asList: !one };
  },
  json: (writer, { all, asList }) => {
    if (asList) writer.startArray();
    for (const { info, progs, maps } of all) {
      writer.startObject().field('id', info.id).field('size', info.btf_size);
      writer.list('prog_ids', progs).list('map_ids', maps).field('kernel', info.kernel_btf);
      if (info.name !== '') writer.field('name', info.name);
      writer.endObject();
    }
    if (asList) writer.endArray();
  },
  plain: ({ all }) => all.map(plainLine).join(''),
});

function wrongWord(word: string | undefined): never {
  return fail(`expected 'id', got: '${word}'?`);
}

async function takeOne(context: Context, id: number): Promise<BtfInfo> {
  const bpf = await context.bpf();
  const fd = context.own(await orFail(`can't get BTF object by id (${id})`, bpf.btfById(id)));
  return bpf.btfInfo(fd);
}

async function everyBtf(context: Context): Promise<BtfInfo[]> {
  const bpf = await context.bpf();
  const out: BtfInfo[] = [];
  try {
    for await (const id of bpf.btfIds()) {
      try {
        out.push(await bpf.withFd(bpf.btfById(id), (fd) => bpf.btfInfo(fd)));
      } catch (error) {
        if (errnoIn(error) !== ENOENT) throw error;
      }
    }
  } catch (error) {
    throw new CommandError(`can't get next BTF object: ${reason(error)}`, statusOf(error), error);
  }
  return out;
}

/** BTF id -> ids of programs, and of maps. */
async function usersOf(context: Context): Promise<{ progs: Map<number, number[]>; maps: Map<number, number[]> }> {
  const byBtf = (found: readonly { info: { id: number; btf_id: number } }[]) => {
    const out = new Map<number, number[]>();
    for (const { info } of found) {
      if (info.btf_id === 0) continue;
      out.set(info.btf_id, [...(out.get(info.btf_id) ?? []), info.id]);
    }
    return out;
  };
  return { progs: byBtf(await everyProg(context)), maps: byBtf(await everyMap(context)) };
}

function plainLine({ info, progs, maps }: ShownBtf): string {
  const name = info.kernel_btf ? `[${info.name}]` : info.name === '' ? '<anon>' : info.name;
  let out = `${info.id}: name ${name}  size ${info.btf_size}B`;
  if (progs.length > 0) out += `  prog_ids ${progs.join(',')}`;
  if (maps.length > 0) out += `  map_ids ${maps.join(',')}`;
  return `${out}\n`;
}
