/** bpftool link show [LINK]: one link, or all. */
import type { LinkInfo } from '../../uapi/infos.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { everyLink, takeLink } from '../handles.ts';
import type { JsonWriter } from '../json-writer.ts';
import { LINK_TYPE_NAMES } from '../names.ts';
import { deviceNames } from '../net-device.ts';
import { pinPaths } from '../pin-paths.ts';
import { type Names, writeFacts } from './facts-json.ts';
import { plainFacts } from './facts-plain.ts';

interface ShownLink {
  readonly info: LinkInfo;
  /** Undefined: not asked for, or nothing is pinned anywhere. */
  readonly pinned: readonly string[] | undefined;
}

interface Shown {
  readonly links: readonly ShownLink[];
  readonly names: Names;
  readonly asList: boolean;
}

export const show = command<Shown>({
  async run(context, args) {
    const pins = await pinPaths(context, 'link');
    const one = args.left === 2;
    if (args.left > 0 && !one) args.bad();
    const found = one ? [await takeLink(context, args)] : await everyLink(context);
    const links = found.map(({ info }) => ({
      info,
      pinned: pins && pins.size > 0 ? (pins.get(info.id) ?? []) : undefined,
    }));
    return { links, names: await namesFor(context, links), asList: !one };
  },
  json: (writer, { links, names, asList }) => {
    if (asList) writer.startArray();
    for (const link of links) writeLink(writer, link, names);
    if (asList) writer.endArray();
  },
  plain: ({ links, names }) =>
    links
      .map(({ info, pinned }) => {
        const pins = (pinned ?? []).map((path) => `\n\tpinned ${path}`).join('');
        return `${info.id}: ${typeName(info)}  ${plainFacts(info, names)}${pins}\n`;
      })
      .join(''),
});

/** Interface names are asked for only where a link has an interface. */
async function namesFor(context: Context, links: readonly ShownLink[]): Promise<Names> {
  const network = links.some(({ info }) => info.xdp || info.tcx || info.netkit);
  return { devices: network ? await deviceNames(context) : new Map() };
}

function writeLink(writer: JsonWriter, { info, pinned }: ShownLink, names: Names): void {
  writer
    .startObject()
    .field('id', info.id)
    .field('type', LINK_TYPE_NAMES[info.type] ?? info.type);
  writeFacts(writer, info, names);
  if (pinned) writer.list('pinned', pinned);
  writer.endObject();
}

function typeName(info: LinkInfo): string {
  return LINK_TYPE_NAMES[info.type] ?? `type ${info.type}`;
}
