/** bpftool struct_ops unregister MAP: the kernel lets go of a structure. Those that a link registered stay. */
import { command } from '../command.ts';
import { reason, ShowUsage } from '../failure.ts';
import { structureOf, takeStructOps, typesFor } from './find.ts';

const KEY = new Uint8Array(4);

export const unregister = command<boolean>({
  async run(context, args) {
    if (args.left !== 2) throw new ShowUsage();
    const found = await takeStructOps(context, args);
    const btf = await typesFor(context, found);
    const bpf = await context.bpf();
    let all = true;
    for (const { fd, info } of found.maps) {
      const what = `${structureOf(btf!, info)} ${info.name} id ${info.id}`;
      try {
        await bpf.call('MAP_DELETE_ELEM', { map_fd: fd, key: KEY });
        if (!context.json) context.note(`Unregistered ${what}\n`);
      } catch (error) {
        context.printError(`can't unload ${what}: ${reason(error)}`);
        all = false;
      }
    }
    return all;
  },
  status: (all) => (all ? 0 : 255),
});
