/** Programs at a cgroup: attached one by one, or by a link. */
import { EEXIST, EINVAL, ENOENT, EPERM } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { BPF_F_ALLOW_MULTI, BPF_F_ALLOW_OVERRIDE, BPF_F_REPLACE } from '../../uapi/flags.ts';
import {
  BPF_CGROUP_INET_INGRESS,
  BPF_LINK_TYPE_CGROUP,
  BPF_PROG_TYPE_CGROUP_SOCK,
  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
  BPF_PROG_TYPE_CGROUP_SOCKOPT,
} from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import type { Attachment } from '../hooks/attach-point.ts';
import { isCgroupSkb } from '../hooks/cgroup-places.ts';
import { allowsMulti, type CgroupPoint } from '../hooks/cgroup-point.ts';
import { Link } from '../objects/link.ts';
import type { LoadedProg } from '../objects/prog.ts';

/** The hook of the cgroup behind a descriptor, or -errno. */
export function cgroupPoint(client: Client, fd: number, attachType: number): CgroupPoint | number {
  const handle = client.object('cgroup', fd);
  if (typeof handle === 'number') return handle;
  const { hooks } = client.core;
  const { id } = handle.cgroup;
  if (!isCgroupSkb(attachType)) return hooks.cgroupCall(id, attachType);
  return hooks.cgroupSkb(id, attachType === BPF_CGROUP_INET_INGRESS ? 'ingress' : 'egress');
}

/** Types of program that were verified for one place of cgroups, and go nowhere else. */
const FOR_ONE_PLACE: ReadonlySet<number> = new Set([
  BPF_PROG_TYPE_CGROUP_SOCK,
  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
  BPF_PROG_TYPE_CGROUP_SOCKOPT,
]);

/** Whether a program of the right type may go to this place. */
export function fitsCgroup(prog: LoadedProg, attachType: number): boolean {
  return !FOR_ONE_PLACE.has(prog.type) || prog.attachType === attachType;
}

const isUsed = (point: CgroupPoint): boolean => point.attachments.length > 0;

/** Whether a cgroup may get a program attached with `flags`: its ancestors must allow it, and its own way is settled. */
function mayAttach(point: CgroupPoint, flags: number): number {
  for (let up = point.parent; up !== null; up = up.parent) {
    if (!isUsed(up)) continue;
    if (allowsMulti(up)) break;
    if ((up.flags & BPF_F_ALLOW_OVERRIDE) === 0) return -EPERM;
    if ((flags & BPF_F_ALLOW_MULTI) !== 0) return -EPERM;
    break;
  }
  return isUsed(point) && point.flags !== flags ? -EPERM : 0;
}

export function attachCgroup(
  client: Client,
  prog: LoadedProg,
  fd: number,
  attachType: number,
  givenFlags: number,
  replaced: LoadedProg | undefined,
): number {
  const point = cgroupPoint(client, fd, attachType);
  if (typeof point === 'number') return point;
  const flags = givenFlags & ~BPF_F_REPLACE;
  const known = BPF_F_ALLOW_MULTI | BPF_F_ALLOW_OVERRIDE;
  if ((flags & ~known) !== 0) throw new UnsupportedError('the order of programs in a cgroup', { since: '6.16' });
  if (flags === known) return -EINVAL;
  const error = mayAttach(point, flags);
  if (error !== 0) return error;
  if (point.attachments.some((other) => other.prog === prog)) return allowsMulti(point) ? -EINVAL : 0;
  // Without BPF_F_ALLOW_MULTI a cgroup has one program, and the new one takes its place.
  const old = replaced ?? (allowsMulti(point) ? undefined : point.attachments[0]?.prog);
  if (old !== undefined) {
    const slot = point.attachments.find((other) => other.prog === old && other.linkId === 0);
    if (slot === undefined) return replaced ? -ENOENT : -EEXIST;
    slot.prog = prog.hold();
    old.drop();
    return 0;
  }
  point.flags = flags;
  point.attach({ prog: prog.hold(), cookie: 0n, linkId: 0 });
  return 0;
}

export function detachCgroup(client: Client, prog: LoadedProg | undefined, fd: number, attachType: number): number {
  const point = cgroupPoint(client, fd, attachType);
  if (typeof point === 'number') return point;
  const found = allowsMulti(point) ? point.attachments.find((other) => other.prog === prog) : point.attachments[0];
  if (found === undefined || found.linkId !== 0) return -ENOENT;
  point.detach(found);
  found.prog.drop();
  return 0;
}

export function linkCgroup(client: Client, prog: LoadedProg, fd: number, attachType: number, flags: number): number {
  if (flags !== 0) return -EINVAL;
  const point = cgroupPoint(client, fd, attachType);
  if (typeof point === 'number') return point;
  const error = mayAttach(point, BPF_F_ALLOW_MULTI);
  if (error !== 0) return error;
  let attachment: Attachment | undefined;
  const link = new Link(
    client.core.links,
    {
      type: BPF_LINK_TYPE_CGROUP,
      detachable: true,
      updatable: true,
      detach: () => attachment && point.detach(attachment),
      describe: (attached) => ({ cgroup: { cgroup_id: attached ? point.cgroupId : 0n, attach_type: attachType } }),
      fdInfo: (attached) => ({
        cgroup_id: String(attached ? point.cgroupId : 0n),
        attach_type: String(attachType),
      }),
    },
    (linkId) => {
      attachment = { prog: prog.hold(), cookie: 0n, linkId };
      point.flags = BPF_F_ALLOW_MULTI;
      point.attach(attachment);
      return attachment;
    },
  );
  return client.fds.install(link);
}
