/**
 * Test-run of programs over a socket buffer: tc, socket filter, cgroup_skb. The packet is an Ethernet frame; only tc
 * programs see its header. `ctx_in` may set a few fields of __sk_buff, and must leave the others zero.
 */
import { bytesEqual, view } from '../../base/bytes.ts';
import { EINVAL, ENODEV, ENOMEM } from '../../base/errno.ts';
import { BPF_F_TEST_SKB_CHECKSUM_COMPLETE } from '../../uapi/flags.ts';
import { BPF_PROG_TYPE_SCHED_ACT, BPF_PROG_TYPE_SCHED_CLS } from '../../uapi/generated/constants.ts';
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import { SkbFrame } from '../hooks/frame.ts';
import { contextIn, dataIn, finish, repeated, type TestRun } from './input-output.ts';

const { size: CONTEXT_SIZE, fields: CONTEXT } = LAYOUTS.__sk_buff;
const MAC_HEADER = 14;
/** Bytes of the header that a packet of the protocol (its Ethernet type) must have behind it. */
const NETWORK_HEADERS: Readonly<Record<number, number>> = { 2048: 20, 34525: 40 };
/** A page less what Linux keeps before (NET_SKB_PAD) and after the packet. */
const MAX_PACKET = 4096 - 64 - 320;
/** The device that a test packet seems to come from: the loopback device of the caller's namespace. */
const LOOPBACK = 1;
const GSO_MAX_SIZE = 65536;

/** What the caller may set, and reads back. */
const SETTABLE = [
  'mark',
  'priority',
  'ingress_ifindex',
  'ifindex',
  'cb',
  'tstamp',
  'wire_len',
  'gso_segs',
  'gso_size',
  'hwtstamp',
] as const;

export const testSkb: TestRun = (client, prog, attr) => {
  if (((attr.flags ?? 0) & ~BPF_F_TEST_SKB_CHECKSUM_COMPLETE) !== 0 || attr.cpu || attr.batch_size) return -EINVAL;
  const data = dataIn(attr, MAC_HEADER, MAX_PACKET);
  if (typeof data === 'number') return data;
  const given = contextIn(attr, CONTEXT_SIZE);
  if (typeof given === 'number') return given;
  if (data.length < MAC_HEADER + (NETWORK_HEADERS[protocolOf(data)] ?? 0)) return -EINVAL;
  const { core } = client;
  const seesHeader = prog.type === BPF_PROG_TYPE_SCHED_CLS || prog.type === BPF_PROG_TYPE_SCHED_ACT;
  const length = seesHeader ? data.length : data.length - MAC_HEADER;
  if (given) {
    const error = checkContext(given, length);
    if (error !== 0) return error;
    const ifindex = view(given).getUint32(CONTEXT.ifindex.offset, true);
    if (ifindex > LOOPBACK && core.world.devices.get(ifindex) === undefined) return -ENODEV;
  }

  const frame = SkbFrame.make(core.mem, data);
  if (frame === null) return -ENOMEM;
  frame.macHeader = frame.data;
  if (!seesHeader) frame.data += MAC_HEADER;
  frame.dataMeta = frame.data;
  frame.describe(LOOPBACK, { protocol: protocolOf(data) });
  frame.set('ingress_ifindex', 0);
  frame.set('wire_len', 0);
  frame.set('pkt_type', packetType(data));
  if (given) {
    for (const name of SETTABLE) {
      const { offset, size } = CONTEXT[name];
      core.mem.write(frame.ctx + offset, given.subarray(offset, offset + size));
    }
    if (frame.get('ifindex') === 0) frame.set('ifindex', LOOPBACK);
    if (frame.get('wire_len') === 0) frame.set('wire_len', length);
  }
  try {
    const run = repeated(client, attr.repeat, (times) =>
      core.execution.start(prog, frame.ctx, { task: client.task, packet: frame }, times),
    );
    const out = seesHeader ? frame.packet : withBlankHeader(frame.packet);
    return finish(attr, run, out, given && contextOut(core.mem.read(frame.ctx, CONTEXT_SIZE)));
  } finally {
    frame.free();
  }
};

function checkContext(ctx: Uint8Array, length: number): number {
  const rest = ctx.slice();
  for (const name of SETTABLE) rest.fill(0, CONTEXT[name].offset, CONTEXT[name].offset + CONTEXT[name].size);
  if (rest.some((byte) => byte !== 0)) return -EINVAL;
  const wireLength = view(ctx).getUint32(CONTEXT.wire_len.offset, true);
  if (wireLength !== 0 && (wireLength < length || wireLength > GSO_MAX_SIZE)) return -EINVAL;
  return view(ctx).getUint32(CONTEXT.gso_segs.offset, true) > 0xffff ? -EINVAL : 0;
}

/** Only what may be set is told: the rest of a context means nothing outside. */
function contextOut(ctx: Uint8Array): Uint8Array {
  const out = new Uint8Array(ctx.length);
  for (const name of SETTABLE) {
    const { offset, size } = CONTEXT[name];
    out.set(ctx.subarray(offset, offset + size), offset);
  }
  return out;
}

/** Linux puts an empty header back before it copies the packet out. */
function withBlankHeader(packet: Uint8Array): Uint8Array {
  const out = new Uint8Array(MAC_HEADER + packet.length);
  out.set(packet, MAC_HEADER);
  return out;
}

const FIRST_ETHERTYPE = 0x600;
const ETH_P_802_3 = 1;
const ETH_P_802_2 = 4;

/** What the frame says it carries; a small number there is a length, as in frames before Ethernet II. */
function protocolOf(frame: Uint8Array): number {
  const type = (frame[12]! << 8) | frame[13]!;
  if (type >= FIRST_ETHERTYPE) return type;
  return frame[14] === 0xff && frame[15] === 0xff ? ETH_P_802_3 : ETH_P_802_2;
}

/**
 * PACKET_HOST, _MULTICAST or _OTHERHOST, by the destination. The loopback device's own address is zero, and so is its
 * broadcast address: ff:ff:ff:ff:ff:ff is any multicast there.
 */
function packetType(frame: Uint8Array): number {
  const to = frame.subarray(0, 6);
  if (bytesEqual(to, new Uint8Array(6))) return 0;
  return (to[0]! & 1) !== 0 ? 2 : 3;
}
