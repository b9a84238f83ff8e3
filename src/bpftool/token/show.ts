/** bpftool token show: what the mounts of the bpf file system allow to those who get a token from them. */
import { command } from '../command.ts';

interface Delegation {
  readonly mount: string;
  /** What is allowed, by kind, in the order in which it is shown. */
  readonly allowed: readonly (readonly [kind: string, names: readonly string[]])[];
}

const OPTIONS = ['cmds', 'maps', 'progs', 'attachs'] as const;
const PER_LINE = 4;
const COLUMN = 20;

export const show = command<readonly Delegation[]>({
  async run(context) {
    // Mounts are the machine's: another kernel's file system delegates nothing.
    if ((await context.kernel()).kind !== 'linux') return [];
    const mounts = new TextDecoder().decode(await context.io.readFile('/proc/mounts'));
    return mounts.split('\n').flatMap(delegation);
  },
  json: (writer, delegations) => {
    writer.startArray();
    for (const { mount, allowed } of delegations) {
      writer.startObject().field('token_info', mount);
      for (const [kind, names] of allowed) writer.list(`allowed_${kind}`, names);
      writer.endObject();
    }
    writer.endArray();
  },
  plain: (delegations) =>
    delegations
      .map(({ mount, allowed }) => {
        const parts = allowed.map(([kind, names]) => `\n\tallowed_${kind}:\n\t  ${columns(names)}`);
        return `token_info  ${mount}${parts.join('')}\n`;
      })
      .join(''),
});

/** A line of /proc/mounts, where it is such a mount. Blanks in its path are written as octal numbers. */
function delegation(line: string): Delegation[] {
  const [, path = '', type, options = ''] = line.split(' ');
  if (type !== 'bpf') return [];
  const given = options.split(',').map((option) => option.split('='));
  const allowed = OPTIONS.flatMap((kind) => {
    const names = given.find(([name]) => name === `delegate_${kind}`)?.[1];
    return names === undefined ? [] : [[kind, names.split(':')] as const];
  });
  const mount = path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
  return allowed.length > 0 ? [{ mount, allowed }] : [];
}

function columns(names: readonly string[]): string {
  return names.map((name, i) => (i > 0 && i % PER_LINE === 0 ? '\n\t  ' : '') + name.padEnd(COLUMN)).join('');
}
