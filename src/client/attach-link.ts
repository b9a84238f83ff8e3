/**
 * How a program comes to its place: as a link to it, as a link to a perf event, or, where the kernel is older than that
 * kind of link, in the way that was there before.
 */
import { EINVAL, EOPNOTSUPP } from '../base/errno.ts';
import { BpfError, UnsupportedError } from '../base/errors.ts';
import { Bpf, type Fd, type PerfEventSpec } from '../sys/index.ts';
import { BPF_PERF_EVENT } from '../uapi/generated/constants.ts';
import { Attachment, BpfLink } from './link.ts';
import type { BpfProgram } from './program.ts';

type Where = Omit<Parameters<Bpf['linkCreate']>[0], 'prog_fd'>;

/** `event`: the perf event that the link is to close with itself. */
export async function link(program: BpfProgram, where: Where, event?: Fd): Promise<BpfLink> {
  const { kernel } = program;
  return new BpfLink(kernel, await new Bpf(kernel).linkCreate({ ...where, prog_fd: program.fd }), event);
}

/**
 * A link, or what `before` makes where this kernel has no such link. The link's error is the one that counts: a kernel
 * says EINVAL for what it does not know and for what is wrong.
 */
export async function linkOr(
  program: BpfProgram,
  where: Where,
  before: () => Promise<BpfLink>,
  event?: Fd,
): Promise<BpfLink> {
  try {
    return await link(program, where, event);
  } catch (error) {
    // Flags are those of links; without one nobody would obey them.
    if (!isUnknown(error) || where.flags) throw error;
    try {
      return await before();
    } catch {
      throw error;
    }
  }
}

function isUnknown(error: unknown): boolean {
  if (error instanceof UnsupportedError) return true;
  return error instanceof BpfError && (error.errno === EINVAL || error.errno === EOPNOTSUPP);
}

/** Opens the event and joins the program to it: with a link (Linux 5.15), else by the event's own ioctl. */
export async function onEvent(program: BpfProgram, event: PerfEventSpec, cookie: bigint | undefined): Promise<BpfLink> {
  const { kernel } = program;
  const eventFd = await kernel.perfEventOpen(event);
  try {
    const where = { target_fd: eventFd, attach_type: BPF_PERF_EVENT };
    if (cookie !== undefined) {
      const attr = { ...where, prog_fd: program.fd, perf_event_cookie: cookie };
      return new BpfLink(kernel, await new Bpf(kernel).linkCreate(attr), eventFd);
    }
    return await linkOr(
      program,
      where,
      async () => {
        await kernel.perfEventAttach(eventFd, program.fd);
        return new Attachment(kernel, 'a program at a perf event of this kernel', () => kernel.closeFd(eventFd));
      },
      eventFd,
    );
  } catch (error) {
    await kernel.closeFd(eventFd);
    throw error;
  }
}
