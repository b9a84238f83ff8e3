/**
 * BPF_MAP_TYPE_ARRAY and BPF_MAP_TYPE_PERCPU_ARRAY: one block of values, indexed by a u32 key.
 *
 * Every element exists from creation on, zeroed. Nothing is inserted and nothing is deleted, so a lookup is one bounds
 * check and one multiply. The element of a per-CPU array is the values of all CPUs side by side.
 *
 * Linux: kernel/bpf/arraymap.c.
 */
import { alignUp } from '../base/bytes.ts';
import { E2BIG, EEXIST, EINVAL, ENOENT } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import {
  BPF_EXIST,
  BPF_F_INNER_MAP,
  BPF_F_LOCK,
  BPF_F_MMAPABLE,
  BPF_F_NUMA_NODE,
  BPF_NOEXIST,
} from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { COMMON_FLAGS, flagsAllowed, hasSpinLock, low32, MAX_PERCPU_VALUE } from './flags.ts';
import { indexOf, nextIndex } from './index-key.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';
import { copyValue, readValue, readValues, writeValue, writeValues } from './values.ts';

const INT_MAX = 0x7fffffff;
/** Where Linux keeps an array that user space maps: on pages of its own. */
const PAGE = 4096;

export const array: MapType = {
  check(def) {
    if (!isIndexed(def) || !flagsAllowed(def, COMMON_FLAGS | BPF_F_MMAPABLE | BPF_F_INNER_MAP)) return -EINVAL;
    if (def.valueSize > INT_MAX) return -E2BIG;
    return 0;
  },
  create: (def, env) => orNull(() => new ArrayMap(def, env, 1)),
};

export const percpuArray: MapType = {
  check(def) {
    if (!isIndexed(def) || !flagsAllowed(def, COMMON_FLAGS & ~BPF_F_NUMA_NODE)) return -EINVAL;
    if (alignUp(def.valueSize, 8) > MAX_PERCPU_VALUE) return -E2BIG;
    return 0;
  },
  create: (def, env) => orNull(() => new PercpuArrayMap(def, env)),
};

function isIndexed(def: MapDef): boolean {
  return def.keySize === 4 && def.valueSize !== 0 && def.maxEntries !== 0;
}

class ArrayMap extends BaseMap {
  protected readonly base: Addr;
  /** Bytes from one element to the next, and from one CPU's value to the next CPU's. */
  protected readonly stride: number;
  protected readonly valueStride: number;

  constructor(def: MapDef, env: MapEnv, valuesPerKey: number) {
    super(def, env);
    this.valueStride = alignUp(def.valueSize, 8);
    this.stride = this.valueStride * valuesPerKey;
    const mappable = (def.flags & BPF_F_MMAPABLE) !== 0;
    const size = this.stride * def.maxEntries;
    this.base = this.allocate(mappable ? alignUp(size, PAGE) : size, mappable ? PAGE : 8);
    this.setStorage(this.base, this.stride);
  }

  override lookup(key: Addr): Addr {
    const index = this.mem.u32(key);
    return index < this.def.maxEntries ? this.base + index * this.stride : 0;
  }

  override update(key: Addr, value: Addr, flags: number): number {
    const index = this.mem.u32(key);
    const error = this.checkUpdate(index, flags);
    if (error !== 0) return error;
    this.store(index, value);
    return 0;
  }

  protected store(index: number, value: Addr): void {
    copyValue(this.mem, this.def, this.base + index * this.stride, value);
    this.clearOwning(this.base + index * this.stride);
  }

  protected checkUpdate(index: number, flags: number): number {
    if ((flags & ~BPF_F_LOCK) >>> 0 > BPF_EXIST) return -EINVAL;
    if (index >= this.def.maxEntries) return -E2BIG;
    if ((flags & BPF_NOEXIST) !== 0) return -EEXIST;
    if ((flags & BPF_F_LOCK) !== 0 && !hasSpinLock(this.def)) return -EINVAL;
    return 0;
  }

  override forEach(visit: (key: Addr, value: Addr) => number): number {
    // A callback may walk the same map: what stood in the key room is put back for the outer walk.
    const outer = this.mem.u32(this.keyRoom);
    let visited = 0;
    while (visited < this.def.maxEntries) {
      this.mem.setU32(this.keyRoom, visited++);
      if (visit(this.keyRoom, this.lookup(this.keyRoom)) !== 0) break;
    }
    this.mem.setU32(this.keyRoom, outer);
    return visited;
  }

  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    const index = indexOf(key);
    return index < this.def.maxEntries ? this.readAt(this.base + index * this.stride) : -ENOENT;
  }

  protected readAt(element: Addr): Uint8Array {
    return readValue(this.mem, this.def, element);
  }

  override writeElem(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const index = indexOf(key);
    const error = this.checkUpdate(index, low32(flags));
    if (error !== 0) return error;
    this.writeAt(this.base + index * this.stride, value);
    return 0;
  }

  protected writeAt(element: Addr, value: Uint8Array): void {
    writeValue(this.mem, this.def, element, value);
    this.clearOwning(element);
  }

  override deleteElem(_key: Uint8Array): number {
    return -EINVAL; // an array keeps its elements for life
  }

  override nextKey(key: Uint8Array | null): Uint8Array | number {
    return nextIndex(key, this.def.maxEntries);
  }

  override get valueBase(): Addr {
    return this.base;
  }

  override destroy(): void {
    if (this.holdsObjects) {
      const end = this.base + this.stride * this.def.maxEntries;
      for (let value = this.base; value < end; value += this.valueStride) this.clearOwning(value);
    }
    super.destroy();
  }
}

class PercpuArrayMap extends ArrayMap {
  constructor(def: MapDef, env: MapEnv) {
    super(def, env, env.cpus);
  }

  override lookup(key: Addr): Addr {
    return this.lookupPercpu(key, this.env.currentCpu());
  }

  override lookupPercpu(key: Addr, cpu: number): Addr {
    const index = this.mem.u32(key);
    if (index >= this.def.maxEntries || cpu >= this.env.cpus) return 0;
    return this.base + index * this.stride + cpu * this.valueStride;
  }

  protected override store(index: number, value: Addr): void {
    const to = this.base + index * this.stride + this.env.currentCpu() * this.valueStride;
    copyValue(this.mem, this.def, to, value);
    this.clearOwning(to);
  }

  protected override checkUpdate(index: number, flags: number): number {
    if (flags >>> 0 > BPF_EXIST) return -EINVAL;
    if (index >= this.def.maxEntries) return -E2BIG;
    return flags === BPF_NOEXIST ? -EEXIST : 0;
  }

  override get userValueSize(): number {
    return this.stride;
  }
  protected override readAt(element: Addr): Uint8Array {
    return readValues(this.mem, this.def, element, this.env.cpus);
  }
  protected override writeAt(element: Addr, value: Uint8Array): void {
    writeValues(this.mem, this.def, element, value, this.env.cpus);
    for (let cpu = 0; cpu < this.env.cpus; cpu++) this.clearOwning(element + cpu * this.valueStride);
  }
  override get valueBase(): Addr {
    return 0;
  }
}
