/**
 * CONST_PTR_TO_MAP: the map itself. Fields of the kernel's structure may be read, none written.
 * Linux: check_ptr_to_map_access().
 */
import * as c from '../../uapi/generated/constants.ts';
import { readStruct } from './btf-id.ts';
import type { PointerRule } from './rule.ts';

export const mapPointer: PointerRule = {
  access(env, ptr, a) {
    const name = structName(env.maps[ptr.aux]!.type);
    if (!env.caps.perfmon) {
      env.reject('EPERM', `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
    }
    if (a.off < 0) env.reject('EACCES', `R${a.regno} is ${name} invalid negative access: off=${a.off}`);
    if (a.write) env.reject('EACCES', `only read from ${name} is supported`);
    const id = env.kernelBtf.find(name, 'struct');
    if (!id) env.reject('ENOTSUPP', `map_ptr access not supported for map type ${env.maps[ptr.aux]!.type}`);
    readStruct(env, a, 0, id, 'plain');
  },
};

/** The kernel's structure behind each map type. */
const STRUCTS: Record<number, string> = {
  [c.BPF_MAP_TYPE_HASH]: 'bpf_htab',
  [c.BPF_MAP_TYPE_PERCPU_HASH]: 'bpf_htab',
  [c.BPF_MAP_TYPE_LRU_HASH]: 'bpf_htab',
  [c.BPF_MAP_TYPE_LRU_PERCPU_HASH]: 'bpf_htab',
  [c.BPF_MAP_TYPE_HASH_OF_MAPS]: 'bpf_htab',
  [c.BPF_MAP_TYPE_ARRAY]: 'bpf_array',
  [c.BPF_MAP_TYPE_PERCPU_ARRAY]: 'bpf_array',
  [c.BPF_MAP_TYPE_PROG_ARRAY]: 'bpf_array',
  [c.BPF_MAP_TYPE_PERF_EVENT_ARRAY]: 'bpf_array',
  [c.BPF_MAP_TYPE_CGROUP_ARRAY]: 'bpf_array',
  [c.BPF_MAP_TYPE_ARRAY_OF_MAPS]: 'bpf_array',
  [c.BPF_MAP_TYPE_DEVMAP]: 'bpf_dtab',
  [c.BPF_MAP_TYPE_DEVMAP_HASH]: 'bpf_dtab',
  [c.BPF_MAP_TYPE_CPUMAP]: 'bpf_cpu_map',
  [c.BPF_MAP_TYPE_XSKMAP]: 'xsk_map',
  [c.BPF_MAP_TYPE_SOCKMAP]: 'bpf_stab',
  [c.BPF_MAP_TYPE_SOCKHASH]: 'bpf_shtab',
  [c.BPF_MAP_TYPE_CGROUP_STORAGE]: 'bpf_cgroup_storage_map',
  [c.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE]: 'bpf_cgroup_storage_map',
  [c.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY]: 'reuseport_array',
  [c.BPF_MAP_TYPE_QUEUE]: 'bpf_queue_stack',
  [c.BPF_MAP_TYPE_STACK]: 'bpf_queue_stack',
  [c.BPF_MAP_TYPE_LPM_TRIE]: 'lpm_trie',
  [c.BPF_MAP_TYPE_STACK_TRACE]: 'bpf_stack_map',
  [c.BPF_MAP_TYPE_RINGBUF]: 'bpf_ringbuf_map',
  [c.BPF_MAP_TYPE_USER_RINGBUF]: 'bpf_ringbuf_map',
  [c.BPF_MAP_TYPE_BLOOM_FILTER]: 'bpf_bloom_filter',
  [c.BPF_MAP_TYPE_STRUCT_OPS]: 'bpf_struct_ops_map',
  [c.BPF_MAP_TYPE_ARENA]: 'bpf_arena',
};

const structName = (type: number): string => STRUCTS[type] ?? 'bpf_local_storage_map';
