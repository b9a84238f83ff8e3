/**
 * PTR_TO_PACKET and PTR_TO_PACKET_META: a pointer into the packet, proven by comparing it with its end.
 *
 *     data      ptr.off        ptr.off + range         data_end
 *      |-----------|------- readable -------|--- unknown ---|
 *
 * branch/packet-range.ts establishes `range`; it counts from the variable part of the pointer, so only the fixed offset
 * is checked against it.
 */
import {
  BPF_PROG_TYPE_CGROUP_SKB,
  BPF_PROG_TYPE_CGROUP_SOCKOPT,
  BPF_PROG_TYPE_FLOW_DISSECTOR,
  BPF_PROG_TYPE_LWT_IN,
  BPF_PROG_TYPE_LWT_OUT,
  BPF_PROG_TYPE_LWT_SEG6LOCAL,
  BPF_PROG_TYPE_LWT_XMIT,
  BPF_PROG_TYPE_SCHED_ACT,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SK_MSG,
  BPF_PROG_TYPE_SK_REUSEPORT,
  BPF_PROG_TYPE_SK_SKB,
  BPF_PROG_TYPE_XDP,
} from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';
import { fits } from './region.ts';
import { answerUnknown, checkNoLeak, type PointerRule } from './rule.ts';

export const packet: PointerRule = {
  access(env, ptr, a) {
    if (a.write && !mayAccessPacket(env, true, false)) env.reject('EACCES', 'cannot write into packet');
    checkNoLeak(env, a, 'packet');
    checkPacket(env, ptr, a.regno, a.off, a.size, false);
    answerUnknown(env, a);
  },
};

export function checkPacket(env: Env, ptr: Reg, regno: number, off: number, size: number, zeroAllowed: boolean): void {
  if (ptr.isNegative) {
    env.reject('EACCES', `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  }
  const outside = `R${regno} offset is outside of the packet`;
  if (ptr.range < 0) env.reject('EINVAL', outside);
  if (!fits(env, ptr, regno, off, size, ptr.range, zeroAllowed)) env.reject('EACCES', outside);
}

/** Whether this program type may read or write packet data; `byHelper`: hand it to a helper, of which `allowed` says more. */
export function mayAccessPacket(env: Env, write: boolean, byHelper: boolean, allowed = false): boolean {
  switch (env.input.progType) {
    // These may only read.
    case BPF_PROG_TYPE_LWT_IN:
    case BPF_PROG_TYPE_LWT_OUT:
    case BPF_PROG_TYPE_LWT_SEG6LOCAL:
    case BPF_PROG_TYPE_SK_REUSEPORT:
    case BPF_PROG_TYPE_FLOW_DISSECTOR:
    case BPF_PROG_TYPE_CGROUP_SKB:
      if (write) return false;
      return byHelper ? allowed : true;
    case BPF_PROG_TYPE_SCHED_CLS:
    case BPF_PROG_TYPE_SCHED_ACT:
    case BPF_PROG_TYPE_XDP:
    case BPF_PROG_TYPE_LWT_XMIT:
    case BPF_PROG_TYPE_SK_SKB:
    case BPF_PROG_TYPE_SK_MSG:
      if (byHelper) return allowed;
      env.seenDirectWrite = true;
      return true;
    case BPF_PROG_TYPE_CGROUP_SOCKOPT:
      if (write) env.seenDirectWrite = true;
      return true;
    default:
      return false;
  }
}
