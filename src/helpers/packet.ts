/**
 * The packet of a run, for helpers that change its bytes: making room in it, and taking room out.
 */
import { ENOMEM } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import type { HelperEnv, Packet } from './helper.ts';

export const ETH_HLEN = 14;
/** Offset of the EtherType. */
export const ETH_PROTO = 12;

/** Makes room for `size` zeroed bytes at `offset` of the packet, out of the head room: 0 or -ENOMEM. */
export function insertBytes(env: HelperEnv, packet: Packet, offset: number, size: number): number {
  if (packet.data - size < packet.start) return -ENOMEM;
  env.mem.copy(packet.data - size, packet.data, offset);
  env.mem.fill(packet.data - size + offset, size, 0);
  moveData(packet, packet.data - size);
  return 0;
}

/** Takes `size` bytes at `offset` out of the packet; they lie in it. */
export function removeBytes(env: HelperEnv, packet: Packet, offset: number, size: number): void {
  env.mem.copy(packet.data + size, packet.data, offset);
  moveData(packet, packet.data + size);
}

/** Metadata does not survive a change of the packet's beginning. */
function moveData(packet: Packet, data: Addr): void {
  packet.data = data;
  packet.dataMeta = data;
  packet.sync();
}

/** Offset of the network header from `data`. */
export function networkOffset(packet: Packet): number {
  return (packet.networkHeader ?? (packet.macHeader ?? packet.data) + ETH_HLEN) - packet.data;
}

export function lengthOf(packet: Packet): number {
  return packet.dataEnd - packet.data;
}
