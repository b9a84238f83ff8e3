/**
 * Helpers that change or compute fields of a __sk_buff, and those that ask whom the packet belongs to.
 */
import { E2BIG, EAGAIN, EINVAL } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { CgroupArrayMap } from '../maps/index.ts';
import type { Helper, HelperEnv, Packet } from './helper.ts';
import { networkOffset } from './packet.ts';

/** Offsets in struct __sk_buff. */
const PKT_TYPE = 4;
const HASH = 68;

/** Types up to this one say for whom a packet is; a program may change one of them to another. */
const PACKET_OTHERHOST = 3;

export const skb_change_type: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (ctx, type) => {
    const at = (ctx! >>> 0) + PKT_TYPE;
    if (type! >>> 0 > PACKET_OTHERHOST || env.mem.u32(at) > PACKET_OTHERHOST) return -EINVAL;
    env.mem.setU32(at, type!);
    return 0;
  },
};

/** A hash of the flow: never 0, the same for packets with the same addresses, protocol and ports. */
export const get_hash_recalc: Helper = {
  args: 'i',
  ret: 'ptr',
  bind: (env) => (ctx) => {
    const at = (ctx! >>> 0) + HASH;
    const known = env.mem.u32(at);
    if (known !== 0 || env.run.packet === null) return known;
    const hash = flowHash(env, env.run.packet);
    env.mem.setU32(at, hash);
    return hash;
  },
};

/** Where a network header has its addresses and the byte that names the protocol above, and where that one begins. */
const FLOW_FIELDS: Readonly<Record<number, { addresses: number; size: number; protocol: number; end: number }>> = {
  4: { addresses: 12, size: 8, protocol: 9, end: 20 },
  6: { addresses: 8, size: 32, protocol: 6, end: 40 },
};
const PORTS_SIZE = 4;

function flowHash(env: HelperEnv, packet: Packet): number {
  const network = packet.data + networkOffset(packet);
  const fields = network < packet.dataEnd ? FLOW_FIELDS[env.mem.u8(network) >> 4] : undefined;
  let hash = 0x811c9dc5;
  const mix = (at: Addr, size: number) => {
    const end = Math.min(at + size, packet.dataEnd);
    for (let i = at; i < end; i++) hash = Math.imul(hash ^ env.mem.u8(i), 0x01000193);
  };
  if (fields !== undefined) {
    mix(network + fields.addresses, fields.size);
    mix(network + fields.protocol, 1);
    mix(network + fields.end, PORTS_SIZE);
  }
  return hash >>> 0 || 1;
}

export const set_hash: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (ctx, hash) => {
    env.mem.setU32((ctx! >>> 0) + HASH, hash!);
    return 0;
  },
};

export const set_hash_invalid: Helper = {
  args: 'i',
  ret: 'void',
  bind: (env) => (ctx) => {
    env.mem.setU32((ctx! >>> 0) + HASH, 0);
    return 0;
  },
};

// As in a test run of Linux, every packet belongs to a socket of the kernel: root's, in the root cgroup, of no class.
const SOCKET_COOKIE = 1;
const ROOT_CGROUP = 1;

export const get_socket_cookie: Helper = { args: 'i', ret: 'ptr', bind: () => () => SOCKET_COOKIE };
export const get_socket_uid: Helper = { args: 'i', ret: 'int', bind: () => () => 0 };
export const get_cgroup_classid: Helper = { args: 'i', ret: 'int', bind: () => () => 0 };
export const get_route_realm: Helper = { args: 'i', ret: 'int', bind: () => () => 0 };
export const skb_cgroup_id: Helper = { args: 'i', ret: 'ptr', bind: () => () => ROOT_CGROUP };
export const skb_ancestor_cgroup_id: Helper = {
  args: 'ii',
  ret: 'ptr',
  bind: () => (_ctx, level) => (level === 0 ? ROOT_CGROUP : 0),
};

/** 1 or 0; -E2BIG past the end of the map, -EAGAIN for an empty slot. */
export const skb_under_cgroup: Helper = {
  args: 'iii',
  ret: 'int',
  bind: (env) => (_ctx, mapAddr, index) => {
    const map = env.mapAt(mapAddr! >>> 0);
    if (!(map instanceof CgroupArrayMap)) return -EINVAL;
    if (index! >>> 0 >= map.def.maxEntries) return -E2BIG;
    const cgroup = map.cgroup(index! >>> 0);
    if (cgroup === undefined) return -EAGAIN;
    return cgroup.id === ROOT_CGROUP ? 1 : 0;
  },
};
