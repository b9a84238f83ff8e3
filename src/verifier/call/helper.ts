/**
 * A call of a helper: may this program call it, are the arguments right, what is the answer, what is lost.
 * Linux: check_helper_call().
 */

import { resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import * as c from '../../uapi/generated/constants.ts';
import type { HelperRow } from '../../uapi/helpers.ts';
import { syncBounds } from '../domain/bounds.ts';
import type { Env } from '../env.ts';
import { MOVED, NEXT, type Outcome } from '../explore/outcome.ts';
import { answerBtf } from '../pointer/btf-id.ts';
import { accessMemory } from '../pointer/index.ts';
import { answerExchanged } from '../pointer/kptr.ts';
import { DYNPTR_KINDS, releaseDynptr } from '../resource/dynptr.ts';
import { checkNothingHeld } from '../resource/leak.ts';
import { acquireRef, releaseRef } from '../resource/reference.ts';
import type { Reg } from '../state/reg.ts';
import {
  ALLOC,
  BTF_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  RCU,
  RDONLY,
  RINGBUF,
  SOCK_COMMON,
  SOCKET,
  TCP_SOCK,
  typeName,
} from '../state/types.ts';
import { mayHoldLock } from '../structure/map-record.ts';
import { helperFor, needsGpl } from './allowed.ts';
import { checkArgument } from './arg/index.ts';
import {
  pushAsyncCallback,
  pushDrainCallback,
  pushForEachCallback,
  pushLoopCallback,
  pushVmaCallback,
  TIMER,
} from './callback.ts';
import { forgetPackets } from './forget-packets.ts';
import { checkFormat } from './format.ts';
import { takesMap } from './map-compat.ts';
import type { CallMeta } from './meta.ts';
import { returnToCaller } from './subprog.ts';

const MAX_ERRNO = 4095n;

/** Helpers whose map the engine may build in. */
const KEEPS_MAP = new Set<number>([
  c.BPF_FUNC_tail_call,
  c.BPF_FUNC_map_lookup_elem,
  c.BPF_FUNC_map_update_elem,
  c.BPF_FUNC_map_delete_elem,
  c.BPF_FUNC_map_push_elem,
  c.BPF_FUNC_map_pop_elem,
  c.BPF_FUNC_map_peek_elem,
  c.BPF_FUNC_for_each_map_elem,
  c.BPF_FUNC_redirect_map,
  c.BPF_FUNC_map_lookup_percpu_elem,
]);
const WRITES_MAP = new Set<number>([
  c.BPF_FUNC_map_delete_elem,
  c.BPF_FUNC_map_update_elem,
  c.BPF_FUNC_map_push_elem,
  c.BPF_FUNC_map_pop_elem,
]);
const ACQUIRES = new Set<number>([
  c.BPF_FUNC_sk_lookup_tcp,
  c.BPF_FUNC_sk_lookup_udp,
  c.BPF_FUNC_skc_lookup_tcp,
  c.BPF_FUNC_ringbuf_reserve,
  c.BPF_FUNC_kptr_xchg,
]);
/** Their answer is the argument in another guise: the same reference. */
const CASTS = new Set<number>([
  c.BPF_FUNC_tcp_sock,
  c.BPF_FUNC_sk_fullsock,
  c.BPF_FUNC_skc_to_tcp_sock,
  c.BPF_FUNC_skc_to_tcp6_sock,
  c.BPF_FUNC_skc_to_udp6_sock,
  c.BPF_FUNC_skc_to_mptcp_sock,
  c.BPF_FUNC_skc_to_tcp_timewait_sock,
  c.BPF_FUNC_skc_to_tcp_request_sock,
]);

export function helperCall(env: Env): Outcome {
  const { insns, pc } = env;
  const id = insns.imm[pc]!;
  const helper = helperFor(env, id);
  if (id === 0) env.reject('EINVAL', 'program of this type cannot use helper bpf_unspec#0');
  if (!helper) env.reject('EINVAL', `invalid func unknown#${id}`);
  const { row, title: name, args } = helper;
  if (!helper.allowed) env.reject('EINVAL', `program of this type cannot use helper ${name}`);
  if (!env.input.gplCompatible && needsGpl(env, row)) {
    env.reject('EINVAL', 'cannot call GPL-restricted function from non-GPL compatible program');
  }
  if (row.mightSleep && !env.cur.inSleepable) {
    env.reject('EINVAL', 'helper call might sleep in a non-sleepable prog');
  }
  if (row.mightSleep && env.cur.activeRcu) {
    env.reject('EINVAL', `sleepable helper ${name} in rcu_read_lock region`);
  }
  if (row.mightSleep && env.cur.activePreempt) {
    env.reject('EINVAL', `sleepable helper ${name} in non-preemptible region`);
  }
  if (row.mightSleep && env.cur.activeIrqId) {
    env.reject('EINVAL', `sleepable helper ${name} in IRQ-disabled region`);
  }
  const meta = env.call;
  meta.reset(id, helper.name, row.pktAccess === true);
  for (let k = 0; k < args.length; k++) checkArgument(env, meta, args, k);
  recordMap(env, meta);
  if (id === c.BPF_FUNC_tail_call) recordIndex(env, meta);
  for (let k = 0; k < meta.rawSize; k++) accessMemory(env, meta.rawRegno, k, 1, true, -1);
  if (meta.releaseRegno) release(env, meta, name);
  special(env, meta, name);
  const holder = env.temp[5]!;
  if (meta.kptr) holder.copyFrom(env.reg(1));
  for (let r = 0; r <= 5; r++) {
    env.reg(r).markNotInit();
    env.scratchReg(r);
  }
  answer(env, meta, row);
  const r0 = env.reg(0);
  if (r0.mayBeNull) r0.id = env.newId();
  if (CASTS.has(id)) {
    r0.refId = meta.refId;
  } else if (acquires(env, meta)) {
    const ref = acquireRef(env);
    r0.id = ref;
    r0.refId = ref;
  }
  refineAnswer(env, meta, r0);
  if (meta.map >= 0 && !takesMap(env, id, env.maps[meta.map]!)) {
    env.reject('EINVAL', `cannot pass map_type ${env.maps[meta.map]!.type} into func ${name}`);
  }
  const packet = meta.dynptr.kind === DYNPTR_KINDS.skb || meta.dynptr.kind === DYNPTR_KINDS.skb_meta;
  if (row.changesPacket || (id === c.BPF_FUNC_dynptr_write && packet)) forgetPackets(env);
  if (id === c.BPF_FUNC_tail_call && env.cur.curframe > 0) {
    // The program that is called instead answers for this function; or nothing is called, and it goes on.
    env.walk.push(pc + 1, pc);
    forgetPackets(env);
    env.reg(0).markUnknown();
    returnToCaller(env);
    return MOVED;
  }
  return NEXT;
}

function acquires(env: Env, meta: CallMeta): boolean {
  if (ACQUIRES.has(meta.id)) return true;
  if (meta.id !== c.BPF_FUNC_map_lookup_elem || meta.map < 0) return false;
  const { type } = env.maps[meta.map]!;
  return type === c.BPF_MAP_TYPE_SOCKMAP || type === c.BPF_MAP_TYPE_SOCKHASH;
}

function recordMap(env: Env, meta: CallMeta): void {
  if (!KEEPS_MAP.has(meta.id)) return;
  const map = env.maps[meta.map]!;
  if (map.flags & c.BPF_F_RDONLY_PROG && WRITES_MAP.has(meta.id)) {
    env.reject('EACCES', 'write into map forbidden');
  }
  const { callMap } = env.aux;
  const mine = meta.map + 1;
  callMap[env.pc] = callMap[env.pc] === 0 || callMap[env.pc] === mine ? mine : -1;
}

/** A tail call with a known index can be built in: then the index is part of the verdict. */
function recordIndex(env: Env, meta: CallMeta): void {
  const map = env.maps[meta.map]!;
  if (map.type !== c.BPF_MAP_TYPE_PROG_ARRAY) {
    env.write('expected prog array map for tail call');
    env.reject('EINVAL', '');
  }
  const index = env.reg(3);
  if (index.isScalar && index.isConst && index.value < BigInt(map.maxEntries)) env.walk.precision.markReg(3);
}

function release(env: Env, meta: CallMeta, name: string): void {
  const reg = env.reg(meta.releaseRegno);
  if (meta.dynptr.refId) {
    releaseDynptr(env, reg);
    return;
  }
  const ok = meta.refId ? releaseRef(env, meta.refId) : reg.isNull;
  if (!ok) env.reject('EINVAL', `func ${name} reference has not been acquired before`);
}

function special(env: Env, meta: CallMeta, name: string): void {
  switch (meta.id) {
    case c.BPF_FUNC_tail_call:
      checkNothingHeld(env, true, 'tail_call');
      return;
    case c.BPF_FUNC_get_local_storage:
      if (!env.reg(2).isNull) env.reject('EINVAL', "get_local_storage() doesn't support non-zero flags");
      return;
    case c.BPF_FUNC_for_each_map_elem:
      pushForEachCallback(env, meta.subprog);
      return;
    case c.BPF_FUNC_loop:
      pushLoopCallback(env, meta.subprog);
      return;
    case c.BPF_FUNC_dynptr_from_mem: {
      const { type } = env.reg(1);
      if (type !== MAP_VALUE) {
        env.reject('EACCES', `Unsupported reg type ${typeName(type)} for bpf_dynptr_from_mem data`);
      }
      return;
    }
    case c.BPF_FUNC_get_func_ip:
      checkProbes(env, name);
      return;
    case c.BPF_FUNC_snprintf:
      checkFormat(env);
      return;
    case c.BPF_FUNC_find_vma:
      pushVmaCallback(env, meta.subprog);
      return;
    case c.BPF_FUNC_user_ringbuf_drain:
      pushDrainCallback(env, meta.subprog);
      return;
    case c.BPF_FUNC_timer_set_callback:
      pushAsyncCallback(env, meta.subprog, meta.map, TIMER);
      return;
    default:
  }
}

/** What a probe hit can be asked where there is a function: not at tracepoints. */
function checkProbes(env: Env, name: string): void {
  const { progType } = env.input;
  if (progType === c.BPF_PROG_TYPE_KPROBE) return;
  if (progType !== c.BPF_PROG_TYPE_TRACING) {
    env.reject('ENOTSUPP', `func ${name} not supported for program type ${progType}`);
  }
  const { attachType } = env;
  if (attachType === c.BPF_TRACE_FENTRY || attachType === c.BPF_TRACE_FEXIT || attachType === c.BPF_MODIFY_RETURN)
    return;
  env.reject('ENOTSUPP', `func ${name} supported only for fentry/fexit/fmod_ret programs`);
}

function answer(env: Env, meta: CallMeta, row: HelperRow): void {
  const r0 = env.reg(0);
  const { ret } = row;
  switch (ret) {
    case 'integer':
      r0.markUnknown();
      return;
    case 'void':
      return;
    case 'map_value':
    case 'map_value_or_null': {
      const map = env.maps[meta.map]!;
      const bounded = map.type === c.BPF_MAP_TYPE_ARRAY || map.type === c.BPF_MAP_TYPE_PERCPU_ARRAY;
      // An array has every element: a known index in range needs no NULL check.
      const sure =
        ret === 'map_value' ||
        (meta.id === c.BPF_FUNC_map_lookup_elem &&
          bounded &&
          meta.constKey >= 0n &&
          meta.constKey < BigInt(map.maxEntries));
      r0.markPointer(sure ? MAP_VALUE : MAP_VALUE | MAYBE_NULL);
      r0.aux = meta.map;
      r0.aux2 = meta.mapUid;
      if (sure && mayHoldLock(env, r0)) r0.id = env.newId();
      return;
    }
    case 'socket_or_null':
      r0.markPointer(SOCKET | MAYBE_NULL);
      return;
    case 'sock_common_or_null':
      r0.markPointer(SOCK_COMMON | MAYBE_NULL);
      return;
    case 'tcp_sock_or_null':
      r0.markPointer(TCP_SOCK | MAYBE_NULL);
      return;
    case 'ringbuf_mem_or_null':
      r0.markPointer(MEM | RINGBUF | MAYBE_NULL);
      r0.aux = meta.memSize;
      return;
    case 'dynptr_mem_or_null':
      r0.markPointer(MEM | MAYBE_NULL);
      r0.aux = meta.memSize;
      r0.aux2 = meta.dynptr.id;
      r0.refId = meta.dynptr.refId;
      return;
    case 'kptr_or_null':
      answerExchanged(env, r0, env.temp[5]!, meta.kptr!);
      return;
    case 'mem_or_btf_id':
    case 'mem_or_btf_id_or_null':
      answerPerCpu(env, meta, r0);
      if (ret === 'mem_or_btf_id_or_null') r0.type |= MAYBE_NULL;
      return;
    default:
      answerBtf(env, r0, ret);
  }
}

/** One CPU's copy of a variable or object: a structure, or memory that is only to be read. */
function answerPerCpu(env: Env, meta: CallMeta, r0: Reg): void {
  const { btf, id, own } = meta.percpu;
  const types = env.btfOf(btf);
  if (resolve(types, id).kind !== 'struct') {
    r0.markPointer(MEM | RDONLY);
    r0.aux = sizeOf(types, id);
    return;
  }
  r0.markPointer(own ? BTF_PTR | ALLOC | RCU : BTF_PTR);
  r0.aux = skipModifiers(types, id);
  r0.aux2 = btf;
}

/** Ranges of answers that Linux knows. */
function refineAnswer(env: Env, meta: CallMeta, r0: Reg): void {
  switch (meta.id) {
    case c.BPF_FUNC_get_stack:
    case c.BPF_FUNC_get_task_stack:
    case c.BPF_FUNC_probe_read_str:
    case c.BPF_FUNC_probe_read_kernel_str:
    case c.BPF_FUNC_probe_read_user_str:
      if (!r0.isScalar) return;
      r0.smax = meta.maxSize;
      r0.s32max = Number(BigInt.asIntN(32, meta.maxSize));
      r0.smin = -MAX_ERRNO;
      r0.s32min = -Number(MAX_ERRNO);
      syncBounds(r0);
      return;
    case c.BPF_FUNC_get_smp_processor_id: {
      const last = (env.input.cpus ?? 2) - 1;
      r0.umax = BigInt(last);
      r0.umin = 0n;
      r0.smax = BigInt(last);
      r0.smin = 0n;
      r0.u32max = last;
      r0.u32min = 0;
      r0.s32max = last;
      r0.s32min = 0;
      syncBounds(r0);
      return;
    }
    case c.BPF_FUNC_get_retval:
      return;
    default:
  }
}
