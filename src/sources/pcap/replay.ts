/**
 * Packets of a capture through the programs of a hook: what they decide, and what they make of the packets.
 */
import { UnsupportedError } from '../../base/errors.ts';
import type { PacketHook, SocketFilterHook } from '../../kernel/index.ts';
import { type CapturedPacket, LINKTYPE } from './capture.ts';
import { readCapture } from './reader.ts';

export interface Replayed {
  captured: CapturedPacket;
  /** What the programs saw: an Ethernet frame, or from the network header on for cgroup_skb. */
  input: Uint8Array;
  /** XDP_*, TCX_*, 0 or 1; for a socket filter how many bytes it keeps. */
  verdict: number;
  /** The packet as the programs left it; for a socket filter what it kept. */
  output: Uint8Array;
  /** Whether it goes on: to the network stack, out again, or to another interface. */
  passed: boolean;
}

export interface ReplaySummary {
  packets: number;
  bytes: number;
  /** Packets that go on, and those that differ from what was captured. */
  passed: number;
  rewritten: number;
  /** How often each verdict was given, by its name: `XDP_PASS`. */
  verdicts: Record<string, number>;
}

const XDP = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'];
const XDP_FIRST_PASSING = 2;
const TCX: Record<number, string> = { [-1]: 'TCX_NEXT', 0: 'TCX_PASS', 2: 'TCX_DROP', 7: 'TCX_REDIRECT' };
const TCX_DROP = 2;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERNET_HEADER = 14;
const RAW_IP: ReadonlySet<number> = new Set([
  LINKTYPE.RAW,
  LINKTYPE.RAW_BSD,
  LINKTYPE.RAW_OPENBSD,
  LINKTYPE.IPV4,
  LINKTYPE.IPV6,
]);

/**
 * Runs every packet of a capture file through a hook, one after another. `onPacket` sees each result; what it answers
 * is not waited for. FormatError for a damaged file, after the packets before the damage; UnsupportedError for a link
 * type that is neither Ethernet nor raw IP.
 */
export async function replayCapture(
  hook: PacketHook | SocketFilterHook,
  path: string,
  onPacket: (result: Replayed) => void = () => undefined,
): Promise<ReplaySummary> {
  const summary: ReplaySummary = { packets: 0, bytes: 0, passed: 0, rewritten: 0, verdicts: {} };
  for await (const captured of readCapture(path)) {
    const result = replayPacket(hook, captured);
    const name = verdictName(hook, result.verdict);
    summary.packets++;
    summary.bytes += captured.data.length;
    summary.verdicts[name] = (summary.verdicts[name] ?? 0) + 1;
    if (result.passed) summary.passed++;
    if (!Buffer.from(result.output).equals(result.input) && hook.kind !== 'socket_filter') summary.rewritten++;
    onPacket(result);
  }
  return summary;
}

export function replayPacket(hook: PacketHook | SocketFilterHook, captured: CapturedPacket): Replayed {
  const frame = ethernetFrame(captured);
  const protocol = frame.length < ETHERNET_HEADER ? 0 : (frame[12]! << 8) | frame[13]!;
  const input = hook.kind === 'cgroup_skb' ? frame.subarray(ETHERNET_HEADER) : frame;
  const meta = { timestamp: captured.timestamp, protocol };
  if (hook.kind === 'socket_filter') {
    const kept = hook.run(input, meta);
    return { captured, input, verdict: kept, output: input.subarray(0, kept), passed: kept > 0 };
  }
  const { verdict, packet } = hook.run(input, meta);
  return { captured, input, verdict, output: packet, passed: passes(hook.kind, verdict) };
}

function passes(kind: PacketHook['kind'], verdict: number): boolean {
  if (kind === 'xdp') return verdict >= XDP_FIRST_PASSING && verdict < XDP.length;
  return kind === 'tcx' ? verdict !== TCX_DROP : (verdict & 1) === 1;
}

function verdictName(hook: PacketHook | SocketFilterHook, verdict: number): string {
  switch (hook.kind) {
    case 'xdp':
      return XDP[verdict] ?? `XDP_${verdict}`;
    case 'tcx':
      return TCX[verdict] ?? `TCX_${verdict}`;
    case 'cgroup_skb':
      return (verdict & 1) === 1 ? 'PASS' : 'DROP';
    case 'socket_filter':
      return verdict > 0 ? 'KEEP' : 'DROP';
  }
}

/** The packet as an Ethernet frame. One of raw IP gets a header with addresses of zero. */
function ethernetFrame({ data, linkType }: CapturedPacket): Uint8Array {
  if (linkType === LINKTYPE.ETHERNET) return data;
  if (!RAW_IP.has(linkType)) {
    throw new UnsupportedError(`link type ${linkType} of a capture file`, { hint: 'Ethernet and raw IP are' });
  }
  const frame = new Uint8Array(ETHERNET_HEADER + data.length);
  const type = (data[0] ?? 0) >> 4 === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
  frame.set([type >> 8, type & 0xff], 12);
  frame.set(data, ETHERNET_HEADER);
  return frame;
}
