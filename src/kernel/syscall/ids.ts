/** BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID. */
import { EINVAL, ENOENT } from '../../base/errno.ts';
import { BPF_F_RDONLY, BPF_F_WRONLY } from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import { type Access, FULL_ACCESS } from '../fds.ts';
import type { Ids } from '../objects/ids.ts';
import type { KernelObject } from '../objects/object.ts';
import type { Handlers } from './handler.ts';
import { accessOf } from './map-create.ts';

type IdCommand =
  | 'PROG_GET_NEXT_ID'
  | 'MAP_GET_NEXT_ID'
  | 'BTF_GET_NEXT_ID'
  | 'LINK_GET_NEXT_ID'
  | 'PROG_GET_FD_BY_ID'
  | 'MAP_GET_FD_BY_ID'
  | 'BTF_GET_FD_BY_ID'
  | 'LINK_GET_FD_BY_ID';

const INT_MAX = 0x7fffffff;

export const IDS: Handlers<IdCommand> = {
  PROG_GET_NEXT_ID: ({ core }, attr) => next(core.progs, attr),
  MAP_GET_NEXT_ID: ({ core }, attr) => next(core.maps.ids, attr),
  BTF_GET_NEXT_ID: ({ core }, attr) => next(core.btfs, attr),
  LINK_GET_NEXT_ID: ({ core }, attr) => next(core.links, attr),

  PROG_GET_FD_BY_ID: (client, attr) => (attr.open_flags ? -EINVAL : open(client, client.core.progs, attr.prog_id)),
  BTF_GET_FD_BY_ID: (client, attr) => (attr.open_flags ? -EINVAL : open(client, client.core.btfs, attr.btf_id)),
  LINK_GET_FD_BY_ID: (client, attr) => (attr.open_flags ? -EINVAL : open(client, client.core.links, attr.link_id)),
  MAP_GET_FD_BY_ID(client, attr) {
    const flags = attr.open_flags ?? 0;
    const access = accessOf(flags);
    if (access === null || (flags & ~(BPF_F_RDONLY | BPF_F_WRONLY)) !== 0) return -EINVAL;
    return open(client, client.core.maps.ids, attr.map_id, access);
  },
};

function next(ids: Ids<KernelObject>, attr: { start_id?: number; open_flags?: number }) {
  const start = attr.start_id ?? 0;
  if (start >= INT_MAX || start < 0 || attr.open_flags) return -EINVAL;
  const id = ids.after(start);
  return id === 0 ? -ENOENT : { ret: 0, next_id: id };
}

function open(client: Client, ids: Ids<KernelObject>, id = 0, access: Access = FULL_ACCESS): number {
  const object = ids.get(id);
  return object === undefined ? -ENOENT : client.fds.install(object.hold(), access);
}
