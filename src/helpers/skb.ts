/**
 * Helpers of programs with a __sk_buff: reading and writing the packet, and changing its size.
 */
import { EFAULT, EINVAL, ENOMEM, ENOTSUPP } from '../base/errno.ts';
import {
  BPF_ADJ_ROOM_MAC,
  BPF_ADJ_ROOM_NET,
  BPF_F_INVALIDATE_HASH,
  BPF_F_RECOMPUTE_CSUM,
  BPF_HDR_START_MAC,
  BPF_HDR_START_NET,
} from '../uapi/generated/constants.ts';
import type { Helper, HelperEnv, Packet } from './helper.ts';
import { ETH_HLEN, insertBytes, lengthOf, networkOffset, removeBytes } from './packet.ts';

const INT_MAX = 0x7fffffff;
/** Offset of the protocol in struct __sk_buff, a u32 with the EtherType in network byte order. */
const PROTOCOL = 16;

/** A helper on the packet of the run; `without` is its answer where there is none. */
function onPacket(
  args: string,
  without: number,
  act: (env: HelperEnv, packet: Packet, ...args: number[]) => number,
): Helper {
  return {
    args,
    ret: 'int',
    bind: (env) => (_ctx, a, b, c, d, e) => {
      const { packet } = env.run;
      return packet === null ? without : act(env, packet, a!, b!, c!, d!, e!);
    },
  };
}

/** Copies out of the packet; what does not lie in it leaves zeros and -EFAULT. */
function load(env: HelperEnv, from: number, packet: Packet, to: number, size: number): number {
  if (from >= packet.start && from + size <= packet.dataEnd) {
    env.mem.copy(to, from, size);
    return 0;
  }
  env.mem.fill(to, size, 0);
  return -EFAULT;
}

export const skb_load_bytes = onPacket('iiii', -EFAULT, (env, packet, offset, to, size) => {
  const from = offset! >>> 0 > INT_MAX ? 0 : packet.data + offset!;
  return load(env, from, packet, to! >>> 0, size! >>> 0);
});

export const skb_load_bytes_relative = onPacket('iiiii', -EFAULT, (env, packet, offset, to, size, start) => {
  const mac = packet.macHeader ?? packet.data;
  const header =
    start === BPF_HDR_START_MAC ? mac : start === BPF_HDR_START_NET ? packet.data + networkOffset(packet) : 0;
  const from = header === 0 || offset! >>> 0 > 0xffff ? 0 : header + offset!;
  return load(env, from, packet, to! >>> 0, size! >>> 0);
});

export const skb_store_bytes = onPacket('iiiiL', -EFAULT, (env, packet, offset, from, size, flags, flagsHi) => {
  if (flagsHi !== 0 || (flags! & ~(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH)) !== 0) return -EINVAL;
  const at = offset! >>> 0;
  if (at > INT_MAX || packet.data + at + (size! >>> 0) > packet.dataEnd) return -EFAULT;
  env.mem.copy(packet.data + at, from! >>> 0, size! >>> 0);
  return 0;
});

/** A packet of ours is in one piece already. */
export const skb_pull_data = onPacket('ii', -ENOMEM, (_env, packet, size) =>
  size! >>> 0 <= lengthOf(packet) ? 0 : -ENOMEM,
);

/** Sets the length; new bytes are zero. The headers up to the network's cannot be cut. */
export const skb_change_tail = onPacket('iiL', -EINVAL, (env, packet, length, flags, flagsHi) => {
  const size = length! >>> 0;
  if (flags !== 0 || flagsHi !== 0 || size > MAX_SKB || size < networkOffset(packet)) return -EINVAL;
  const dataEnd = packet.data + size;
  if (dataEnd > packet.end) return -ENOMEM;
  if (dataEnd > packet.dataEnd) env.mem.fill(packet.dataEnd, dataEnd - packet.dataEnd, 0);
  packet.dataEnd = dataEnd;
  packet.sync();
  return 0;
});

/** The MTU of the loopback device with its header: what a packet without a real device may grow to. */
const MAX_SKB = 65536 + ETH_HLEN;

/** Puts zeroed bytes before the packet, for a link-layer header to come. */
export const skb_change_head = onPacket('iiL', -EINVAL, (env, packet, size, flags, flagsHi) => {
  if (flags !== 0 || flagsHi !== 0 || lengthOf(packet) + (size! >>> 0) > MAX_SKB) return -EINVAL;
  return insertBytes(env, packet, 0, size! >>> 0);
});

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const IPV4_SIZE = 20;
const IPV6_SIZE = 40;
/** Encapsulation flags mark a packet for segmentation offload, which packets here never use. */
const ADJUST_FLAGS = 0x1ff;
const MAX_ADJUST = 0xfff;

/** Grows or shrinks the room after the link-layer header (MAC) or after the fixed network header (NET). */
export const skb_adjust_room = onPacket('iiiL', -ENOTSUPP, (env, packet, difference, mode, flags, flagsHi) => {
  if (flagsHi !== 0 || (flags! & ~ADJUST_FLAGS) !== 0) return -EINVAL;
  const size = Math.abs(difference!);
  if (size > MAX_ADJUST) return -EFAULT;
  const network = networkOffset(packet);
  const header = networkHeaderSize(env);
  if (header === 0) return -ENOTSUPP;
  if (mode !== BPF_ADJ_ROOM_MAC && mode !== BPF_ADJ_ROOM_NET) return -ENOTSUPP;
  const offset = mode === BPF_ADJ_ROOM_MAC ? network : network + header;
  if (difference! < 0) {
    if (lengthOf(packet) - network - size < header) return -ENOTSUPP;
    removeBytes(env, packet, offset, size);
    return 0;
  }
  if (lengthOf(packet) + size > MAX_SKB) return -ENOTSUPP;
  return insertBytes(env, packet, offset, size);
});

/** Turns an IPv4 packet into an IPv6 one or back: the header's room changes size, its bytes are the program's to write. */
export const skb_change_proto = onPacket('iiL', -ENOTSUPP, (env, packet, proto, flags, flagsHi) => {
  if (flags !== 0 || flagsHi !== 0) return -EINVAL;
  const from = etherType(env);
  const to = swap16(proto!);
  const network = networkOffset(packet);
  if (from === ETH_P_IP && to === ETH_P_IPV6) {
    const error = insertBytes(env, packet, network, IPV6_SIZE - IPV4_SIZE);
    if (error !== 0) return error;
  } else if (from === ETH_P_IPV6 && to === ETH_P_IP) {
    removeBytes(env, packet, network, IPV6_SIZE - IPV4_SIZE);
  } else {
    return -ENOTSUPP;
  }
  env.mem.setU32(env.run.ctx + PROTOCOL, proto! & 0xffff);
  return 0;
});

/** Bytes of the fixed network header, 0 where it is neither IPv4 nor IPv6. */
function networkHeaderSize(env: HelperEnv): number {
  switch (etherType(env)) {
    case ETH_P_IP:
      return IPV4_SIZE;
    case ETH_P_IPV6:
      return IPV6_SIZE;
    default:
      return 0;
  }
}

/** The EtherType that the context tells, as Linux does not look at the packet for it. */
function etherType(env: HelperEnv): number {
  return swap16(env.mem.u32(env.run.ctx + PROTOCOL));
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}
