/** BPF_TASK_FD_QUERY: what hangs on a perf event or raw tracepoint descriptor of a process. */

import { concat, utf8 } from '../../base/bytes.ts';
import { EBADF, EINVAL, ENOENT, ENOSPC, ENOTSUPP } from '../../base/errno.ts';
import type { PerfHolder } from '../../sys/index.ts';
import {
  BPF_FD_TYPE_KPROBE,
  BPF_FD_TYPE_KRETPROBE,
  BPF_FD_TYPE_RAW_TRACEPOINT,
  BPF_FD_TYPE_TRACEPOINT,
  BPF_FD_TYPE_UPROBE,
  BPF_FD_TYPE_URETPROBE,
} from '../../uapi/generated/constants.ts';
import { attachedEvent } from '../perf-holders.ts';
import type { Handler } from './handler.ts';

const FD_TYPES: Readonly<Record<PerfHolder['kind'], number>> = {
  raw_tracepoint: BPF_FD_TYPE_RAW_TRACEPOINT,
  tracepoint: BPF_FD_TYPE_TRACEPOINT,
  kprobe: BPF_FD_TYPE_KPROBE,
  kretprobe: BPF_FD_TYPE_KRETPROBE,
  uprobe: BPF_FD_TYPE_UPROBE,
  uretprobe: BPF_FD_TYPE_URETPROBE,
};

export const taskFdQuery: Handler<'TASK_FD_QUERY'> = (client, attr) => {
  if (attr.flags) return -EINVAL;
  const pid = attr.pid ?? 0;
  const holders = [...client.core.clients].filter((other) => other.pid === pid);
  if (holders.length === 0) return -ENOENT;
  const descriptor = holders.map((holder) => holder.fds.get(attr.fd ?? 0)).find((found) => found !== undefined);
  if (descriptor === undefined) return -EBADF;
  const event = attachedEvent(descriptor.object);
  if (event === undefined) return descriptor.object.kind === 'perf_event' ? -ENOENT : -ENOTSUPP;
  const name = utf8(event.target);
  const room = attr.buf ?? 0;
  const text = concat([name, new Uint8Array(1)]);
  const cut = room > 0 && room < text.length;
  if (cut) text.fill(0, room - 1);
  return {
    ret: cut ? -ENOSPC : 0,
    buf: text.slice(0, room),
    buf_len: name.length,
    prog_id: event.progId,
    fd_type: FD_TYPES[event.kind],
    probe_offset: event.offset,
    probe_addr: event.addr,
  };
};
