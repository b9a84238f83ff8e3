/**
 * Every helper that is here, by name: where behaviour joins the facts. Programs that call another one are verified and
 * loaded; the first call of it says that it is missing.
 *
 * bpf_tail_call is the engine's own: it is not in this table, and is there all the same.
 */
import { UnsupportedError } from '../base/errors.ts';
import { HELPERS as FACTS, type HelperName } from '../uapi/helpers.ts';
import type { Callable } from '../vm/index.ts';
import * as attachment from './attachment.ts';
import * as checksum from './checksum.ts';
import * as control from './control.ts';
import * as dynptr from './dynptr.ts';
import * as elsewhere from './elsewhere.ts';
import type { Helper, HelperEnv } from './helper.ts';
import * as mapElements from './map-elements.ts';
import * as perf from './perf.ts';
import * as print from './print.ts';
import * as probeRead from './probe-read.ts';
import * as redirect from './redirect.ts';
import * as ringbuf from './ringbuf.ts';
import * as sequence from './sequence.ts';
import * as skb from './skb.ts';
import * as skbFields from './skb-fields.ts';
import * as skbVlan from './skb-vlan.ts';
import * as stack from './stack.ts';
import * as storage from './storage.ts';
import * as strings from './strings.ts';
import * as task from './task.ts';
import * as time from './time.ts';
import * as userRingbuf from './user-ringbuf.ts';
import * as xdp from './xdp.ts';

