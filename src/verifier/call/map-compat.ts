/**
 * Which programs may use which maps, and which helpers take which maps.
 * Linux: check_map_prog_compatibility(), check_map_func_compatibility().
 */

import { BPF_F_SLEEPABLE } from '../../uapi/flags.ts';
import * as c from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import type { VerifierMap } from '../program.ts';
import { mapRecordOf } from '../structure/map-record.ts';

function isTracing(progType: number): boolean {
  switch (progType) {
    case c.BPF_PROG_TYPE_KPROBE:
    case c.BPF_PROG_TYPE_TRACEPOINT:
    case c.BPF_PROG_TYPE_PERF_EVENT:
    case c.BPF_PROG_TYPE_RAW_TRACEPOINT:
    case c.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
      return true;
    default:
      return false;
  }
}

export function checkMapForProgram(env: Env, map: VerifierMap): void {
  const { progType, flags } = env.input;
  const has = new Set(mapRecordOf(map).fields.map((f) => f.kind));
  const tracing = isTracing(progType);
  if (tracing && (has.has('bpf_list_head') || has.has('bpf_rb_root'))) {
    env.reject('EINVAL', 'tracing progs cannot use bpf_{list_head,rb_root} yet');
  }
  if (has.has('bpf_spin_lock') || has.has('bpf_res_spin_lock')) {
    if (progType === c.BPF_PROG_TYPE_SOCKET_FILTER) {
      env.reject('EINVAL', 'socket filter progs cannot use bpf_spin_lock yet');
    }
    if (tracing) env.reject('EINVAL', 'tracing progs cannot use bpf_spin_lock yet');
  }
  if (tracing && has.has('bpf_timer')) env.reject('EINVAL', 'tracing progs cannot use bpf_timer yet');
  if (tracing && has.has('bpf_wq')) env.reject('EINVAL', 'tracing progs cannot use bpf_wq yet');
  if (map.type === c.BPF_MAP_TYPE_STRUCT_OPS) env.reject('EINVAL', 'bpf_struct_ops map cannot be used in prog');
  if (flags & BPF_F_SLEEPABLE && !SLEEPABLE_MAPS.has(map.type)) {
    env.reject('EINVAL', 'Sleepable programs can only use array, hash, ringbuf and local storage maps');
  }
  const isStorage = map.type === c.BPF_MAP_TYPE_CGROUP_STORAGE || map.type === c.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
  if (isStorage && env.usedMaps.some((m) => m.type === map.type)) {
    env.reject('EBUSY', 'only one cgroup storage of each type is allowed');
  }
}

const SLEEPABLE_MAPS = new Set([
  c.BPF_MAP_TYPE_HASH,
  c.BPF_MAP_TYPE_LRU_HASH,
  c.BPF_MAP_TYPE_ARRAY,
  c.BPF_MAP_TYPE_PERCPU_HASH,
  c.BPF_MAP_TYPE_PERCPU_ARRAY,
  c.BPF_MAP_TYPE_LRU_PERCPU_HASH,
  c.BPF_MAP_TYPE_ARRAY_OF_MAPS,
  c.BPF_MAP_TYPE_HASH_OF_MAPS,
  c.BPF_MAP_TYPE_RINGBUF,
  c.BPF_MAP_TYPE_USER_RINGBUF,
  c.BPF_MAP_TYPE_INODE_STORAGE,
  c.BPF_MAP_TYPE_SK_STORAGE,
  c.BPF_MAP_TYPE_TASK_STORAGE,
  c.BPF_MAP_TYPE_CGRP_STORAGE,
  c.BPF_MAP_TYPE_QUEUE,
  c.BPF_MAP_TYPE_STACK,
  c.BPF_MAP_TYPE_ARENA,
]);

const f = {
  lookup: 1,
  update: 2,
  delete: 3,
  tail: c.BPF_FUNC_tail_call,
  perfRead: c.BPF_FUNC_perf_event_read,
  perfOutput: c.BPF_FUNC_perf_event_output,
  skbOutput: c.BPF_FUNC_skb_output,
  perfReadValue: c.BPF_FUNC_perf_event_read_value,
  xdpOutput: c.BPF_FUNC_xdp_output,
};

