/** bpftool map lookup MAP [key DATA], map peek MAP: the value of a key, or what a queue would give next. */
import { ENOENT } from '../../base/errno.ts';
import { userValueSize } from '../../sys/index.ts';
import { command } from '../command.ts';
import { orFail, ShowUsage } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { hexRows } from '../text/hex.ts';
import { takeElement } from './element.ts';
import { entryShape } from './entry.ts';
import { type OneEntry, plainOne, writeOne } from './one-entry.ts';

export const lookup = command<OneEntry>({
  async run(context, args) {
    if (args.left < 2) throw new ShowUsage();
    const { fd, info } = await takeMap(context, args);
    const { key } = await takeElement(context, args, info, { value: false, flags: false });
    const bpf = await context.bpf();
    const shape = await entryShape(context, info);
    const size = userValueSize(info, shape.cpus);
    return { shape, key, value: await orFail('lookup failed', bpf.mapLookup(fd, key, size), true) };
  },
  json: writeOne,
  plain: (entry) => (entry.value ? plainOne(entry, entry.value) : `key:\n${hexRows(entry.key)}\n\nNot found\n`),
  status: ({ value }) => (value ? 0 : -ENOENT),
});
