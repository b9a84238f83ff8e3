/** Kernel functions on dynptrs: of packets, and what narrows, copies, fills and looks into any of them. */
import { E2BIG, EINVAL, ERANGE } from '../../base/errno.ts';
import type { Addr } from '../../base/memory.ts';
import {
  BPF_PROG_TYPE_LWT_XMIT,
  BPF_PROG_TYPE_SCHED_ACT,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SK_SKB,
} from '../../uapi/generated/constants.ts';
import {
  DYNPTR_SIZE,
  dynptrSize,
  isNullDynptr,
  isReadOnlyDynptr,
  narrowDynptr,
  rangeOf,
  setDynptr,
  setPacketDynptr,
} from '../dynptr-layout.ts';
import type { Helper, HelperEnv } from '../helper.ts';

/** Programs of these types may write to packets of sockets. */
const WRITES_SKB: ReadonlySet<number> = new Set([
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SCHED_ACT,
  BPF_PROG_TYPE_LWT_XMIT,
  BPF_PROG_TYPE_SK_SKB,
]);

function fromPacket(mayWrite: (env: HelperEnv) => boolean): Helper {
  return {
    args: 'iLi',
    ret: 'int',
    bind: (env) => (_ctx, flags, flagsHi, dynptr) => {
      const at = dynptr! >>> 0;
      const { packet } = env.run;
      setDynptr(env.mem, at, 0, 0);
      if (flags !== 0 || flagsHi !== 0 || packet === null) return -EINVAL;
      setPacketDynptr(env.mem, at, packet.dataEnd - packet.data, !mayWrite(env));
      return 0;
    },
  };
}

export const bpf_dynptr_from_skb = fromPacket((env) => WRITES_SKB.has(env.run.progType));
export const bpf_dynptr_from_xdp = fromPacket(() => true);

export const bpf_dynptr_adjust: Helper = {
  args: 'iii',
  ret: 'int',
  bind:
    ({ mem }) =>
    (dynptr, from, to) => {
      const at = dynptr! >>> 0;
      const start = from! >>> 0;
      const end = to! >>> 0;
      if (isNullDynptr(mem, at) || start > end) return -EINVAL;
      const size = dynptrSize(mem, at);
      if (start > size || end > size) return -ERANGE;
      narrowDynptr(mem, at, start, end - start);
      return 0;
    },
};

export const bpf_dynptr_is_null: Helper = {
  args: 'i',
  ret: 'int',
  bind:
    ({ mem }) =>
    (dynptr) =>
      isNullDynptr(mem, dynptr! >>> 0) ? 1 : 0,
};

export const bpf_dynptr_is_rdonly: Helper = {
  args: 'i',
  ret: 'int',
  bind:
    ({ mem }) =>
    (dynptr) =>
      !isNullDynptr(mem, dynptr! >>> 0) && isReadOnlyDynptr(mem, dynptr! >>> 0) ? 1 : 0,
};

/** Of a null one -EINVAL, as the unsigned number that it answers. */
export const bpf_dynptr_size: Helper = {
  args: 'i',
  ret: 'ptr',
  bind:
    ({ mem }) =>
    (dynptr) =>
      isNullDynptr(mem, dynptr! >>> 0) ? -EINVAL : dynptrSize(mem, dynptr! >>> 0),
};

export const bpf_dynptr_clone: Helper = {
  args: 'ii',
  ret: 'int',
  bind:
    ({ mem }) =>
    (from, to) => {
      mem.copy(to! >>> 0, from! >>> 0, DYNPTR_SIZE);
      return isNullDynptr(mem, to! >>> 0) ? -EINVAL : 0;
    },
};

export const bpf_dynptr_copy: Helper = {
  args: 'iiiii',
  ret: 'int',
  bind: (env) => (to, toOffset, from, fromOffset, count) => {
    const size = count! >>> 0;
    const source = rangeOf(env, from! >>> 0, fromOffset! >>> 0, size);
    if (source < 0) return source;
    const target = writable(env, to! >>> 0, toOffset! >>> 0, size);
    if (target < 0) return target;
    env.mem.copy(target, source, size);
    return 0;
  },
};

export const bpf_dynptr_memset: Helper = {
  args: 'iiii',
  ret: 'int',
  bind: (env) => (dynptr, offset, count, value) => {
    // Nothing of a null one may be filled, but nothing may.
    if (isNullDynptr(env.mem, dynptr! >>> 0)) return (offset! | count!) === 0 ? 0 : -E2BIG;
    const target = writable(env, dynptr! >>> 0, offset! >>> 0, count! >>> 0);
    if (target < 0) return target;
    env.mem.fill(target, count! >>> 0, value! & 0xff);
    return 0;
  },
};

function writable(env: HelperEnv, dynptr: Addr, offset: number, size: number): Addr | number {
  return isReadOnlyDynptr(env.mem, dynptr) ? -EINVAL : rangeOf(env, dynptr, offset, size);
}

/** Packets lie in one piece here, so the buffer for those that do not is never needed. */
export const bpf_dynptr_slice: Helper = {
  args: 'iiii',
  ret: 'ptr',
  bind: (env) => (dynptr, offset, _buffer, size) =>
    Math.max(rangeOf(env, dynptr! >>> 0, offset! >>> 0, size! >>> 0), 0),
};

export const bpf_dynptr_slice_rdwr: Helper = {
  args: 'iiii',
  ret: 'ptr',
  bind: (env) => (dynptr, offset, _buffer, size) =>
    Math.max(writable(env, dynptr! >>> 0, offset! >>> 0, size! >>> 0), 0),
};
