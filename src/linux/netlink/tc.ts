/**
 * bpf filters of traffic control: on the clsact qdisc, which is only a place for filters, before receiving and sending
 * (tc-bpf(8), linux/pkt_sched.h, linux/pkt_cls.h).
 */
import { cString, view } from '../../base/bytes.ts';
import { EEXIST, EINVAL, EIO, ENOENT } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import type { TcDirection, TcFilter, TcOptions } from '../../sys/index.ts';
import { attrNest, attrText, attrU32, decodeAttrs, type Message, numberOf } from './message.ts';
import { NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL, NLM_F_REPLACE, type Rtnetlink } from './socket.ts';

const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const RTM_GETTFILTER = 46;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_ID = 11;
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const TC_H_CLSACT = 0xfffffff1;
const CLSACT_HANDLE = 0xffff0000;
/** Where the filters of a direction hang: a class of clsact. */
const PARENTS: Readonly<Record<TcDirection, number>> = { ingress: 0xfffffff2, egress: 0xfffffff3 };
/** ETH_P_ALL in network byte order: filters of programs see every protocol. */
const ETH_P_ALL_BE = 0x0300;
/** struct tcmsg. */
const TCMSG = 20;

function tcmsg(ifindex: number, handle: number, parent: number, info = 0): Uint8Array {
  const bytes = new Uint8Array(TCMSG);
  const dv = view(bytes);
  dv.setInt32(4, ifindex, true);
  dv.setUint32(8, handle, true);
  dv.setUint32(12, parent, true);
  dv.setUint32(16, info, true);
  return bytes;
}

/** Adds the filter, and clsact where it is missing. */
export function addFilter(netlink: Rtnetlink, ifindex: number, progFd: number, options: TcOptions): TcFilter {
  const { direction, name = '', priority = 0, handle = 0, replace = false } = options;
  if (priority < 0 || priority > 0xffff) throw new BpfError('tc filter', EINVAL, `priority ${priority}: 0 to 65535`);
  addClsact(netlink, ifindex);
  const flags = NLM_F_ECHO | NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  const info = ((priority << 16) | ETH_P_ALL_BE) >>> 0;
  const program = [attrU32(TCA_BPF_FD, progFd), attrU32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT)];
  if (name !== '') program.push(attrText(TCA_BPF_NAME, name));
  // Echoed is what was added, with the numbers that the kernel chose.
  const echo = netlink.request(`tc filter on interface ${ifindex}`, RTM_NEWTFILTER, flags, [
    tcmsg(ifindex, handle, PARENTS[direction], info),
    attrText(TCA_KIND, 'bpf'),
    attrNest(TCA_OPTIONS, program),
  ]);
  const added = echo.flatMap((message) => filter(message, direction))[0];
  if (added === undefined) throw new BpfError('tc filter', EIO, 'the kernel does not say what it added');
  return added;
}

export function deleteFilter(
  netlink: Rtnetlink,
  { ifindex, direction, priority, handle }: Pick<TcFilter, 'ifindex' | 'direction' | 'priority' | 'handle'>,
): void {
  const info = ((priority << 16) | ETH_P_ALL_BE) >>> 0;
  netlink.request(`tc filter on interface ${ifindex}`, RTM_DELTFILTER, 0, [
    tcmsg(ifindex, handle, PARENTS[direction], info),
    attrText(TCA_KIND, 'bpf'),
  ]);
}

/** Every bpf filter of an interface. */
export function filters(netlink: Rtnetlink, ifindex: number): TcFilter[] {
  const found: TcFilter[] = [];
  for (const direction of ['ingress', 'egress'] as const) {
    try {
      const messages = netlink.dump('RTM_GETTFILTER', RTM_GETTFILTER, [tcmsg(ifindex, 0, PARENTS[direction])]);
      found.push(...messages.flatMap((message) => filter(message, direction)));
    } catch (e) {
      // No clsact there: nothing to list.
      if (!(e instanceof BpfError && (e.errno === ENOENT || e.errno === EINVAL))) throw e;
    }
  }
  return found;
}

export function removeClsact(netlink: Rtnetlink, ifindex: number): void {
  netlink.request(`clsact of interface ${ifindex}`, RTM_DELQDISC, 0, [tcmsg(ifindex, CLSACT_HANDLE, TC_H_CLSACT)]);
}

function addClsact(netlink: Rtnetlink, ifindex: number): void {
  try {
    netlink.request(`clsact on interface ${ifindex}`, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, [
      tcmsg(ifindex, CLSACT_HANDLE, TC_H_CLSACT),
      attrText(TCA_KIND, 'clsact'),
    ]);
  } catch (e) {
    if (!(e instanceof BpfError && e.errno === EEXIST)) throw e;
  }
}

/** The filter that a message tells of; none where it is of another kind, or the head of a group of them. */
function filter({ type, body }: Message, direction: TcDirection): TcFilter[] {
  if (type !== RTM_NEWTFILTER || body.length < TCMSG) return [];
  const attrs = decodeAttrs(body, TCMSG);
  const options = attrs.get(TCA_OPTIONS);
  if (cString(attrs.get(TCA_KIND) ?? new Uint8Array(0)) !== 'bpf' || options === undefined) return [];
  const program = decodeAttrs(options);
  const dv = view(body);
  return [
    {
      ifindex: dv.getInt32(4, true),
      direction,
      priority: dv.getUint32(16, true) >>> 16,
      handle: dv.getUint32(8, true),
      name: cString(program.get(TCA_BPF_NAME) ?? new Uint8Array(0)),
      progId: numberOf(program, TCA_BPF_ID),
      directAction: (numberOf(program, TCA_BPF_FLAGS) & TCA_BPF_FLAG_ACT_DIRECT) !== 0,
    },
  ];
}
