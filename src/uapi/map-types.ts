/** Map types: one row per BPF_MAP_TYPE_*, under the name that bpftool and libbpf give it. */

export interface MapTypeRow {
  /** The number in map_type. */
  readonly id: number;
  /** The Linux version that brought it. */
  readonly since: string;
  /** Whether a value is kept for every possible CPU: lookups answer them all. */
  readonly perCpu?: true;
  /** Superseded by another type, and so spelled in the header. */
  readonly deprecated?: true;
  /** What it keeps. */
  readonly doc: string;
}

export const MAP_TYPES = {
  hash: { id: 1, since: '3.19', doc: 'Keys of any bytes to values.' },
  array: { id: 2, since: '3.19', doc: 'Values by index, all there from the beginning.' },
  prog_array: { id: 3, since: '4.2', doc: 'Programs by index, for tail calls.' },
  perf_event_array: { id: 4, since: '4.3', doc: 'Perf events by index: buffers that programs send records to.' },
  percpu_hash: { id: 5, since: '4.6', perCpu: true, doc: 'A hash with a value for every CPU.' },
  percpu_array: { id: 6, since: '4.6', perCpu: true, doc: 'An array with a value for every CPU.' },
  stack_trace: { id: 7, since: '4.6', doc: 'Call stacks by id.' },
  cgroup_array: { id: 8, since: '4.8', doc: 'Cgroups by index.' },
  lru_hash: { id: 9, since: '4.10', doc: 'A hash that drops what was used least recently when it is full.' },
  lru_percpu_hash: { id: 10, since: '4.10', perCpu: true, doc: 'An LRU hash with a value for every CPU.' },
  lpm_trie: { id: 11, since: '4.11', doc: 'Values by the longest matching prefix.' },
  array_of_maps: { id: 12, since: '4.12', doc: 'Maps by index.' },
  hash_of_maps: { id: 13, since: '4.12', doc: 'Maps by key.' },
  devmap: { id: 14, since: '4.14', doc: 'Network devices by index, to redirect to.' },
  sockmap: { id: 15, since: '4.14', doc: 'Sockets by index.' },
  cpumap: { id: 16, since: '4.15', doc: 'CPUs by index, to redirect to.' },
  xskmap: { id: 17, since: '4.18', doc: 'AF_XDP sockets by index, to redirect to.' },
  sockhash: { id: 18, since: '4.18', doc: 'Sockets by key.' },
  cgroup_storage: {
    id: 19,
    since: '4.19',
    deprecated: true,
    doc: 'One value for every cgroup that the program is attached to.',
  },
  reuseport_sockarray: { id: 20, since: '4.19', doc: 'Sockets of a reuseport group.' },
  percpu_cgroup_storage: {
    id: 21,
    since: '4.20',
    perCpu: true,
    deprecated: true,
    doc: 'Cgroup storage with a value for every CPU.',
  },
  queue: { id: 22, since: '4.20', doc: 'Values, first in first out.' },
  stack: { id: 23, since: '4.20', doc: 'Values, last in first out.' },
  sk_storage: { id: 24, since: '5.2', doc: 'One value for every socket, which lives as long as it.' },
  devmap_hash: { id: 25, since: '5.4', doc: 'Network devices by key, to redirect to.' },
  struct_ops: { id: 26, since: '5.6', doc: 'A kernel structure of functions, implemented by programs.' },
  ringbuf: { id: 27, since: '5.8', doc: 'Records to user space, in order over all CPUs.' },
  inode_storage: { id: 28, since: '5.10', doc: 'One value for every inode, which lives as long as it.' },
  task_storage: { id: 29, since: '5.11', doc: 'One value for every task, which lives as long as it.' },
  bloom_filter: { id: 30, since: '5.16', doc: 'A set that may answer yes by mistake.' },
  user_ringbuf: { id: 31, since: '6.1', doc: 'Records from user space.' },
  cgrp_storage: { id: 32, since: '6.2', doc: 'One value for every cgroup, which lives as long as it.' },
  arena: { id: 33, since: '6.9', doc: 'Memory that programs and user space share, with pointers in it.' },
} as const satisfies Record<string, MapTypeRow>;

export type MapTypeName = keyof typeof MAP_TYPES;

/** Name of a number, or undefined for what is no map type of the reference kernel. */
export function mapTypeName(id: number): MapTypeName | undefined {
  return NAMES[id];
}

const NAMES: readonly (MapTypeName | undefined)[] = byId();

function byId(): MapTypeName[] {
  const names: MapTypeName[] = [];
  for (const [name, row] of Object.entries(MAP_TYPES)) names[row.id] = name as MapTypeName;
  return names;
}
