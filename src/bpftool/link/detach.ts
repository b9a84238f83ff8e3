/** bpftool link detach LINK: the program does not run there any more, although the link lives on. */
import { command } from '../command.ts';
import { fail, orFail } from '../failure.ts';
import { takeLink } from '../handles.ts';

export const detach = command({
  async run(context, args): Promise<void> {
    if (args.left !== 2) fail('link specifier is invalid or missing\n', 1);
    const { fd } = await takeLink(context, args);
    const bpf = await context.bpf();
    await orFail('failed link detach', bpf.linkDetach(fd), true);
  },
});
