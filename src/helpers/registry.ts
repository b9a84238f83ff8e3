/**
 * Every helper that is here, by name. A helper that is not here is one the kernel refuses at load.
 *
 * bpf_tail_call is the engine's own: it is not in this table, and is there all the same.
 */
import { bug } from '../base/errors.ts';
import * as abi from '../uapi/generated/constants.ts';
import type { Callable } from '../vm/index.ts';
import * as control from './control.ts';
import type { Helper, HelperEnv } from './helper.ts';
import * as mapElements from './map-elements.ts';
import * as print from './print.ts';
import * as probeRead from './probe-read.ts';
import * as ringbuf from './ringbuf.ts';
import * as task from './task.ts';
import * as time from './time.ts';

/** BPF_FUNC_* without the prefix. */
export type HelperName = keyof typeof abi extends infer K ? (K extends `BPF_FUNC_${infer N}` ? N : never) : never;

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
  get_current_pid_tgid: task.get_current_pid_tgid,
  get_current_uid_gid: task.get_current_uid_gid,
  get_current_comm: task.get_current_comm,
  get_current_task: task.get_current_task,
  probe_write_user: probeRead.probe_write_user,
  current_task_under_cgroup: task.current_task_under_cgroup,
  get_numa_node_id: control.get_numa_node_id,
  probe_read_str: probeRead.probe_read_str,
  get_current_cgroup_id: task.get_current_cgroup_id,
  map_push_elem: mapElements.map_push_elem,
  map_pop_elem: mapElements.map_pop_elem,
  map_peek_elem: mapElements.map_peek_elem,
  spin_lock: control.spin_lock,
  spin_unlock: control.spin_unlock,
  probe_read_user: probeRead.probe_read_user,
  probe_read_kernel: probeRead.probe_read_kernel,
  probe_read_user_str: probeRead.probe_read_user_str,
  probe_read_kernel_str: probeRead.probe_read_kernel_str,
  jiffies64: time.jiffies64,
  get_ns_current_pid_tgid: task.get_ns_current_pid_tgid,
  get_current_ancestor_cgroup_id: task.get_current_ancestor_cgroup_id,
  ktime_get_boot_ns: time.ktime_get_boot_ns,
  ringbuf_output: ringbuf.ringbuf_output,
  ringbuf_reserve: ringbuf.ringbuf_reserve,
  ringbuf_submit: ringbuf.ringbuf_submit,
  ringbuf_discard: ringbuf.ringbuf_discard,
  ringbuf_query: ringbuf.ringbuf_query,
  copy_from_user: probeRead.copy_from_user,
  get_current_task_btf: task.get_current_task_btf,
  ktime_get_coarse_ns: time.ktime_get_coarse_ns,
  for_each_map_elem: mapElements.for_each_map_elem,
  snprintf: print.snprintf,
  trace_vprintk: print.trace_vprintk,
  loop: control.loop,
  copy_from_user_task: probeRead.copy_from_user_task,
  map_lookup_percpu_elem: mapElements.map_lookup_percpu_elem,
  ktime_get_tai_ns: time.ktime_get_tai_ns,
};

/** What the engine calls, by helper number. */
export function bindHelpers(env: HelperEnv): Map<number, Callable> {
  const numbers = new Map<string, number>(Object.entries(abi));
  const bound = new Map<number, Callable>();
  for (const [name, helper] of Object.entries(HELPERS)) {
    const number = numbers.get(`BPF_FUNC_${name}`);
    if (number === undefined) bug(`the ABI has no helper ${name}`);
    bound.set(number, { name, args: helper.args, ret: helper.ret, call: helper.bind(env) });
  }
  return bound;
}
