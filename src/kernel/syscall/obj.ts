/** BPF_OBJ_PIN and BPF_OBJ_GET. */
import { EINVAL } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { BPF_F_PATH_FD, BPF_F_RDONLY, BPF_F_WRONLY } from '../../uapi/generated/constants.ts';
import { FULL_ACCESS } from '../fds.ts';
import type { Handlers } from './handler.ts';
import { accessOf } from './map-create.ts';

/** What can be pinned. */
const PINNABLE: ReadonlySet<string> = new Set(['prog', 'map', 'link']);

export const OBJECTS: Handlers<'OBJ_PIN' | 'OBJ_GET'> = {
  OBJ_PIN(client, attr) {
    refusePathFd(attr.file_flags ?? 0);
    if (attr.file_flags) return -EINVAL;
    const object = client.fds.get(attr.bpf_fd ?? 0)?.object;
    if (object === undefined || !PINNABLE.has(object.kind)) return -EINVAL;
    return client.core.bpffs.pin(attr.pathname ?? '', object);
  },

  OBJ_GET(client, attr) {
    const flags = attr.file_flags ?? 0;
    refusePathFd(flags);
    const access = accessOf(flags);
    if (access === null || attr.bpf_fd || (flags & ~(BPF_F_RDONLY | BPF_F_WRONLY)) !== 0) return -EINVAL;
    const object = client.core.bpffs.get(attr.pathname ?? '');
    if (typeof object === 'number') return object;
    return client.fds.install(object.hold(), object.kind === 'map' ? access : FULL_ACCESS);
  },
};

function refusePathFd(flags: number): void {
  if ((flags & BPF_F_PATH_FD) !== 0) throw new UnsupportedError('a path relative to a descriptor', { since: '6.5' });
}
