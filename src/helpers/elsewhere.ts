/**
 * Helpers that ask for what the world has none of: sockets that packets belong to, tunnels they came through, routes.
 * They answer what Linux answers where there is none.
 */
import { EINVAL, ENOENT } from '../base/errno.ts';
import { BPF_FIB_LKUP_RET_NOT_FWDED } from '../uapi/generated/constants.ts';
import type { Helper } from './helper.ts';

const NO_SOCKET: Helper = { args: 'iiiLL', ret: 'ptr', bind: () => () => 0 };
export const sk_lookup_tcp: Helper = NO_SOCKET;
export const sk_lookup_udp: Helper = NO_SOCKET;
export const skc_lookup_tcp: Helper = NO_SOCKET;

export const skb_cgroup_id: Helper = { args: 'i', ret: 'ptr', bind: () => () => 0 };
export const skb_ancestor_cgroup_id: Helper = { args: 'ii', ret: 'ptr', bind: () => () => 0 };
export const skb_under_cgroup: Helper = { args: 'iii', ret: 'int', bind: () => () => -ENOENT };

/** Zeros and -EINVAL: the packet came through no tunnel and no transformation. */
export const skb_get_tunnel_key: Helper = {
  args: 'iiiL',
  ret: 'int',
  bind: (env) => (_ctx, to, size) => {
    env.mem.fill(to! >>> 0, size! >>> 0, 0);
    return -EINVAL;
  },
};
export const skb_get_tunnel_opt: Helper = {
  args: 'iii',
  ret: 'int',
  bind: (env) => (_ctx, to, size) => {
    env.mem.fill(to! >>> 0, size! >>> 0, 0);
    return -EINVAL;
  },
};
export const skb_get_xfrm_state: Helper = {
  args: 'iiiiL',
  ret: 'int',
  bind: (env) => (_ctx, _index, to, size) => {
    env.mem.fill(to! >>> 0, size! >>> 0, 0);
    return -EINVAL;
  },
};

/** struct bpf_fib_lookup. */
const FIB_LOOKUP_SIZE = 64;
const FIB_FLAGS = 0x3f;

/** There are no routes: no packet is forwarded. */
export const fib_lookup: Helper = {
  args: 'iiii',
  ret: 'int',
  bind: () => (_ctx, _params, size, flags) =>
    size! < FIB_LOOKUP_SIZE || (flags! & ~FIB_FLAGS) !== 0 ? -EINVAL : BPF_FIB_LKUP_RET_NOT_FWDED,
};