/** Map types that take only these helpers. */
const BY_MAP: Record<number, readonly number[]> = {
  [c.BPF_MAP_TYPE_PROG_ARRAY]: [f.tail],
  [c.BPF_MAP_TYPE_PERF_EVENT_ARRAY]: [f.perfRead, f.perfOutput, f.skbOutput, f.perfReadValue, f.xdpOutput],
  [c.BPF_MAP_TYPE_RINGBUF]: [
    c.BPF_FUNC_ringbuf_output,
    c.BPF_FUNC_ringbuf_reserve,
    c.BPF_FUNC_ringbuf_query,
    c.BPF_FUNC_ringbuf_reserve_dynptr,
    c.BPF_FUNC_ringbuf_submit_dynptr,
    c.BPF_FUNC_ringbuf_discard_dynptr,
  ],
  [c.BPF_MAP_TYPE_USER_RINGBUF]: [c.BPF_FUNC_user_ringbuf_drain],
  [c.BPF_MAP_TYPE_STACK_TRACE]: [c.BPF_FUNC_get_stackid],
  [c.BPF_MAP_TYPE_CGROUP_ARRAY]: [c.BPF_FUNC_skb_under_cgroup, c.BPF_FUNC_current_task_under_cgroup],
  [c.BPF_MAP_TYPE_CGROUP_STORAGE]: [c.BPF_FUNC_get_local_storage],
  [c.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE]: [c.BPF_FUNC_get_local_storage],
  [c.BPF_MAP_TYPE_DEVMAP]: [c.BPF_FUNC_redirect_map, f.lookup],
  [c.BPF_MAP_TYPE_DEVMAP_HASH]: [c.BPF_FUNC_redirect_map, f.lookup],
  [c.BPF_MAP_TYPE_CPUMAP]: [c.BPF_FUNC_redirect_map],
  [c.BPF_MAP_TYPE_XSKMAP]: [c.BPF_FUNC_redirect_map, f.lookup],
  [c.BPF_MAP_TYPE_ARRAY_OF_MAPS]: [f.lookup],
  [c.BPF_MAP_TYPE_HASH_OF_MAPS]: [f.lookup],
  [c.BPF_MAP_TYPE_SOCKMAP]: [
    c.BPF_FUNC_sk_redirect_map,
    c.BPF_FUNC_sock_map_update,
    c.BPF_FUNC_msg_redirect_map,
    c.BPF_FUNC_sk_select_reuseport,
    f.lookup,
  ],
  [c.BPF_MAP_TYPE_SOCKHASH]: [
    c.BPF_FUNC_sk_redirect_hash,
    c.BPF_FUNC_sock_hash_update,
    c.BPF_FUNC_msg_redirect_hash,
    c.BPF_FUNC_sk_select_reuseport,
    f.lookup,
  ],
  [c.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY]: [c.BPF_FUNC_sk_select_reuseport],
  [c.BPF_MAP_TYPE_QUEUE]: [c.BPF_FUNC_map_peek_elem, c.BPF_FUNC_map_pop_elem, c.BPF_FUNC_map_push_elem],
  [c.BPF_MAP_TYPE_STACK]: [c.BPF_FUNC_map_peek_elem, c.BPF_FUNC_map_pop_elem, c.BPF_FUNC_map_push_elem],
  [c.BPF_MAP_TYPE_SK_STORAGE]: [c.BPF_FUNC_sk_storage_get, c.BPF_FUNC_sk_storage_delete, c.BPF_FUNC_kptr_xchg],
  [c.BPF_MAP_TYPE_INODE_STORAGE]: [c.BPF_FUNC_inode_storage_get, c.BPF_FUNC_inode_storage_delete, c.BPF_FUNC_kptr_xchg],
  [c.BPF_MAP_TYPE_TASK_STORAGE]: [c.BPF_FUNC_task_storage_get, c.BPF_FUNC_task_storage_delete, c.BPF_FUNC_kptr_xchg],
  [c.BPF_MAP_TYPE_CGRP_STORAGE]: [c.BPF_FUNC_cgrp_storage_get, c.BPF_FUNC_cgrp_storage_delete, c.BPF_FUNC_kptr_xchg],
  [c.BPF_MAP_TYPE_BLOOM_FILTER]: [c.BPF_FUNC_map_peek_elem, c.BPF_FUNC_map_push_elem],
};

const PERF = [c.BPF_MAP_TYPE_PERF_EVENT_ARRAY];
const RING = [c.BPF_MAP_TYPE_RINGBUF];
const SOCKMAP = [c.BPF_MAP_TYPE_SOCKMAP];
const SOCKHASH = [c.BPF_MAP_TYPE_SOCKHASH];
const CGROUPS = [c.BPF_MAP_TYPE_CGROUP_ARRAY];

