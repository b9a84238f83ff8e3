/** bpftool map freeze MAP: no more writes from user space. */
import { command } from '../command.ts';
import { orFail } from '../failure.ts';
import { takeMap } from '../handles.ts';

export const freeze = command({
  async run(context, args): Promise<void> {
    args.need(2);
    const { fd } = await takeMap(context, args);
    if (args.left > 0) args.bad();
    const bpf = await context.bpf();
    await orFail('failed to freeze map', bpf.mapFreeze(fd), true);
  },
});