/** In the order of their numbers. */
export const HELPERS: { readonly [N in HelperName]?: Helper } = {
  map_lookup_elem: mapElements.map_lookup_elem,
  map_update_elem: mapElements.map_update_elem,
  map_delete_elem: mapElements.map_delete_elem,
  probe_read: probeRead.probe_read,
  ktime_get_ns: time.ktime_get_ns,
  trace_printk: print.trace_printk,
  get_prandom_u32: control.get_prandom_u32,
  get_smp_processor_id: control.get_smp_processor_id,
  skb_store_bytes: skb.skb_store_bytes,
  l3_csum_replace: checksum.l3_csum_replace,
  l4_csum_replace: checksum.l4_csum_replace,
  get_current_pid_tgid: task.get_current_pid_tgid,
  get_current_uid_gid: task.get_current_uid_gid,
  get_current_comm: task.get_current_comm,
  get_cgroup_classid: skbFields.get_cgroup_classid,
  skb_vlan_push: skbVlan.skb_vlan_push,
  skb_vlan_pop: skbVlan.skb_vlan_pop,
  skb_get_tunnel_key: elsewhere.skb_get_tunnel_key,
  redirect: redirect.redirect,
  get_route_realm: skbFields.get_route_realm,
  perf_event_output: perf.perf_event_output,
  skb_load_bytes: skb.skb_load_bytes,
  get_stackid: stack.get_stackid,
  csum_diff: checksum.csum_diff,
  skb_get_tunnel_opt: elsewhere.skb_get_tunnel_opt,
  skb_change_proto: skb.skb_change_proto,
  skb_change_type: skbFields.skb_change_type,
  skb_under_cgroup: skbFields.skb_under_cgroup,
  get_hash_recalc: skbFields.get_hash_recalc,
  get_current_task: task.get_current_task,
  probe_write_user: probeRead.probe_write_user,
  current_task_under_cgroup: task.current_task_under_cgroup,
  skb_change_tail: skb.skb_change_tail,
  skb_pull_data: skb.skb_pull_data,
  csum_update: checksum.csum_update,
  set_hash_invalid: skbFields.set_hash_invalid,
  get_numa_node_id: control.get_numa_node_id,
  skb_change_head: skb.skb_change_head,
  xdp_adjust_head: xdp.xdp_adjust_head,
  probe_read_str: probeRead.probe_read_str,
  get_socket_cookie: skbFields.get_socket_cookie,
  get_socket_uid: skbFields.get_socket_uid,
  set_hash: skbFields.set_hash,
  skb_adjust_room: skb.skb_adjust_room,
  redirect_map: redirect.redirect_map,
  xdp_adjust_meta: xdp.xdp_adjust_meta,
  xdp_adjust_tail: xdp.xdp_adjust_tail,
  skb_get_xfrm_state: elsewhere.skb_get_xfrm_state,
  get_stack: stack.get_stack,
  skb_load_bytes_relative: skb.skb_load_bytes_relative,
  fib_lookup: elsewhere.fib_lookup,
  skb_cgroup_id: skbFields.skb_cgroup_id,
  get_current_cgroup_id: task.get_current_cgroup_id,
  skb_ancestor_cgroup_id: skbFields.skb_ancestor_cgroup_id,
  sk_lookup_tcp: elsewhere.sk_lookup_tcp,
  sk_lookup_udp: elsewhere.sk_lookup_udp,
  map_push_elem: mapElements.map_push_elem,
  map_pop_elem: mapElements.map_pop_elem,
  map_peek_elem: mapElements.map_peek_elem,
  spin_lock: control.spin_lock,
  spin_unlock: control.spin_unlock,
  skc_lookup_tcp: elsewhere.skc_lookup_tcp,
  strtol: strings.strtol,
  strtoul: strings.strtoul,
  sk_storage_get: storage.sk_storage_get,
  sk_storage_delete: storage.sk_storage_delete,
  skb_output: perf.skb_output,
  probe_read_user: probeRead.probe_read_user,
  probe_read_kernel: probeRead.probe_read_kernel,
  probe_read_user_str: probeRead.probe_read_user_str,
  probe_read_kernel_str: probeRead.probe_read_kernel_str,
  jiffies64: time.jiffies64,
  get_ns_current_pid_tgid: task.get_ns_current_pid_tgid,
  xdp_output: perf.xdp_output,
  get_current_ancestor_cgroup_id: task.get_current_ancestor_cgroup_id,
  ktime_get_boot_ns: time.ktime_get_boot_ns,
  ringbuf_output: ringbuf.ringbuf_output,
  ringbuf_reserve: ringbuf.ringbuf_reserve,
  ringbuf_submit: ringbuf.ringbuf_submit,
  ringbuf_discard: ringbuf.ringbuf_discard,
  ringbuf_query: ringbuf.ringbuf_query,
  seq_printf: sequence.seq_printf,
  seq_write: sequence.seq_write,
  csum_level: checksum.csum_level,
  get_task_stack: stack.get_task_stack,
  inode_storage_get: storage.inode_storage_get,
  inode_storage_delete: storage.inode_storage_delete,
  copy_from_user: probeRead.copy_from_user,
  redirect_neigh: redirect.redirect_neigh,
  redirect_peer: redirect.redirect_peer,
  task_storage_get: storage.task_storage_get,
  task_storage_delete: storage.task_storage_delete,
  get_current_task_btf: task.get_current_task_btf,
  ktime_get_coarse_ns: time.ktime_get_coarse_ns,
  for_each_map_elem: mapElements.for_each_map_elem,
  snprintf: print.snprintf,
  get_func_ip: attachment.get_func_ip,
  get_attach_cookie: attachment.get_attach_cookie,
  trace_vprintk: print.trace_vprintk,
  loop: control.loop,
  strncmp: strings.strncmp,
  get_func_arg: attachment.get_func_arg,
  get_func_ret: attachment.get_func_ret,
  get_func_arg_cnt: attachment.get_func_arg_cnt,
  get_retval: attachment.get_retval,
  set_retval: attachment.set_retval,
  xdp_get_buff_len: xdp.xdp_get_buff_len,
  xdp_load_bytes: xdp.xdp_load_bytes,
  xdp_store_bytes: xdp.xdp_store_bytes,
  copy_from_user_task: probeRead.copy_from_user_task,
  kptr_xchg: storage.kptr_xchg,
  map_lookup_percpu_elem: mapElements.map_lookup_percpu_elem,
  dynptr_from_mem: dynptr.dynptr_from_mem,
  ringbuf_reserve_dynptr: dynptr.ringbuf_reserve_dynptr,
  ringbuf_submit_dynptr: dynptr.ringbuf_submit_dynptr,
  ringbuf_discard_dynptr: dynptr.ringbuf_discard_dynptr,
  dynptr_read: dynptr.dynptr_read,
  dynptr_write: dynptr.dynptr_write,
  dynptr_data: dynptr.dynptr_data,
  ktime_get_tai_ns: time.ktime_get_tai_ns,
  user_ringbuf_drain: userRingbuf.user_ringbuf_drain,
  cgrp_storage_get: storage.cgrp_storage_get,
  cgrp_storage_delete: storage.cgrp_storage_delete,
};

/** What the engine calls, by helper number. One that is not here ends the run, and says so: UnsupportedError. */
export function bindHelpers(env: HelperEnv): Map<number, Callable> {
  const bound = new Map<number, Callable>();
  for (const [name, { id }] of Object.entries(FACTS)) {
    const helper = HELPERS[name as HelperName];
    if (helper) bound.set(id, { name, args: helper.args, ret: helper.ret, call: helper.bind(env) });
    else if (name !== 'tail_call') bound.set(id, missing(name));
  }
  return bound;
}

function missing(name: string): Callable {
  const call = (): never => {
    throw new UnsupportedError(`helper bpf_${name}`);
  };
  return { name, args: '', ret: 'int', call };
}
