/** bpftool cgroup attach CGROUP TYPE PROG [multi | override], cgroup detach CGROUP TYPE PROG. */
import { BPF_F_ALLOW_MULTI, BPF_F_ALLOW_OVERRIDE } from '../../uapi/flags.ts';
import type { Args } from '../args.ts';
import { command } from '../command.ts';
import { fail, reason } from '../failure.ts';
import { takeProg } from '../handles.ts';
import { openCgroup } from './show.ts';
import { takeCgroupType } from './types.ts';

export const attach = command<void>({
  async run(context, args) {
    if (args.left < 4) fail('too few parameters for cgroup attach');
    const target_fd = await openCgroup(context, args.next());
    const attach_type = takeCgroupType(args);
    const { fd } = await takeProg(context, args);
    const attach_flags = takeFlags(args);
    const bpf = await context.bpf();
    try {
      await bpf.progAttach({ target_fd, attach_type, attach_bpf_fd: fd, attach_flags });
    } catch (error) {
      reason(error);
      fail('failed to attach program');
    }
  },
});

export const detach = command<void>({
  async run(context, args) {
    if (args.left < 4) fail('too few parameters for cgroup detach');
    const target_fd = await openCgroup(context, args.next());
    const attach_type = takeCgroupType(args);
    const { fd } = await takeProg(context, args);
    const bpf = await context.bpf();
    try {
      await bpf.progDetach({ target_fd, attach_type, attach_bpf_fd: fd });
    } catch (error) {
      reason(error);
      fail('failed to detach program');
    }
  },
});

function takeFlags(args: Args): number {
  let flags = 0;
  while (args.left > 0) {
    if (args.take('multi')) flags |= BPF_F_ALLOW_MULTI;
    else if (args.take('override')) flags |= BPF_F_ALLOW_OVERRIDE;
    else fail(`unknown option: ${args.peek()}`);
  }
  return flags;
}
