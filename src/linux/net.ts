/** NetAttach on this machine: a netlink socket for each question, so that nothing stays open between them. */
import type { System } from '../native/index.ts';
import type { NetAttach, NetDevice } from '../sys/index.ts';
import { interfaces, setXdp } from './netlink/link.ts';
import { Rtnetlink } from './netlink/socket.ts';
import { addFilter, deleteFilter, filters, removeClsact } from './netlink/tc.ts';

export function linuxNet(system: System): NetAttach {
  const ask = <T>(question: (netlink: Rtnetlink) => T) => asked(system, question);
  return {
    query: async () => ask((netlink) => interfaces(netlink).map((i) => ({ ...i, tc: filters(netlink, i.ifindex) }))),
    attachXdp: async (ifindex, progFd, options = {}) => ask((netlink) => setXdp(netlink, ifindex, progFd, options)),
    detachXdp: async (ifindex, options = {}) => ask((netlink) => setXdp(netlink, ifindex, -1, options)),
    attachTc: async (ifindex, progFd, options) => ask((netlink) => addFilter(netlink, ifindex, progFd, options)),
    detachTc: async (filter) => ask((netlink) => deleteFilter(netlink, filter)),
    removeClsact: async (ifindex) => ask((netlink) => removeClsact(netlink, ifindex)),
  };
}

export function netDevices(system: System): NetDevice[] {
  return asked(system, interfaces).map(({ ifindex, name }) => ({ ifindex, name }));
}

function asked<T>(system: System, question: (netlink: Rtnetlink) => T): T {
  const netlink = new Rtnetlink(system);
  try {
    return question(netlink);
  } finally {
    netlink.close();
  }
}
