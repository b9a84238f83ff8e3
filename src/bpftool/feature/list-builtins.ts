/** bpftool feature list_builtins GROUP: the names the tool knows, whatever the kernel has. */
import { HELPER_IDS } from '../../uapi/generated/helper-ids.ts';
import { command } from '../command.ts';
import { fail, ShowUsage } from '../failure.ts';
import { ATTACH_TYPE_NAMES, LINK_TYPE_NAMES, MAP_TYPE_NAMES, PROG_TYPE_NAMES } from '../names.ts';

const GROUPS: Readonly<Record<string, () => readonly string[]>> = {
  prog_types: () => PROG_TYPE_NAMES,
  map_types: () => MAP_TYPE_NAMES,
  attach_types: () => ATTACH_TYPE_NAMES,
  link_types: () => LINK_TYPE_NAMES,
  helpers: () => ['bpf_unspec', ...Object.keys(HELPER_IDS).map((name) => `bpf_${name}`)],
};

export const listBuiltins = command({
  async run(_context, args): Promise<readonly string[]> {
    if (args.left === 0) throw new ShowUsage();
    const group = Object.keys(GROUPS).find((name) => args.is(name));
    if (group === undefined) {
      const [last, ...rest] = Object.keys(GROUPS).reverse();
      const first = rest.reverse().map((name) => `'${name}'`);
      fail(`expected ${first.join(', ')} or '${last}', got: ${args.peek()}`);
    }
    return GROUPS[group]!();
  },
  json: (writer, names) => void writer.values(names),
  plain: (names) => names.map((name) => `${name}\n`).join(''),
});
