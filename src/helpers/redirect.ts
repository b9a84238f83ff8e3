/**
 * Helpers that say where a packet is to go. They note it in the run; the program then answers XDP_REDIRECT or
 * TC_ACT_REDIRECT, and the hook looks at the note. The answer of the helper is that verdict, or the one to drop.
 */
import { BPF_F_INGRESS, BPF_PROG_TYPE_XDP, XDP_ABORTED, XDP_REDIRECT } from '../uapi/generated/constants.ts';
import type { Helper, HelperEnv, Redirect } from './helper.ts';

const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
/** struct bpf_redir_neigh. */
const REDIR_NEIGH_SIZE = 20;
/** Flags of bpf_redirect_map: what to answer where the map has nothing. */
const ACTION_MASK = 3;

function note(env: HelperEnv, redirect: Redirect): void {
  env.run.redirect = redirect;
}

export const redirect: Helper = {
  args: 'iL',
  ret: 'int',
  bind: (env) => (index, flags, flagsHi) => {
    const isXdp = env.run.progType === BPF_PROG_TYPE_XDP;
    const known = isXdp ? 0 : BPF_F_INGRESS;
    if (flagsHi !== 0 || (flags! & ~known) !== 0) return isXdp ? XDP_ABORTED : TC_ACT_SHOT;
    note(env, { kind: 'device', index: index! >>> 0, map: null, flags: flags! });
    return isXdp ? XDP_REDIRECT : TC_ACT_REDIRECT;
  },
};

export const redirect_peer: Helper = {
  args: 'iL',
  ret: 'int',
  bind: (env) => (index, flags, flagsHi) => {
    if (flags !== 0 || flagsHi !== 0) return TC_ACT_SHOT;
    note(env, { kind: 'peer', index: index! >>> 0, map: null, flags: 0 });
    return TC_ACT_REDIRECT;
  },
};

export const redirect_neigh: Helper = {
  args: 'iiiL',
  ret: 'int',
  bind: (env) => (index, _params, size, flags, flagsHi) => {
    const badSize = size !== 0 && size! >>> 0 < REDIR_NEIGH_SIZE;
    if (badSize || flags !== 0 || flagsHi !== 0) return TC_ACT_SHOT;
    note(env, { kind: 'neighbour', index: index! >>> 0, map: null, flags: 0 });
    return TC_ACT_REDIRECT;
  },
};

/** Maps of devices, CPUs and sockets cannot be filled here, so there is never an entry: the answer is the flags' low bits. */
export const redirect_map: Helper = {
  args: 'iLL',
  ret: 'int',
  bind: () => (_map, _key, _keyHi, flags, flagsHi) =>
    flagsHi !== 0 || (flags! & ~ACTION_MASK) !== 0 ? XDP_ABORTED : flags! & ACTION_MASK,
};
