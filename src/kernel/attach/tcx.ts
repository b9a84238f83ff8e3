/** tcx: programs at a device's ingress or egress, in order. */
import { EEXIST, EINVAL, ENODEV, ENOENT } from '../../base/errno.ts';
import { BPF_F_AFTER, BPF_F_BEFORE, BPF_F_ID, BPF_F_LINK, BPF_F_REPLACE } from '../../uapi/flags.ts';
import { BPF_LINK_TYPE_TCX, BPF_TCX_EGRESS, BPF_TCX_INGRESS } from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import type { Attachment } from '../hooks/attach-point.ts';
import type { TcxPoint } from '../hooks/packet-hooks.ts';
import { Link } from '../objects/link.ts';
import type { LoadedProg } from '../objects/prog.ts';
import { type Placement, placeFor } from './order.ts';

const LINK_FLAGS = BPF_F_BEFORE | BPF_F_AFTER | BPF_F_ID | BPF_F_LINK;

export function isTcx(attachType: number): boolean {
  return attachType === BPF_TCX_INGRESS || attachType === BPF_TCX_EGRESS;
}

/** The hook of a device, or -ENODEV. */
export function tcxPoint(client: Client, ifindex: number, attachType: number): TcxPoint | number {
  if (client.core.world.devices.get(ifindex) === undefined) return -ENODEV;
  return client.core.hooks.tcx(ifindex, attachType === BPF_TCX_INGRESS ? 'ingress' : 'egress');
}

export function linkTcx(
  client: Client,
  prog: LoadedProg,
  ifindex: number,
  attachType: number,
  where: Placement,
): number {
  if ((where.flags & ~LINK_FLAGS) !== 0) return -EINVAL;
  const point = tcxPoint(client, ifindex, attachType);
  if (typeof point === 'number') return point;
  const at = placeFor(client, point.attachments, prog, where);
  if (at < 0) return at;
  let attachment: Attachment | undefined;
  const link = new Link(
    client.core.links,
    {
      type: BPF_LINK_TYPE_TCX,
      ifindex,
      detachable: true,
      updatable: true,
      detach: () => attachment && point.detach(attachment),
      describe: (attached) => ({ tcx: { ifindex: attached ? ifindex : 0, attach_type: attachType } }),
      fdInfo: (attached) => ({
        ifindex: String(attached ? ifindex : 0),
        attach_type: `${attachType} (${attachType === BPF_TCX_INGRESS ? 'ingress' : 'egress'})`,
      }),
    },
    (linkId) => {
      attachment = { prog: prog.hold(), cookie: 0n, linkId };
      point.attach(attachment, at);
      return attachment;
    },
  );
  return client.fds.install(link);
}

/** BPF_PROG_ATTACH: the hook holds the program. With BPF_F_REPLACE it takes the place of `replaced`. */
export function attachTcx(
  client: Client,
  prog: LoadedProg,
  ifindex: number,
  attachType: number,
  where: Placement,
  replaced: LoadedProg | undefined,
): number {
  if ((where.flags & ~(LINK_FLAGS | BPF_F_REPLACE)) !== 0) return -EINVAL;
  const point = tcxPoint(client, ifindex, attachType);
  if (typeof point === 'number') return point;
  if (replaced !== undefined) {
    if (replaced === prog || point.attachments.some((other) => other.prog === prog)) return -EEXIST;
    const old = point.attachments.find((other) => other.prog === replaced && other.linkId === 0);
    if (old === undefined) return -ENOENT;
    old.prog = prog.hold();
    replaced.drop();
    return 0;
  }
  const at = placeFor(client, point.attachments, prog, where);
  if (at < 0) return at;
  point.attach({ prog: prog.hold(), cookie: 0n, linkId: 0 }, at);
  return 0;
}

export function detachTcx(client: Client, prog: LoadedProg | undefined, ifindex: number, attachType: number): number {
  const point = tcxPoint(client, ifindex, attachType);
  if (typeof point === 'number') return point;
  const found = prog
    ? point.attachments.find((other) => other.prog === prog)
    : point.attachments.find((other) => other.linkId === 0);
  if (found === undefined) return -ENOENT;
  if (found.linkId !== 0) return -EINVAL; // a link's program goes with its link
  point.detach(found);
  found.prog.drop();
  return 0;
}
