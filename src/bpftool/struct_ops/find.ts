/** Maps of type struct_ops: how the command line names them, and which structure of the kernel each one fills in. */

import type { Btf } from '../../btf/index.ts';
import { KernelTypes } from '../../client/index.ts';
import { BPF_MAP_TYPE_STRUCT_OPS } from '../../uapi/generated/constants.ts';
import type { MapInfo } from '../../uapi/infos.ts';
import { type Args, parseU32 } from '../args.ts';
import type { Context } from '../context.ts';
import { fail, orFail, ShowUsage } from '../failure.ts';
import { everyMap, type Found } from '../handles.ts';

export const VALUE_PREFIX = 'bpf_struct_ops_';

/** One map that was asked for by id, or a list of those that fit. */
export interface StructOpsMaps {
  readonly maps: readonly Found<MapInfo>[];
  readonly asList: boolean;
}

/** `[id N | name NAME]`: all of them where nothing is said. A name that nothing has is an error. */
export async function takeStructOps(context: Context, args: Args): Promise<StructOpsMaps> {
  if (args.left === 0) return { maps: await ofType(context), asList: true };
  if (args.left !== 2) throw new ShowUsage();
  if (args.take('id')) {
    const id = parseU32(args, 'map id');
    const bpf = await context.bpf();
    const fd = context.own(await orFail(`can't get map by id (${id})`, bpf.mapById(id)));
    const info = await orFail(`can't get map info by id (${id})`, bpf.mapInfo(fd));
    if (info.type !== BPF_MAP_TYPE_STRUCT_OPS) fail(`${info.name} id ${id} is not a struct_ops map`);
    return { maps: [{ fd, info }], asList: false };
  }
  if (!args.take('name')) throw new ShowUsage();
  const name = args.next();
  const maps = (await ofType(context)).filter(({ info }) => info.name === name);
  if (maps.length === 0) fail(`no struct_ops found for ${name}`);
  return { maps, asList: true };
}

async function ofType(context: Context): Promise<Found<MapInfo>[]> {
  return everyMap(context, ({ type }) => type === BPF_MAP_TYPE_STRUCT_OPS);
}

/** The kernel's own types, where there is anything to look up in them. */
export async function typesFor(context: Context, { maps }: StructOpsMaps): Promise<Btf | undefined> {
  return maps.length === 0 ? undefined : orFail('no BTF of the kernel', new KernelTypes(await context.bpf()).btf());
}

/** The structure: `tcp_congestion_ops`. */
export function structureOf(btf: Btf, info: MapInfo): string {
  const name = btf.type(info.btf_vmlinux_value_type_id)?.name ?? '';
  return name.startsWith(VALUE_PREFIX) ? name.slice(VALUE_PREFIX.length) : name;
}
