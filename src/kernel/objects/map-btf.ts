/**
 * What BTF says of a map: whether it fits the definition, and which parts of a value are the kernel's own.
 */
import { EACCES, EINVAL, ENOTSUPP, EOPNOTSUPP } from '../../base/errno.ts';
import { BtfError } from '../../base/errors.ts';
import { type Btf, resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import type { MapDef, SpecialField } from '../../maps/index.ts';
import {
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY_PROG,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_CGROUP_ARRAY,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_SOCKHASH,
  BPF_MAP_TYPE_SOCKMAP,
  BPF_MAP_TYPE_STACK_TRACE,
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
/** A lock is one for all CPUs. */
const PER_CPU: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
]);
const ARRAYS: ReadonlySet<number> = new Set([BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY]);

/** 0, or the -errno of BPF_MAP_CREATE: sizes must agree, and an array's key is a 32-bit number. */
export function checkMapBtf({ object: { btf }, keyTypeId, valueTypeId }: MapBtf, def: MapDef): number {
  if (def.type === BPF_MAP_TYPE_BLOOM_FILTER) {
    return keyTypeId === 0 && sizeOrNone(btf, valueTypeId) === def.valueSize ? 0 : -EINVAL;
  }
  if (keyTypeId === 0) {
    // Only the map of a data section has no key to speak of.
    if (!ARRAYS.has(def.type) || def.maxEntries !== 1) return -EINVAL;
  } else if (sizeOrNone(btf, keyTypeId) !== def.keySize) return -EINVAL;
  if (sizeOrNone(btf, valueTypeId) !== def.valueSize) return -EINVAL;
  // Programs must be able to use what is the kernel's own in a value.
  if (def.special?.length && def.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) return -EACCES;
  if (def.special?.some(({ kind }) => kind === 'spin_lock') && PER_CPU.has(def.type)) return -EOPNOTSUPP;
  if (WITHOUT_BTF.has(def.type)) return -ENOTSUPP;
  if (keyTypeId === 0) return resolve(btf, valueTypeId).kind === 'datasec' ? 0 : -EINVAL;
  const key = resolve(btf, keyTypeId);
  if (ARRAYS.has(def.type) && (key.kind !== 'int' || key.bits !== 32 || key.bitOffset !== 0)) return -EINVAL;
  if (def.type === BPF_MAP_TYPE_LPM_TRIE && key.kind !== 'struct') return -EINVAL;
  return 0;
}

function sizeOrNone(btf: Btf, id: number): number {
  try {
    return sizeOf(btf, id);
  } catch (error) {
    if (error instanceof BtfError) return -1;
    throw error;
  }
}

const SPECIAL: Readonly<Record<string, SpecialField['kind']>> = {
  bpf_spin_lock: 'spin_lock',
  bpf_res_spin_lock: 'spin_lock',
  bpf_timer: 'timer',
  bpf_wq: 'workqueue',
  bpf_task_work: 'task_work',
  bpf_list_head: 'list_head',
  bpf_rb_root: 'rb_root',
  bpf_refcount: 'refcount',
};
const KPTR_TAGS: ReadonlySet<string> = new Set(['kptr', 'kptr_untrusted', 'percpu_kptr']);
/** BTF_FIELDS_MAX of Linux: a value has no more of them. */
const MAX_FIELDS = 11;
const MAX_NESTING = 4;

/** The kernel's own parts of a value type, ascending by offset. */
export function specialFields(btf: Btf, typeId: number): SpecialField[] {
  const found: SpecialField[] = [];
  collect(btf, typeId, 0, 0, found);
  return found.sort((a, b) => a.offset - b.offset);
}

function collect(btf: Btf, id: number, offset: number, depth: number, found: SpecialField[]): void {
  if (depth > MAX_NESTING || found.length >= MAX_FIELDS) return;
  const type = resolve(btf, id);
  switch (type.kind) {
    case 'struct':
    case 'union': {
      const kind = SPECIAL[type.name];
      if (kind !== undefined) {
        found.push({ kind, offset, size: type.size });
        return;
      }
      if (type.kind === 'union') return;
      for (const m of type.members) collect(btf, m.type, offset + (m.bitOffset >> 3), depth + 1, found);
      return;
    }
    case 'array': {
      const size = sizeOrNone(btf, type.type);
      if (size <= 0) return;
      for (let i = 0; i < Math.min(type.count, MAX_FIELDS); i++) {
        const before = found.length;
        collect(btf, type.type, offset + i * size, depth + 1, found);
        if (found.length === before) return; // what one element lacks, the others lack too
      }
      return;
    }
    case 'ptr': {
      const target = btf.type(type.type);
      if (target?.kind === 'type_tag' && KPTR_TAGS.has(target.name)) found.push({ kind: 'kptr', offset, size: 8 });
      return;
    }
    case 'datasec':
      for (const variable of type.vars)
        collect(btf, skipVariable(btf, variable.type), offset + variable.offset, depth + 1, found);
      return;
  }
}

function skipVariable(btf: Btf, id: number): number {
  const type = btf.type(id);
  return type?.kind === 'var' ? skipModifiers(btf, type.type) : id;
}
