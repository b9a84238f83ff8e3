/** Interfaces and their XDP programs: RTM_GETLINK, RTM_SETLINK with IFLA_XDP (linux/if_link.h). */
import { cString, view } from '../../base/bytes.ts';
import type { NetInterface, XdpMode, XdpOptions } from '../../sys/index.ts';
import { type Attrs, attrNest, attrU32, decodeAttrs, numberOf } from './message.ts';
import type { Rtnetlink } from './socket.ts';

const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
/** struct ifinfomsg. */
const IFINFO = 16;
const IFF_UP = 1;
const IFLA_IFNAME = 3;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_XDP = 43;
const IFLA_XDP_FD = 1;
const IFLA_XDP_ATTACHED = 2;
const IFLA_XDP_FLAGS = 3;
const IFLA_XDP_PROG_ID = 4;
const IFLA_XDP_EXPECTED_FD = 8;
const XDP_FLAGS_UPDATE_IF_NOEXIST = 1;
const XDP_FLAGS_REPLACE = 16;

interface ModeRow {
  /** In IFLA_XDP_FLAGS. */
  readonly flag: number;
  /** The only program's mode, in IFLA_XDP_ATTACHED. */
  readonly attached: number;
  /** The attribute with the id of this mode's program, where there are several. */
  readonly id: number;
}
const MODES: Readonly<Record<XdpMode, ModeRow>> = {
  driver: { flag: 4, attached: 1, id: 5 },
  generic: { flag: 2, attached: 2, id: 6 },
  offload: { flag: 8, attached: 3, id: 7 },
};

/** Every interface, by index; without tc, which is asked for elsewhere. */
export function interfaces(netlink: Rtnetlink): Omit<NetInterface, 'tc'>[] {
  const found = netlink.dump('RTM_GETLINK', RTM_GETLINK, [new Uint8Array(IFINFO)]).flatMap(({ body }) => {
    if (body.length < IFINFO) return [];
    const dv = view(body);
    const attrs = decodeAttrs(body, IFINFO);
    return {
      ifindex: dv.getInt32(4, true),
      name: text(attrs, IFLA_IFNAME),
      kind: text(inside(attrs, IFLA_LINKINFO), IFLA_INFO_KIND),
      up: (dv.getUint32(8, true) & IFF_UP) !== 0,
      xdp: programs(inside(attrs, IFLA_XDP)),
    };
  });
  return found.sort((a, b) => a.ifindex - b.ifindex);
}

/** `fd` -1 takes the program away. */
export function setXdp(netlink: Rtnetlink, ifindex: number, fd: number, options: XdpOptions): void {
  let flags = options.mode === undefined ? 0 : MODES[options.mode].flag;
  if (options.replace === false) flags |= XDP_FLAGS_UPDATE_IF_NOEXIST;
  const xdp = [attrU32(IFLA_XDP_FD, fd)];
  if (options.expected !== undefined) {
    flags |= XDP_FLAGS_REPLACE;
    xdp.push(attrU32(IFLA_XDP_EXPECTED_FD, options.expected));
  }
  if (flags !== 0) xdp.push(attrU32(IFLA_XDP_FLAGS, flags));
  const header = new Uint8Array(IFINFO);
  view(header).setInt32(4, ifindex, true);
  netlink.request(`XDP on interface ${ifindex}`, RTM_SETLINK, 0, [header, attrNest(IFLA_XDP, xdp)]);
}

function programs(xdp: Attrs): NetInterface['xdp'] {
  const attached = numberOf(xdp, IFLA_XDP_ATTACHED);
  const found: NetInterface['xdp'] = [];
  for (const [mode, row] of Object.entries(MODES) as [XdpMode, ModeRow][]) {
    // Kernels before 4.19 say only what is attached, in one attribute for all modes.
    const progId = numberOf(xdp, row.id) || (attached === row.attached ? numberOf(xdp, IFLA_XDP_PROG_ID) : 0);
    if (progId !== 0) found.push({ mode, progId });
  }
  return found;
}

function inside(attrs: Attrs, type: number): Attrs {
  return decodeAttrs(attrs.get(type) ?? new Uint8Array(0));
}

function text(attrs: Attrs, type: number): string {
  return cString(attrs.get(type) ?? new Uint8Array(0));
}
