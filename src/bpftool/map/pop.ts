/** bpftool map pop MAP, map dequeue MAP: takes the next value of a stack or queue. */
import { ENOENT } from '../../base/errno.ts';
import { userValueSize } from '../../sys/index.ts';
import { command } from '../command.ts';
import { orFail, ShowUsage } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { entryShape } from './entry.ts';
import { type OneEntry, plainOne, writeOne } from './one-entry.ts';

export const pop = command<OneEntry>({
  async run(context, args) {
    if (args.left < 2) throw new ShowUsage();
    const { fd, info } = await takeMap(context, args);
    const bpf = await context.bpf();
    const key = new Uint8Array();
    const shape = await entryShape(context, info);
    const value = await orFail('pop failed', bpf.mapTake(fd, key, userValueSize(info, shape.cpus)), true);
    return { shape, key, value };
  },
  json: writeOne,
  // On stdout, as bpftool has it: an empty queue is an answer.
  plain: (entry) => (entry.value ? plainOne(entry, entry.value) : 'Error: empty map\n'),
  status: ({ value }) => (value ? 0 : -ENOENT),
});
