/**
 * Helpers of XDP programs: moving the ends of the packet, and reading and writing across it.
 *
 *     start            dataMeta      data                    dataEnd        end
 *      |-- head room -----|-- meta ----|------- packet ---------|-- tail room -|
 */
import { EACCES, EFAULT, EINVAL } from '../base/errno.ts';
import type { Helper, HelperEnv, Packet } from './helper.ts';

/** An Ethernet header: no packet may get shorter. */
const ETH_HLEN = 14;
/** What the driver keeps at the beginning of the head room (struct xdp_frame). */
const FRAME_SIZE = 40;
/** Metadata is counted in words, in one byte. */
const MAX_META = 252;
const MAX_OFFSET = 0xffff;

/** A helper that changes the packet of the run: -EINVAL without one. */
function onPacket(args: string, change: (env: HelperEnv, packet: Packet, ...args: number[]) => number): Helper {
  return {
    args,
    ret: 'int',
    bind: (env) => (_ctx, a, b, c, d) => {
      const { packet } = env.run;
      return packet === null ? -EINVAL : change(env, packet, a!, b!, c!, d!);
    },
  };
}

/** Moves the beginning by `delta` bytes, and the metadata with it. */
export const xdp_adjust_head = onPacket('ii', (env, packet, delta) => {
  const meta = packet.data - packet.dataMeta;
  const data = packet.data + delta!;
  if (data < packet.start + FRAME_SIZE + meta || data > packet.dataEnd - ETH_HLEN) return -EINVAL;
  env.mem.copy(data - meta, packet.dataMeta, meta);
  packet.data = data;
  packet.dataMeta = data - meta;
  packet.sync();
  return 0;
});

/** Moves the end by `delta` bytes; new bytes are zero. */
export const xdp_adjust_tail = onPacket('ii', (env, packet, delta) => {
  const dataEnd = packet.dataEnd + delta!;
  if (dataEnd > packet.end || dataEnd < packet.data + ETH_HLEN) return -EINVAL;
  if (delta! > 0) env.mem.fill(packet.dataEnd, delta!, 0);
  packet.dataEnd = dataEnd;
  packet.sync();
  return 0;
});

/** Moves the beginning of the metadata by `delta` bytes: whole words, at most 252 bytes of them. */
export const xdp_adjust_meta = onPacket('ii', (_env, packet, delta) => {
  const meta = packet.dataMeta + delta!;
  if (meta < packet.start + FRAME_SIZE || meta > packet.data) return -EINVAL;
  const size = packet.data - meta;
  if ((size & 3) !== 0 || size > MAX_META) return -EACCES;
  packet.dataMeta = meta;
  packet.sync();
  return 0;
});

export const xdp_get_buff_len = onPacket('i', (_env, packet) => packet.dataEnd - packet.data);

/** Whether the packet has `size` bytes at `offset`: 0, -EFAULT, -EINVAL. */
function checkRange(packet: Packet, offset: number, size: number): number {
  if (offset > MAX_OFFSET || size > MAX_OFFSET) return -EFAULT;
  return packet.data + offset + size > packet.dataEnd ? -EINVAL : 0;
}

export const xdp_load_bytes = onPacket('iiii', (env, packet, offset, to, size) => {
  const error = checkRange(packet, offset! >>> 0, size! >>> 0);
  if (error === 0) env.mem.copy(to! >>> 0, packet.data + offset!, size!);
  return error;
});

export const xdp_store_bytes = onPacket('iiii', (env, packet, offset, from, size) => {
  const error = checkRange(packet, offset! >>> 0, size! >>> 0);
  if (error === 0) env.mem.copy(packet.data + offset!, from! >>> 0, size!);
  return error;
});
