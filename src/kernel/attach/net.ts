/** XDP programs without a link: what netlink does in Linux. One program a device; it stays until it is taken away. */
import { EBUSY, EEXIST, EINVAL, ENODEV } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import { type NetAttach, unsupportedNet, type XdpOptions } from '../../sys/index.ts';
import { BPF_PROG_TYPE_XDP } from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import type { XdpPoint } from '../hooks/packet-hooks.ts';

const OP = 'netlink';

export function embeddedNet(client: Client, where: string): NetAttach {
  const { devices } = client.core.world;
  return {
    ...unsupportedNet(where), // classic tc has neither qdiscs nor filters to hang on
    query: async () =>
      [...devices].map(({ ifindex, name }) => {
        const point = client.core.hooks.xdp(ifindex);
        const xdp = point.attachments.map(({ prog }) => ({ mode: point.mode, progId: prog.id }));
        return { ifindex, name, kind: '', up: true, xdp, tc: [] };
      }),
    attachXdp: async (ifindex, progFd, options = {}) => {
      const prog = client.object('prog', progFd);
      if (typeof prog === 'number') throw new BpfError(OP, -prog);
      if (prog.type !== BPF_PROG_TYPE_XDP) throw new BpfError(OP, EINVAL, 'that is no XDP program');
      const point = pointFor(client, ifindex, options);
      const old = point.attachments[0];
      if (old?.linkId) throw new BpfError(OP, EBUSY, 'a link holds the program that is there');
      if (old && options.replace === false) throw new BpfError(OP, EBUSY, 'XDP program already attached');
      checkExpected(client, point, options);
      if (old) remove(point);
      point.mode = options.mode === 'generic' ? 'generic' : 'driver';
      point.attach({ prog: prog.hold(), cookie: 0n, linkId: 0 });
    },
    detachXdp: async (ifindex, options = {}) => {
      const point = pointFor(client, ifindex, options);
      if (!point.attached) return;
      if (point.attachments[0]?.linkId) throw new BpfError(OP, EBUSY, 'a link holds the program that is there');
      checkExpected(client, point, options);
      remove(point);
    },
  };
}

/** Another mode than the present program's is another place in Linux, which only one of may be taken. */
function pointFor(client: Client, ifindex: number, { mode }: XdpOptions): XdpPoint {
  if (client.core.world.devices.get(ifindex) === undefined) throw new BpfError(OP, ENODEV);
  if (mode === 'offload') throw new BpfError(OP, EINVAL); // no device here runs programs itself
  const point = client.core.hooks.xdp(ifindex);
  if (point.attached && mode !== undefined && mode !== point.mode) {
    throw new BpfError(OP, EEXIST, 'native and generic XDP cannot be active at the same time');
  }
  return point;
}

function checkExpected(client: Client, point: XdpPoint, { expected }: XdpOptions): void {
  if (expected === undefined) return;
  const prog = client.object('prog', expected);
  if (typeof prog === 'number') throw new BpfError(OP, -prog);
  if (point.attachments[0]?.prog !== prog) throw new BpfError(OP, EEXIST, 'another program is there');
}

function remove(point: XdpPoint): void {
  const old = point.attachments[0]!;
  point.detach(old);
  old.prog.drop();
}
