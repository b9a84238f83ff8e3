/**
 * Helpers for VLAN tags. As in Linux the outermost tag stands beside the packet, in fields of the __sk_buff; further
 * ones are in the packet, after the Ethernet addresses.
 */
import { EINVAL } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import type { Helper, HelperEnv, Packet } from './helper.ts';
import { ETH_PROTO, insertBytes, removeBytes } from './packet.ts';

/** Offsets in struct __sk_buff. `protocol` and `vlan_proto` are in network byte order. */
const PROTOCOL = 16;
const VLAN_PRESENT = 20;
const VLAN_TCI = 24;
const VLAN_PROTO = 28;

/** A tag in the packet: its protocol, then its u16 of control information. */
const TAG_SIZE = 4;
const ETH_P_8021Q = 0x8100;
const ETH_P_8021AD = 0x88a8;

function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

function isTag(networkOrder: number): boolean {
  const proto = swap16(networkOrder);
  return proto === ETH_P_8021Q || proto === ETH_P_8021AD;
}

/** Adds a tag; one that stands beside the packet goes into it. An unknown protocol counts as 802.1Q. */
export const skb_vlan_push: Helper = {
  args: 'iii',
  ret: 'int',
  bind: (env) => (ctxAddr, proto, tci) => {
    const ctx = ctxAddr! >>> 0;
    const { packet } = env.run;
    if (packet === null) return -EINVAL;
    if (env.mem.u32(ctx + VLAN_PRESENT) !== 0) {
      const error = insertBytes(env, packet, ETH_PROTO, TAG_SIZE);
      if (error !== 0) return error;
      const inner = env.mem.u32(ctx + VLAN_PROTO);
      env.mem.setU16(packet.data + ETH_PROTO, inner);
      env.mem.setU16(packet.data + ETH_PROTO + 2, swap16(env.mem.u32(ctx + VLAN_TCI)));
      env.mem.setU32(ctx + PROTOCOL, inner);
    }
    setTag(env, ctx, isTag(proto!) ? proto! & 0xffff : swap16(ETH_P_8021Q), tci! & 0xffff);
    return 0;
  },
};

/** Takes the outermost tag away; the next one, where the packet has one, takes its place beside it. */
export const skb_vlan_pop: Helper = {
  args: 'i',
  ret: 'int',
  bind: (env) => (ctxAddr) => {
    const ctx = ctxAddr! >>> 0;
    const { packet } = env.run;
    if (packet === null) return -EINVAL;
    if (env.mem.u32(ctx + VLAN_PRESENT) === 0) liftTag(env, packet, ctx);
    for (const field of [VLAN_PRESENT, VLAN_TCI, VLAN_PROTO]) env.mem.setU32(ctx + field, 0);
    liftTag(env, packet, ctx);
    return 0;
  },
};

/** Moves the tag that the packet begins with, if there is one, beside it. */
function liftTag(env: HelperEnv, packet: Packet, ctx: Addr): void {
  const at = packet.data + ETH_PROTO;
  if (at + TAG_SIZE + 2 > packet.dataEnd || !isTag(env.mem.u16(at))) return;
  setTag(env, ctx, env.mem.u16(at), swap16(env.mem.u16(at + 2)));
  env.mem.setU32(ctx + PROTOCOL, env.mem.u16(at + TAG_SIZE));
  removeBytes(env, packet, ETH_PROTO, TAG_SIZE);
}

function setTag(env: HelperEnv, ctx: Addr, proto: number, tci: number): void {
  env.mem.setU32(ctx + VLAN_PROTO, proto);
  env.mem.setU32(ctx + VLAN_TCI, tci);
  env.mem.setU32(ctx + VLAN_PRESENT, 1);
}
