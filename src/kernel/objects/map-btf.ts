/**
 * What BTF says of a map: whether it fits the definition, and which parts of a value are the kernel's own.
 */
import { EACCES, EINVAL, ENOTSUPP, EOPNOTSUPP } from '../../base/errno.ts';
import { BtfError } from '../../base/errors.ts';
import { type Btf, type BtfMember, type BtfType, kernelFields, MAP_FIELDS, resolve, sizeOf } from '../../btf/index.ts';
import type { MapDef, SpecialField } from '../../maps/index.ts';
import {
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY_PROG,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_CGROUP_ARRAY,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_CGRP_STORAGE,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_INODE_STORAGE,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_SK_STORAGE,
  BPF_MAP_TYPE_SOCKHASH,
  BPF_MAP_TYPE_SOCKMAP,
  BPF_MAP_TYPE_STACK_TRACE,
  BPF_MAP_TYPE_TASK_STORAGE,
  BPF_MAP_TYPE_XSKMAP,
} from '../../uapi/generated/constants.ts';
import type { MapBtf } from './map.ts';

/** Types whose elements mean something to the kernel only: BTF cannot describe them. */
const WITHOUT_BTF: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_CGROUP_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_STACK_TRACE,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_XSKMAP,
  BPF_MAP_TYPE_SOCKMAP,
  BPF_MAP_TYPE_SOCKHASH,
]);
const HASHES_AND_ARRAYS = [
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
];
const STORAGES = [
  BPF_MAP_TYPE_SK_STORAGE,
  BPF_MAP_TYPE_TASK_STORAGE,
  BPF_MAP_TYPE_INODE_STORAGE,
  BPF_MAP_TYPE_CGRP_STORAGE,
];
const ASYNC = [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH];
const GRAPH = [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH];
const LOCKS = [...GRAPH, BPF_MAP_TYPE_CGROUP_STORAGE, ...STORAGES];
const POINTERS = [...HASHES_AND_ARRAYS, ...STORAGES];

/** Types whose values may have such a field; fields that are not here any value may have. */
const TYPES_WITH: Readonly<Record<string, readonly number[]>> = {
  bpf_spin_lock: LOCKS,
  bpf_res_spin_lock: LOCKS,
  bpf_timer: ASYNC,
  bpf_wq: ASYNC,
  bpf_task_work: ASYNC,
  bpf_refcount: POINTERS,
  bpf_list_head: GRAPH,
  bpf_rb_root: GRAPH,
  kptr: POINTERS,
  kptr_untrusted: POINTERS,
  percpu_kptr: POINTERS,
  uptr: [BPF_MAP_TYPE_TASK_STORAGE],
};
const CGROUP_STORAGES: ReadonlySet<number> = new Set([BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE]);
const ARRAYS: ReadonlySet<number> = new Set([BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY]);

/** 0, or the -errno of BPF_MAP_CREATE: sizes must agree, and an array's key is a 32-bit number. */
export function checkMapBtf({ object: { btf }, keyTypeId, valueTypeId }: MapBtf, def: MapDef): number {
  if (def.type === BPF_MAP_TYPE_BLOOM_FILTER) {
    if (keyTypeId !== 0 || sizeOrNone(btf, valueTypeId) !== def.valueSize) return -EINVAL;
    return hasForeignField(def) ? -EOPNOTSUPP : 0;
  }
  if (keyTypeId === 0) {
    // Only the map of a data section has no key to speak of.
    if (!ARRAYS.has(def.type) || def.maxEntries !== 1) return -EINVAL;
  } else if (sizeOrNone(btf, keyTypeId) !== def.keySize) return -EINVAL;
  if (sizeOrNone(btf, valueTypeId) !== def.valueSize) return -EINVAL;
  // Programs must be able to use what is the kernel's own in a value.
  if (def.special?.length && def.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) return -EACCES;
  if (hasForeignField(def)) return -EOPNOTSUPP;
  if (WITHOUT_BTF.has(def.type)) return -ENOTSUPP;
  if (keyTypeId === 0) return resolve(btf, valueTypeId).kind === 'datasec' ? 0 : -EINVAL;
  const key = resolve(btf, keyTypeId);
  if (ARRAYS.has(def.type) && !isInt(key, 32)) return -EINVAL;
  if (CGROUP_STORAGES.has(def.type) && !isStorageKey(btf, key)) return -EINVAL;
  if (def.type === BPF_MAP_TYPE_LPM_TRIE && key.kind !== 'struct') return -EINVAL;
  return 0;
}

/** Whether a value has a field that values of such a map cannot have. */
function hasForeignField(def: MapDef): boolean {
  return def.special?.some(({ kind }) => TYPES_WITH[kind]?.includes(def.type) === false) ?? false;
}

/** A cgroup's number; or struct bpf_cgroup_storage_key, which has the attach type behind that. */
function isStorageKey(btf: Btf, key: BtfType): boolean {
  if (key.kind === 'int') return isInt(key, 64);
  if (key.kind !== 'struct' || key.members.length !== 2) return false;
  const [cgroup, attachType] = key.members;
  const isAt = (m: BtfMember, offset: number, bits: number) =>
    m.bitOffset === offset && isInt(resolve(btf, m.type), bits);
  return isAt(cgroup!, 0, 64) && isAt(attachType!, 64, 32);
}

const isInt = (t: BtfType, bits: number): boolean => t.kind === 'int' && t.bits === bits && t.bitOffset === 0;

function sizeOrNone(btf: Btf, id: number): number {
  try {
    return sizeOf(btf, id);
  } catch (error) {
    if (error instanceof BtfError) return -1;
    throw error;
  }
}

/** The kernel's own parts of a value type, ascending by offset: none where they cannot be so. */
export function specialFields(btf: Btf, typeId: number): SpecialField[] {
  const fields = kernelFields(btf, typeId, MAP_FIELDS);
  return typeof fields === 'number' ? [] : fields;
}
