/** Helpers of BPF_MAP_TYPE_RINGBUF. Dynptr variants are in dynptr.ts. */
import { EINVAL } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { RingBufferMap, ringOfRecord } from '../maps/index.ts';
import { answer64, type Helper, type HelperEnv } from './helper.ts';

/** The ring buffer at `addr`, or undefined where the program was not verified. */
function ringAt(env: HelperEnv, addr: Addr): RingBufferMap | undefined {
  const map = env.mapAt(addr);
  return map instanceof RingBufferMap ? map : undefined;
}

export const ringbuf_output: Helper = {
  args: 'iiLL',
  ret: 'int',
  bind: (env) => (map, data, size, sizeHi, flags, flagsHi) => {
    if (flagsHi !== 0) return -EINVAL;
    return ringAt(env, map! >>> 0)?.output(data! >>> 0, sizeHi === 0 ? size! >>> 0 : Infinity, flags!) ?? -EINVAL;
  },
};

/** The address of `size` bytes to fill and submit, or NULL. */
export const ringbuf_reserve: Helper = {
  args: 'iLL',
  ret: 'ptr',
  bind: (env) => (map, size, sizeHi, flags, flagsHi) => {
    if (flags !== 0 || flagsHi !== 0 || sizeHi !== 0) return 0;
    return ringAt(env, map! >>> 0)?.reserve(size! >>> 0) ?? 0;
  },
};

function commit(discard: boolean): Helper {
  return {
    args: 'iL',
    ret: 'void',
    bind: (env) => (data, flags) => {
      const at = data! >>> 0;
      ringAt(env, ringOfRecord(env.mem, at))?.commit(at, discard, flags!);
      return 0;
    },
  };
}

export const ringbuf_submit = commit(false);
export const ringbuf_discard = commit(true);

export const ringbuf_query: Helper = {
  args: 'iL',
  ret: 'u64',
  bind: (env) => (map, what, whatHi) => {
    const ring = whatHi === 0 ? ringAt(env, map! >>> 0) : undefined;
    return answer64(env, BigInt(ring?.query(what!) ?? 0));
  },
};
