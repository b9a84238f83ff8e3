/** XDP at a device, by a link: one program. */
import { EBUSY, EINVAL } from '../../base/errno.ts';
import { BPF_LINK_TYPE_XDP, BPF_XDP_CPUMAP, BPF_XDP_DEVMAP } from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import type { Attachment } from '../hooks/attach-point.ts';
import { Link } from '../objects/link.ts';
import type { LoadedProg } from '../objects/prog.ts';

/** XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE: both ways are the same here. XDP_FLAGS_HW_MODE there is none. */
const SKB_MODE = 1 << 1;
const DRV_MODE = 1 << 2;

export function linkXdp(client: Client, prog: LoadedProg, ifindex: number, flags: number): number {
  if (client.core.world.devices.get(ifindex) === undefined) return -EINVAL;
  if ((flags & ~(SKB_MODE | DRV_MODE)) !== 0 || flags === (SKB_MODE | DRV_MODE)) return -EINVAL;
  // Programs of devmaps and cpumaps run there only.
  if (prog.attachType === BPF_XDP_DEVMAP || prog.attachType === BPF_XDP_CPUMAP) return -EINVAL;
  const point = client.core.hooks.xdp(ifindex);
  if (point.attached) return -EBUSY;
  let attachment: Attachment | undefined;
  const link = new Link(
    client.core.links,
    {
      type: BPF_LINK_TYPE_XDP,
      ifindex,
      detachable: true,
      updatable: true,
      detach: () => attachment && point.detach(attachment),
      describe: (attached) => ({ xdp: { ifindex: attached ? ifindex : 0 } }),
      fdInfo: (attached) => ({ ifindex: String(attached ? ifindex : 0) }),
    },
    (linkId) => {
      attachment = { prog: prog.hold(), cookie: 0n, linkId };
      point.mode = (flags & SKB_MODE) === 0 ? 'driver' : 'generic';
      point.attach(attachment);
      return attachment;
    },
  );
  return client.fds.install(link);
}
