/** bpftool struct_ops show [MAP]: which structures are there. */
import { command } from '../command.ts';
import { structureOf, takeStructOps, typesFor } from './find.ts';

interface Shown {
  readonly rows: readonly { id: number; name: string; structure: string }[];
  readonly asList: boolean;
}

export const show = command<Shown>({
  async run(context, args) {
    const found = await takeStructOps(context, args);
    const btf = await typesFor(context, found);
    const rows = found.maps.map(({ info }) => ({ id: info.id, name: info.name, structure: structureOf(btf!, info) }));
    return { rows, asList: found.asList };
  },
  json(writer, { rows, asList }) {
    if (asList) writer.startArray();
    for (const { id, name, structure } of rows) {
      writer.startObject().field('id', id).field('name', name).field('kernel_struct_ops', structure).endObject();
    }
    if (asList) writer.endArray();
  },
  plain: ({ rows }) =>
    rows.map(({ id, name, structure }) => `${id}: ${name.padEnd(15)} ${structure.padEnd(32)}\n`).join(''),
});
