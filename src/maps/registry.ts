/**
 * Every map type by name: where behaviour joins the facts, and the one way to make a map.
 */
import { EINVAL, ENOMEM } from '../base/errno.ts';
import { BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_BLOOM_FILTER } from '../uapi/generated/constants.ts';
import { type MapTypeName, mapTypeName } from '../uapi/map-types.ts';
import { arena } from './arena.ts';
import { array, percpuArray } from './array.ts';
import { arrayOfMaps } from './array-of-maps.ts';
import { bloomFilter } from './bloom-filter.ts';
import { cgroupArray } from './cgroup-array.ts';
import { hash, lruHash } from './hash.ts';
import { hashOfMaps } from './hash-of-maps.ts';
import { localStorage } from './local-storage.ts';
import { lpmTrie } from './lpm-trie.ts';
import type { KernelMap, MapDef, MapEnv, MapType } from './map.ts';
import {
  cgroupStorage,
  notYet,
  percpuCgroupStorage,
  reuseportSockarray,
  sockhash,
  sockmap,
  xskmap,
} from './not-yet.ts';
import { lruPercpuHash, percpuHash } from './percpu-hash.ts';
import { perfEventArray } from './perf-event-array.ts';
import { progArray } from './prog-array.ts';
import { queue, stack } from './queue.ts';
import { cpumap, devmap, devmapHash } from './redirect-targets.ts';
import { ringbuf } from './ringbuf.ts';
import { stackTrace } from './stack-trace.ts';
import { userRingbuf } from './user-ringbuf.ts';

export const MAP_TYPES: Readonly<Record<MapTypeName, MapType>> = {
  hash,
  array,
  prog_array: progArray,
  perf_event_array: perfEventArray,
  percpu_hash: percpuHash,
  percpu_array: percpuArray,
  stack_trace: stackTrace,
  cgroup_array: cgroupArray,
  lru_hash: lruHash,
  lru_percpu_hash: lruPercpuHash,
  lpm_trie: lpmTrie,
  array_of_maps: arrayOfMaps,
  hash_of_maps: hashOfMaps,
  devmap,
  sockmap,
  cpumap,
  xskmap,
  sockhash,
  cgroup_storage: cgroupStorage,
  reuseport_sockarray: reuseportSockarray,
  percpu_cgroup_storage: percpuCgroupStorage,
  queue,
  stack,
  sk_storage: localStorage,
  devmap_hash: devmapHash,
  struct_ops: notYet,
  ringbuf,
  inode_storage: localStorage,
  task_storage: localStorage,
  bloom_filter: bloomFilter,
  user_ringbuf: userRingbuf,
  cgrp_storage: localStorage,
  arena,
};

/** The map of a definition, or the -errno of BPF_MAP_CREATE. What it allocates is given back by its `destroy`. */
export function createMap(def: MapDef, env: MapEnv): KernelMap | number {
  const name = mapTypeName(def.type);
  if (name === undefined || !extraAllowed(def)) return -EINVAL;
  const type = MAP_TYPES[name];
  const error = type.check(def);
  if (error !== 0) return error;
  return type.create(def, env) ?? -ENOMEM;
}

/** map_extra means something to two types only. */
function extraAllowed(def: MapDef): boolean {
  return def.extra === 0n || def.type === BPF_MAP_TYPE_BLOOM_FILTER || def.type === BPF_MAP_TYPE_ARENA;
}
