/** bpftool cgroup tree [ROOT] [effective]: the programs of a cgroup and of all below it. */
import type { Args } from '../args.ts';
import { isPrefix } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { FAILED, fail, reason } from '../failure.ts';
import { type Attached, attachedTo, headerRow, jsonRow, plainRow } from './attached.ts';
import { takeEffective } from './show.ts';

interface Group {
  readonly path: string;
  readonly isRoot: boolean;
  readonly programs: readonly Attached[];
}

interface Tree {
  readonly groups: readonly Group[];
  readonly effective: boolean;
}

const INDENT = ' '.repeat(4);

export const tree = command<Tree>({
  async run(context, args) {
    const root = await takeRoot(context, args);
    const effective = takeEffective(args);
    const groups: Group[] = [];
    await walk(context, root, effective, groups, true);
    return { groups, effective };
  },
  json: (writer, { groups }) => {
    writer.startArray();
    for (const { path, programs } of groups) {
      writer.startObject().field('cgroup', path).name('programs').startArray();
      for (const program of programs) jsonRow(writer, program);
      writer.endArray().endObject();
    }
    writer.endArray();
  },
  plain: ({ groups, effective }) =>
    `CgroupPath\n${headerRow(effective)}${groups
      .map(
        ({ path, isRoot, programs }) =>
          `${path}\n${programs.map((program) => plainRow(program, isRoot ? '' : INDENT)).join('')}`,
      )
      .join('')}`,
});

async function takeRoot(context: Context, args: Args): Promise<string> {
  const word = args.peek();
  if (word !== undefined && !(args.left === 1 && isPrefix(word, 'effective'))) return args.next();
  const mounts = new TextDecoder().decode(await context.io.readFile('/proc/mounts'));
  const found = mounts.split('\n').map((line) => line.split(' '));
  return found.find(([, , type]) => type === 'cgroup2')?.[1] ?? fail("cgroup v2 isn't mounted");
}

/** Cgroups without programs are not shown; those that the kernel does not know have none. */
async function walk(
  context: Context,
  path: string,
  effective: boolean,
  groups: Group[],
  isRoot: boolean,
): Promise<void> {
  const kernel = await context.kernel();
  const bpf = await context.bpf();
  let programs: readonly Attached[] = [];
  try {
    programs = await bpf.withFd(kernel.openCgroup(path), (fd) => attachedTo(bpf, fd, effective));
  } catch (error) {
    const why = reason(error);
    if (isRoot) fail(`can't open cgroup ${path}: ${why}`, FAILED, error);
  }
  if (programs.length > 0) groups.push({ path, isRoot, programs });
  for (const name of await context.io.directories(path).catch(nothing)) {
    await walk(context, `${path}/${name}`, effective, groups, false);
  }
}

/** A cgroup may go away while it is looked at. */
function nothing(error: unknown): string[] {
  reason(error);
  return [];
}
