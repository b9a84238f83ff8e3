/** bpftool struct_ops register OBJ [LINK_DIR]: loads an object and registers its structures; links are pinned there. */
import { SkepError } from '../../base/errors.ts';
import { type BpfMap, loadCollection } from '../../client/index.ts';
import { BPF_F_LINK } from '../../uapi/flags.ts';
import { BPF_MAP_TYPE_STRUCT_OPS } from '../../uapi/generated/constants.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { fail, orFail, reason } from '../failure.ts';
import { openObject, parse } from '../object-file.ts';
import { makeDirectories } from '../pinning.ts';
import { structureOf, typesFor } from './find.ts';

export const register = command<boolean>({
  async run(context, args) {
    args.need(1);
    const object = args.next();
    const folder = args.left > 0 ? args.next() : undefined;
    if (args.left > 0) args.bad();
    const spec = parse(context, object, await openObject(context, object));
    const names = [...spec.maps.values()].filter(({ type }) => type === BPF_MAP_TYPE_STRUCT_OPS);
    const kernel = await context.kernel();
    if (folder !== undefined) await makeDirectories(context, kernel, folder, folder);
    const collection = await loadCollection(kernel, spec).catch((error: unknown) => {
      if (!(error instanceof SkepError)) throw error;
      context.note(`skep: ${error.message}\n`);
      return fail('failed to load object file');
    });
    try {
      if (names.length === 0) fail(`no struct_ops found in ${object}`);
      let all = true;
      for (const { name } of names) all = (await registerOne(context, collection.map(name), folder)) && all;
      return all;
    } finally {
      await collection.close();
    }
  },
  status: (all) => (all ? 0 : 255),
});

/** What is registered stays so: by itself, or by the pin of its link. */
async function registerOne(context: Context, map: BpfMap, folder: string | undefined): Promise<boolean> {
  const info = await map.info();
  try {
    const attached = await map.attach();
    if ((info.map_flags & BPF_F_LINK) !== 0) {
      if (folder !== undefined) {
        await orFail(`can't pin link ${map.name} to ${folder}/${map.name}`, attached.pin(`${folder}/${map.name}`));
      }
      await attached.close();
    }
    const btf = await typesFor(context, { maps: [{ fd: map.fd, info }], asList: false });
    if (!context.json) context.note(`Registered ${structureOf(btf!, info)} ${map.name} id ${info.id}\n`);
    return true;
  } catch (error) {
    context.printError(`can't register struct_ops ${map.name}: ${reason(error)}`);
    return false;
  }
}
