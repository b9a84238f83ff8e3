/** bpftool cgroup show CGROUP [effective]: the programs of one cgroup. */
import type { Fd } from '../../sys/index.ts';
import type { Args } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { FAILED, fail, reason } from '../failure.ts';
import { type Attached, attachedTo, headerRow, jsonRow, plainRow } from './attached.ts';

interface Shown {
  readonly programs: readonly Attached[];
  readonly effective: boolean;
}

export const show = command<Shown>({
  async run(context, args) {
    args.need(1);
    const path = args.next();
    const effective = takeEffective(args);
    const fd = await openCgroup(context, path);
    const bpf = await context.bpf();
    try {
      return { programs: await attachedTo(bpf, fd, effective), effective };
    } catch (error) {
      fail(`can't query bpf programs attached to ${path}: ${reason(error)}`, FAILED, error);
    }
  },
  json: (writer, { programs }) => {
    if (programs.length === 0) return;
    writer.startArray();
    for (const program of programs) jsonRow(writer, program);
    writer.endArray();
  },
  plain: ({ programs, effective }) =>
    programs.length === 0 ? '' : headerRow(effective) + programs.map((program) => plainRow(program)).join(''),
});

export function takeEffective(args: Args): boolean {
  let effective = false;
  while (args.left > 0) {
    if (!args.is('effective')) fail(`expected no more arguments, 'effective', got: '${args.peek()}'?`);
    if (effective) fail(`duplicated argument: ${args.peek()}`);
    args.next();
    effective = true;
  }
  return effective;
}

export async function openCgroup(context: Context, path: string): Promise<Fd> {
  const kernel = await context.kernel();
  try {
    return context.own(await kernel.openCgroup(path));
  } catch (error) {
    reason(error); // our own mistakes pass through
    return fail(`can't open cgroup ${path}`);
  }
}
