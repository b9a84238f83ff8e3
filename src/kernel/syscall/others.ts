/** The commands of one line each, and those that are not built here. */
import { EINVAL, ENOENT } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { createIterator } from '../attach/iterator.ts';
import { StatsHandle } from '../objects/stats.ts';
import type { Handlers } from './handler.ts';

type OtherCommand = 'ENABLE_STATS' | 'ITER_CREATE' | 'PROG_BIND_MAP' | 'TOKEN_CREATE' | 'PROG_STREAM_READ_BY_FD';

/** BPF_STREAM_STDOUT, BPF_STREAM_STDERR */
const STREAMS: ReadonlySet<number> = new Set([1, 2]);

export const OTHERS: Handlers<OtherCommand> = {
  ENABLE_STATS(client, attr) {
    // BPF_STATS_RUN_TIME is the only kind there is.
    return attr.type ? -EINVAL : client.fds.install(new StatsHandle(client.core.execution));
  },

  PROG_BIND_MAP(client, attr) {
    if (attr.flags) return -EINVAL;
    const prog = client.object('prog', attr.prog_fd ?? 0);
    if (typeof prog === 'number') return prog;
    const map = client.object('map', attr.map_fd ?? 0);
    if (typeof map === 'number') return map;
    if (!prog.maps.includes(map)) prog.maps.push(map.hold());
    return 0;
  },

  PROG_STREAM_READ_BY_FD(client, attr) {
    const prog = client.object('prog', attr.prog_fd ?? 0);
    if (typeof prog === 'number') return prog;
    // No program here has the kfuncs that write to its streams, so they are empty.
    return STREAMS.has(attr.stream_id ?? 0) ? { ret: 0, stream_buf: new Uint8Array(0) } : -ENOENT;
  },

  ITER_CREATE(client, attr) {
    return createIterator(client, attr.link_fd ?? 0, attr.flags ?? 0);
  },

  TOKEN_CREATE() {
    throw new UnsupportedError('BPF tokens', { since: '6.9' });
  },
};
