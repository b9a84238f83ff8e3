/** bpftool map delete MAP key DATA. */
import { ENOENT, strerror } from '../../base/errno.ts';
import { command } from '../command.ts';
import { fail, orFail, ShowUsage } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { takeElement } from './element.ts';

export const deleteKey = command({
  async run(context, args): Promise<void> {
    if (args.left < 2) throw new ShowUsage();
    const { fd, info } = await takeMap(context, args);
    if (info.key_size === 0 && args.left === 0) fail('did not find key');
    const { key } = await takeElement(context, args, info, { value: false, flags: false });
    const bpf = await context.bpf();
    const was = await orFail('delete failed', bpf.mapDelete(fd, key), true);
    if (!was) fail(`delete failed: ${strerror(ENOENT)}`, 256 - ENOENT);
  },
});
