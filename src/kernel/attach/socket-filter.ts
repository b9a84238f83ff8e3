/** setsockopt SO_ATTACH_BPF: the filter of a socket, which is outside of bpf(2). One program a socket. */
import { EBADF, EINVAL } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import type { Fd, Kernel } from '../../sys/index.ts';
import { BPF_PROG_TYPE_SOCKET_FILTER } from '../../uapi/generated/constants.ts';
import { Client } from '../client.ts';
import type { Core } from '../core.ts';
import type { Attachment, AttachPoint } from '../hooks/attach-point.ts';

export function attachSocketFilter(core: Core, socket: string, client: Kernel, progFd: Fd): () => void {
  // A descriptor means something only to the client of this kernel that it belongs to.
  if (!(client instanceof Client) || client.core !== core) throw new BpfError('SO_ATTACH_BPF', EBADF);
  const prog = client.object('prog', progFd);
  if (typeof prog === 'number') throw new BpfError('SO_ATTACH_BPF', -prog);
  if (prog.type !== BPF_PROG_TYPE_SOCKET_FILTER) throw new BpfError('SO_ATTACH_BPF', EINVAL);
  const point = core.hooks.socketFilter(socket);
  for (const old of [...point.attachments]) detach(point, old);
  const attachment = { prog: prog.hold(), cookie: 0n, linkId: 0 };
  point.attach(attachment);
  return () => detach(point, attachment);
}

function detach(point: AttachPoint, attachment: Attachment): void {
  if (!point.attachments.includes(attachment)) return;
  point.detach(attachment);
  attachment.prog.drop();
}
