/**
 * Helpers that ask for what the world has none of: connections, tunnels that packets came through, routes. They answer
 * what Linux answers where there is none.
 */
import { EAFNOSUPPORT, EINVAL, ENOENT } from '../base/errno.ts';
import { BPF_FIB_LKUP_RET_FWD_DISABLED } from '../uapi/generated/constants.ts';
import type { Helper } from './helper.ts';

const NO_SOCKET: Helper = { args: 'iiiLL', ret: 'ptr', bind: () => () => 0 };
export const sk_lookup_tcp: Helper = NO_SOCKET;
export const sk_lookup_udp: Helper = NO_SOCKET;
export const skc_lookup_tcp: Helper = NO_SOCKET;

/** Zeros and an error: the packet came through no tunnel and no transformation. */
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
    return -ENOENT;
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

/** struct bpf_fib_lookup: u8 family first. */
const FIB_LOOKUP_SIZE = 64;
const FIB_FLAGS = 0x3f;
const AF_INET = 2;
const AF_INET6 = 10;

/** The world forwards nothing: net.ipv4.ip_forward is 0, as it is by default. */
export const fib_lookup: Helper = {
  args: 'iiii',
  ret: 'int',
  bind: (env) => (_ctx, params, size, flags) => {
    if (size! < FIB_LOOKUP_SIZE || (flags! & ~FIB_FLAGS) !== 0) return -EINVAL;
    const family = env.mem.u8(params! >>> 0);
    return family === AF_INET || family === AF_INET6 ? BPF_FIB_LKUP_RET_FWD_DISABLED : -EAFNOSUPPORT;
  },
};
