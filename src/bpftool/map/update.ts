/** bpftool map update MAP [key DATA] [value VALUE] [any | exist | noexist]; map push, enqueue without the key. */
import { command } from '../command.ts';
import { orFail, ShowUsage } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { takeElement } from './element.ts';

export const update = command({
  async run(context, args): Promise<void> {
    if (args.left < 2) throw new ShowUsage();
    const { fd, info } = await takeMap(context, args);
    const { key, value, flags } = await takeElement(context, args, info, { value: true, flags: true });
    const bpf = await context.bpf();
    await orFail('update failed', bpf.mapUpdate(fd, key, value, flags), true);
  },
});
