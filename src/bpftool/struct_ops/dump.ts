/** bpftool struct_ops dump [MAP]: what a structure holds, by the kernel's types; functions as the programs behind them. */
import type { Btf } from '../../btf/index.ts';
import type { Bpf } from '../../sys/index.ts';
import type { MapInfo } from '../../uapi/infos.ts';
import { writeTyped } from '../btf/typed-value.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { orFail } from '../failure.ts';
import type { Found } from '../handles.ts';
import { JsonWriter } from '../json-writer.ts';
import { fullName } from '../prog/full-name.ts';
import { takeStructOps, typesFor } from './find.ts';
import { functionType } from './function-type.ts';

const KEY = new Uint8Array(4);

/** Text is the same as pretty JSON, but for pointers. */
export const dump = command<void>({
  async run(context, args) {
    const found = await takeStructOps(context, args);
    const writer = context.json ?? new JsonWriter((text) => context.print(text), true);
    if (context.json === undefined || found.asList) writer.startArray();
    const btf = await typesFor(context, found);
    for (const map of found.maps) await dumpOne(context, writer, btf!, map);
    if (context.json === undefined || found.asList) writer.endArray();
    if (writer !== context.json) writer.end();
  },
  json: () => {},
});

async function dumpOne(context: Context, writer: JsonWriter, btf: Btf, { fd, info }: Found<MapInfo>): Promise<void> {
  writer.startObject().name('bpf_map_info');
  writeInfo(writer, btf, info);
  writer.endObject();
  const bpf = await context.bpf();
  const value = await orFail(
    `can't lookup struct_ops map ${info.name} id ${info.id}`,
    bpf.mapLookup(fd, KEY, info.value_size),
  );
  const names = await programNames(bpf);
  writer.startObject().name(btf.type(info.btf_vmlinux_value_type_id)?.name ?? '');
  const pointer = (proto: number, at: bigint): string => {
    const name = at === 0n ? '0' : `${names.get(Number(at)) ?? ''}/prog_id:${at}`;
    return functionType(btf, proto, name);
  };
  writeTyped(writer, btf, info.btf_vmlinux_value_type_id, value ?? new Uint8Array(info.value_size), {
    plain: context.json === undefined,
    functionPointer: pointer,
  });
  writer.endObject();
}

/** `struct bpf_map_info` of the kernel, member by member. */
function writeInfo(writer: JsonWriter, btf: Btf, info: MapInfo): void {
  const type = btf.type(btf.find('bpf_map_info', 'struct'));
  const facts = info as unknown as Readonly<Record<string, string | number | bigint | undefined>>;
  writer.startObject();
  for (const { name } of type?.kind === 'struct' ? type.members : []) {
    if (name !== '') writer.field(name, facts[name] ?? 0);
  }
  writer.endObject();
}

async function programNames(bpf: Bpf): Promise<Map<number, string>> {
  const names = new Map<number, string>();
  for await (const id of bpf.progIds()) {
    await bpf.withFd(bpf.progById(id), async (fd) => {
      names.set(id, await fullName(bpf, fd, await bpf.progInfo(fd)));
    });
  }
  return names;
}
