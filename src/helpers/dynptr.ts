/** Dynptrs: pointers that carry their size, so that what is not known when verifying is checked when running. */
import { E2BIG, EINVAL, ENOMEM } from '../base/errno.ts';
import { RingBufferMap, ringOfRecord } from '../maps/index.ts';
import { isPacketDynptr, isReadOnlyDynptr, MAX_DYNPTR_SIZE, rangeOf, setDynptr } from './dynptr-layout.ts';
import type { Helper } from './helper.ts';

export const dynptr_from_mem: Helper = {
  args: 'iiLi',
  ret: 'int',
  bind: (env) => (data, size, flags, flagsHi, dynptr) => {
    const error = size! >>> 0 > MAX_DYNPTR_SIZE ? -E2BIG : flags !== 0 || flagsHi !== 0 ? -EINVAL : 0;
    setDynptr(env.mem, dynptr! >>> 0, error === 0 ? data! >>> 0 : 0, error === 0 ? size! : 0);
    return error;
  },
};

export const dynptr_read: Helper = {
  args: 'iiiiL',
  ret: 'int',
  bind: (env) => (to, size, dynptr, offset, flags, flagsHi) => {
    if (flags !== 0 || flagsHi !== 0) return -EINVAL;
    const from = rangeOf(env, dynptr! >>> 0, offset! >>> 0, size! >>> 0);
    if (from < 0) return from;
    env.mem.copy(to! >>> 0, from, size! >>> 0);
    return 0;
  },
};

export const dynptr_write: Helper = {
  args: 'iiiiL',
  ret: 'int',
  bind: (env) => (dynptr, offset, from, size, flags, flagsHi) => {
    const isReadOnly = isReadOnlyDynptr(env.mem, dynptr! >>> 0);
    if (flags !== 0 || flagsHi !== 0 || isReadOnly) return -EINVAL;
    const to = rangeOf(env, dynptr! >>> 0, offset! >>> 0, size! >>> 0);
    if (to < 0) return to;
    env.mem.copy(to, from! >>> 0, size! >>> 0);
    return 0;
  },
};

/** The address of a slice that may be written, or NULL; packets have slices of their own. */
export const dynptr_data: Helper = {
  args: 'iii',
  ret: 'ptr',
  bind: (env) => (dynptr, offset, size) => {
    if (isReadOnlyDynptr(env.mem, dynptr! >>> 0) || isPacketDynptr(env.mem, dynptr! >>> 0)) return 0;
    return Math.max(rangeOf(env, dynptr! >>> 0, offset! >>> 0, size! >>> 0), 0);
  },
};

/** On failure the dynptr is null, and is to be submitted or discarded all the same. */
export const ringbuf_reserve_dynptr: Helper = {
  args: 'iiLi',
  ret: 'int',
  bind: (env) => (mapAddr, size, flags, flagsHi, dynptr) => {
    const map = env.mapAt(mapAddr! >>> 0);
    setDynptr(env.mem, dynptr! >>> 0, 0, 0);
    if (flags !== 0 || flagsHi !== 0 || !(map instanceof RingBufferMap)) return -EINVAL;
    if (size! >>> 0 > MAX_DYNPTR_SIZE) return -E2BIG;
    const data = map.reserve(size! >>> 0);
    if (data === 0) return -ENOMEM;
    setDynptr(env.mem, dynptr! >>> 0, data, size!);
    return 0;
  },
};

function commit(discard: boolean): Helper {
  return {
    args: 'iL',
    ret: 'void',
    bind: (env) => (dynptr, flags) => {
      const data = env.mem.u32(dynptr! >>> 0);
      if (data === 0) return 0;
      const map = env.mapAt(ringOfRecord(env.mem, data));
      if (map instanceof RingBufferMap) map.commit(data, discard, flags!);
      setDynptr(env.mem, dynptr! >>> 0, 0, 0);
      return 0;
    },
  };
}

export const ringbuf_submit_dynptr = commit(false);
export const ringbuf_discard_dynptr = commit(true);
