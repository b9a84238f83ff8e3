/** The two ways in which a program comes to its place: as a link to it, and as a link to a perf event. */
import { Bpf, type PerfEventSpec } from '../sys/index.ts';
import { BPF_PERF_EVENT } from '../uapi/generated/constants.ts';
import { BpfLink } from './link.ts';
import type { BpfProgram } from './program.ts';

type Where = Omit<Parameters<Bpf['linkCreate']>[0], 'prog_fd'>;

export async function link(program: BpfProgram, where: Where): Promise<BpfLink> {
  const { kernel } = program;
  return new BpfLink(kernel, await new Bpf(kernel).linkCreate({ ...where, prog_fd: program.fd }));
}

/** Opens the event and joins the program to it. */
export async function onEvent(program: BpfProgram, event: PerfEventSpec, cookie: bigint | undefined): Promise<BpfLink> {
  const { kernel } = program;
  const eventFd = await kernel.perfEventOpen(event);
  try {
    const fd = await new Bpf(kernel).linkCreate({
      prog_fd: program.fd,
      target_fd: eventFd,
      attach_type: BPF_PERF_EVENT,
      ...(cookie === undefined ? {} : { perf_event_cookie: cookie }),
    });
    return new BpfLink(kernel, fd, eventFd);
  } catch (error) {
    await kernel.closeFd(eventFd);
    throw error;
  }
}
