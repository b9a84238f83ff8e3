/** Helpers of local storage, for every kind of owner: what belongs to a task, a socket, an inode, a cgroup. */
import { EINVAL } from '../base/errno.ts';
import { LocalStorageMap } from '../maps/index.ts';
import { BPF_LOCAL_STORAGE_GET_F_CREATE } from '../uapi/generated/constants.ts';
import type { Helper } from './helper.ts';

/** The owner's value, or NULL: made from the given one, or of zeros, where the flag says so. */
const get: Helper = {
  args: 'iiiL',
  ret: 'ptr',
  bind: (env) => (mapAddr, owner, initial, flags, flagsHi) => {
    const map = env.mapAt(mapAddr! >>> 0);
    const unknown = flagsHi !== 0 || (flags! & ~BPF_LOCAL_STORAGE_GET_F_CREATE) !== 0;
    if (unknown || owner === 0 || !(map instanceof LocalStorageMap)) return 0;
    return map.storage(owner! >>> 0, initial! >>> 0, flags === BPF_LOCAL_STORAGE_GET_F_CREATE);
  },
};

const drop: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (mapAddr, owner) => {
    const map = env.mapAt(mapAddr! >>> 0);
    return owner === 0 || !(map instanceof LocalStorageMap) ? -EINVAL : map.dropStorage(owner! >>> 0);
  },
};

export const task_storage_get: Helper = get;
export const task_storage_delete: Helper = drop;
export const sk_storage_get: Helper = get;
export const sk_storage_delete: Helper = drop;
export const inode_storage_get: Helper = get;
export const inode_storage_delete: Helper = drop;
export const cgrp_storage_get: Helper = get;
export const cgrp_storage_delete: Helper = drop;

/** Puts a pointer into a map value and answers the one that was there. */
export const kptr_xchg: Helper = {
  args: 'ii',
  ret: 'ptr',
  bind: (env) => (at, pointer) => {
    const old = env.mem.u32(at! >>> 0);
    env.mem.setLoHi(at! >>> 0, pointer!, 0);
    return old;
  },
};
