/** bpftool map getnext MAP [key DATA]: print the key that follows DATA, or the first key. */
import { ENOENT, strerror } from '../../base/errno.ts';
import { command } from '../command.ts';
import { fail, orFail, ShowUsage } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { hexRows, hexStrings } from '../text/hex.ts';
import { takeElement } from './element.ts';

export const getnext = command<{ key: Uint8Array | null; nextKey: Uint8Array }>({
  async run(context, args) {
    if (args.left < 2) throw new ShowUsage();
    const { fd, info } = await takeMap(context, args);
    const key = args.left > 0 ? (await takeElement(context, args, info, { value: false, flags: false })).key : null;
    const bpf = await context.bpf();
    const nextKey = await orFail("can't get next key", bpf.mapNextKey(fd, key, info.key_size), true);
    if (!nextKey) fail(`can't get next key: ${strerror(ENOENT)}`, 256 - ENOENT);
    return { key, nextKey };
  },
  json: (writer, { key, nextKey }) => {
    writer.startObject();
    if (key) writer.list('key', hexStrings(key));
    else writer.field('key', null);
    writer.list('next_key', hexStrings(nextKey)).endObject();
  },
  plain: ({ key, nextKey }) => `${key ? `key:\n${hexRows(key)}` : 'key: None'}\nnext key:\n${hexRows(nextKey)}\n`,
});
