/**
 * What maps of maps share: which maps may be templates, and which may be stored once the template is set.
 *
 * Linux: kernel/bpf/map_in_map.c.
 */
import { EINVAL, ENOTSUPP } from '../base/errno.ts';
import {
  BPF_F_INNER_MAP,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_STRUCT_OPS,
} from '../uapi/generated/constants.ts';
import type { MapDef, MapObject } from './map.ts';

/** Types that cannot be inside another map. */
const NEVER_INNER = new Set<number>([
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
  BPF_MAP_TYPE_STRUCT_OPS,
]);
/** Types whose number of elements must be the template's: programs' lookups were compiled for it. */
const FIXED_SIZE = new Set<number>([BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERF_EVENT_ARRAY]);

/** Whether `inner` may be the template of a map of maps: 0, -EINVAL for a map of maps, -ENOTSUPP. */
export function checkTemplate(inner: MapDef | undefined): number {
  if (inner === undefined) return -EINVAL;
  if (inner.type === BPF_MAP_TYPE_ARRAY_OF_MAPS || inner.type === BPF_MAP_TYPE_HASH_OF_MAPS) return -EINVAL;
  return NEVER_INNER.has(inner.type) ? -ENOTSUPP : 0;
}

/** Whether `object` is a map like the template of `outer`: 0 or -EINVAL. */
export function checkInner(outer: MapDef, object: MapObject): number {
  const { inner } = outer;
  const { def } = object;
  if (inner === undefined || def === undefined) return -EINVAL;
  const alike =
    def.type === inner.type &&
    def.keySize === inner.keySize &&
    def.valueSize === inner.valueSize &&
    def.flags === inner.flags;
  if (!alike) return -EINVAL;
  const anySize = !FIXED_SIZE.has(inner.type) || (inner.flags & BPF_F_INNER_MAP) !== 0;
  return anySize || def.maxEntries === inner.maxEntries ? 0 : -EINVAL;
}