/** Helpers that take only these maps. */
const BY_HELPER: Record<number, readonly number[]> = {
  [f.tail]: [c.BPF_MAP_TYPE_PROG_ARRAY],
  [f.perfRead]: PERF,
  [f.perfOutput]: PERF,
  [f.perfReadValue]: PERF,
  [f.skbOutput]: PERF,
  [f.xdpOutput]: PERF,
  [c.BPF_FUNC_ringbuf_output]: RING,
  [c.BPF_FUNC_ringbuf_reserve]: RING,
  [c.BPF_FUNC_ringbuf_query]: RING,
  [c.BPF_FUNC_ringbuf_reserve_dynptr]: RING,
  [c.BPF_FUNC_ringbuf_submit_dynptr]: RING,
  [c.BPF_FUNC_ringbuf_discard_dynptr]: RING,
  [c.BPF_FUNC_user_ringbuf_drain]: [c.BPF_MAP_TYPE_USER_RINGBUF],
  [c.BPF_FUNC_get_stackid]: [c.BPF_MAP_TYPE_STACK_TRACE],
  [c.BPF_FUNC_current_task_under_cgroup]: CGROUPS,
  [c.BPF_FUNC_skb_under_cgroup]: CGROUPS,
  [c.BPF_FUNC_redirect_map]: [
    c.BPF_MAP_TYPE_DEVMAP,
    c.BPF_MAP_TYPE_DEVMAP_HASH,
    c.BPF_MAP_TYPE_CPUMAP,
    c.BPF_MAP_TYPE_XSKMAP,
  ],
  [c.BPF_FUNC_sk_redirect_map]: SOCKMAP,
  [c.BPF_FUNC_msg_redirect_map]: SOCKMAP,
  [c.BPF_FUNC_sock_map_update]: SOCKMAP,
  [c.BPF_FUNC_sk_redirect_hash]: SOCKHASH,
  [c.BPF_FUNC_msg_redirect_hash]: SOCKHASH,
  [c.BPF_FUNC_sock_hash_update]: SOCKHASH,
  [c.BPF_FUNC_get_local_storage]: [c.BPF_MAP_TYPE_CGROUP_STORAGE, c.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE],
  [c.BPF_FUNC_sk_select_reuseport]: [
    c.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
    c.BPF_MAP_TYPE_SOCKMAP,
    c.BPF_MAP_TYPE_SOCKHASH,
  ],
  [c.BPF_FUNC_map_pop_elem]: [c.BPF_MAP_TYPE_QUEUE, c.BPF_MAP_TYPE_STACK],
  [c.BPF_FUNC_map_peek_elem]: [c.BPF_MAP_TYPE_QUEUE, c.BPF_MAP_TYPE_STACK, c.BPF_MAP_TYPE_BLOOM_FILTER],
  [c.BPF_FUNC_map_push_elem]: [c.BPF_MAP_TYPE_QUEUE, c.BPF_MAP_TYPE_STACK, c.BPF_MAP_TYPE_BLOOM_FILTER],
  [c.BPF_FUNC_map_lookup_percpu_elem]: [
    c.BPF_MAP_TYPE_PERCPU_ARRAY,
    c.BPF_MAP_TYPE_PERCPU_HASH,
    c.BPF_MAP_TYPE_LRU_PERCPU_HASH,
  ],
  [c.BPF_FUNC_sk_storage_get]: [c.BPF_MAP_TYPE_SK_STORAGE],
  [c.BPF_FUNC_sk_storage_delete]: [c.BPF_MAP_TYPE_SK_STORAGE],
  [c.BPF_FUNC_inode_storage_get]: [c.BPF_MAP_TYPE_INODE_STORAGE],
  [c.BPF_FUNC_inode_storage_delete]: [c.BPF_MAP_TYPE_INODE_STORAGE],
  [c.BPF_FUNC_task_storage_get]: [c.BPF_MAP_TYPE_TASK_STORAGE],
  [c.BPF_FUNC_task_storage_delete]: [c.BPF_MAP_TYPE_TASK_STORAGE],
  [c.BPF_FUNC_cgrp_storage_get]: [c.BPF_MAP_TYPE_CGRP_STORAGE],
  [c.BPF_FUNC_cgrp_storage_delete]: [c.BPF_MAP_TYPE_CGRP_STORAGE],
};

/** Plain update and delete of a socket map: only where no socket is locked. */
function mayUpdateSockets(env: Env, id: number): boolean {
  if (id !== f.update && id !== f.delete) return false;
  switch (env.input.progType) {
    case c.BPF_PROG_TYPE_TRACING:
      if (env.attachType === c.BPF_TRACE_ITER) return true;
      break;
    case c.BPF_PROG_TYPE_SOCK_OPS:
      if (id === f.delete) return true;
      break;
    case c.BPF_PROG_TYPE_SOCKET_FILTER:
    case c.BPF_PROG_TYPE_SCHED_CLS:
    case c.BPF_PROG_TYPE_SCHED_ACT:
    case c.BPF_PROG_TYPE_XDP:
    case c.BPF_PROG_TYPE_SK_REUSEPORT:
    case c.BPF_PROG_TYPE_FLOW_DISSECTOR:
    case c.BPF_PROG_TYPE_SK_LOOKUP:
      return true;
    default:
      break;
  }
  env.write('cannot update sockmap in this context\n');
  return false;
}

/** Whether `map` may be handed to helper `id`. */
export function takesMap(env: Env, id: number, map: VerifierMap): boolean {
  const isSockets = map.type === c.BPF_MAP_TYPE_SOCKMAP || map.type === c.BPF_MAP_TYPE_SOCKHASH;
  const byMap = BY_MAP[map.type];
  if (isSockets && !byMap?.includes(id)) return mayUpdateSockets(env, id);
  if (byMap && !byMap.includes(id)) return false;
  const byHelper = BY_HELPER[id];
  return !byHelper || byHelper.includes(map.type);
}
