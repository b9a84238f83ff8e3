/** BPF_RAW_TRACEPOINT_OPEN, and the same as a link. */
import { EFAULT, EINVAL, ENOENT } from '../../base/errno.ts';
import {
  BPF_LINK_TYPE_RAW_TRACEPOINT,
  BPF_PROG_TYPE_RAW_TRACEPOINT,
  BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
} from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import type { Attachment } from '../hooks/attach-point.ts';
import { Link } from '../objects/link.ts';
import type { Handler } from '../syscall/handler.ts';

/** Longest name that is looked for. */
const NAME_MAX = 127;

export const rawTracepointOpen: Handler<'RAW_TRACEPOINT_OPEN'> = (client, attr) => {
  const prog = client.object('prog', attr.prog_fd ?? 0);
  if (typeof prog === 'number') return prog;
  if (prog.type !== BPF_PROG_TYPE_RAW_TRACEPOINT && prog.type !== BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE) return -EINVAL;
  if (attr.name === undefined) return -EFAULT;
  return linkRawTracepoint(client, prog, attr.name.slice(0, NAME_MAX), BigInt(attr.cookie ?? 0));
};

function linkRawTracepoint(client: Client, prog: Attachment['prog'], name: string, cookie: bigint): number {
  const point = client.core.hooks.rawTracepoint(name);
  if (point === undefined) return -ENOENT;
  let attachment: Attachment | undefined;
  const link = new Link(
    client.core.links,
    {
      type: BPF_LINK_TYPE_RAW_TRACEPOINT,
      detachable: false,
      updatable: false,
      rawTracepoint: name,
      detach: () => attachment && point.detach(attachment),
      describe: () => ({ raw_tracepoint: { tp_name: name, cookie } }),
      fdInfo: () => ({ tp_name: name, cookie: String(cookie) }),
    },
    (linkId) => {
      attachment = { prog: prog.hold(), cookie, linkId };
      point.attach(attachment);
      return attachment;
    },
  );
  return client.fds.install(link);
}
