/** bpftool map create FILE type TYPE key N value N entries N name NAME [flags N] [inner_map MAP] [offload_dev NAME]. */
import type { Attr } from '../../uapi/commands.ts';
import { type Args, parseU32 } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { fail, orFail } from '../failure.ts';
import { takeMap } from '../handles.ts';
import { MAP_TYPE_NAMES } from '../names.ts';
import { deviceIndex } from '../net-device.ts';
import { pinAt } from '../pinning.ts';

const NAME_MAX = 15;

/** Words that a number follows: the field, and what the number is. */
const NUMBERS = {
  key: ['key_size', 'key size'],
  value: ['value_size', 'value size'],
  entries: ['max_entries', 'max entries'],
  flags: ['map_flags', 'flags'],
} as const;

export const create = command({
  async run(context, args): Promise<void> {
    args.need(7);
    const path = args.next();
    const attr = await takeDefinition(context, args);
    const bpf = await context.bpf();
    const fd = context.own(await orFail('map create failed', bpf.mapCreate(attr)));
    await pinAt(context, fd, path);
  },
});

async function takeDefinition(context: Context, args: Args): Promise<Attr<'MAP_CREATE'>> {
  const attr: Attr<'MAP_CREATE'> = {};
  while (args.left > 0) {
    args.need(2);
    const number = Object.entries(NUMBERS).find(([word]) => args.is(word))?.[1];
    if (args.take('type')) {
      if (attr.map_type) fail('map type already specified');
      const word = args.next();
      // No prefixes here: a new type must not change what an old script means.
      attr.map_type = MAP_TYPE_NAMES.indexOf(word);
      if (attr.map_type < 0) fail(`unrecognized map type: ${word}`);
    } else if (args.take('name')) {
      attr.map_name = args.next();
      if (attr.map_name.length > NAME_MAX && !context.json) {
        context.note(`Warning: map name is longer than ${NAME_MAX} characters, it will be truncated.\n`);
      }
    } else if (number) {
      const [field, what] = number;
      args.next();
      if (attr[field]) fail(`${what} already specified`);
      attr[field] = parseU32(args, what);
    } else if (args.is('dev') || args.is('offload_dev')) {
      if (args.is('dev')) warnOfDev(context);
      args.next();
      if (attr.map_ifindex) fail('offload device already specified');
      attr.map_ifindex = await deviceIndex(context, args.next());
    } else if (args.take('inner_map')) {
      attr.inner_map_fd = (await takeMap(context, args)).fd;
    } else {
      fail(`unknown arg ${args.peek()}`);
    }
  }
  if (!attr.map_name) fail('map name not specified');
  return attr;
}

function warnOfDev(context: Context): void {
  if (context.json) return;
  context.note(
    "Warning: 'bpftool map create [...] dev <ifname>' syntax is deprecated.\n" +
      "Going further, please use 'offload_dev <ifname>' to request hardware offload for the map.\n",
  );
}
