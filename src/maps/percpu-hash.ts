/**
 * BPF_MAP_TYPE_PERCPU_HASH and BPF_MAP_TYPE_LRU_PERCPU_HASH: a hash table whose elements hold one value a CPU, side by side.
 *
 * Unlike the plain hash map, an update of a key that is there writes into its element: only the current CPU's value
 * for a program, all of them for user space. A new element's other values are zero.
 *
 * Linux: kernel/bpf/hashtab.c, the functions with percpu in their names.
 */
import { alignUp } from '../base/bytes.ts';
import { E2BIG, EINVAL } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_EXIST } from '../uapi/generated/constants.ts';
import { orNull } from './base-map.ts';
import { checkExistence, low32, MAX_PERCPU_VALUE } from './flags.ts';
import { checkHash, HashMap, roundedLru } from './hash.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';
import { copyValue, readValues, writeValues } from './values.ts';

export const percpuHash: MapType = {
  check: (def) => checkPercpu(def, false),
  create: (def, env) => orNull(() => new PercpuHashMap(def, env)),
};

export const lruPercpuHash: MapType = {
  check: (def) => checkPercpu(def, true),
  create: (def, env) => orNull(() => new LruPercpuHashMap(roundedLru(def, env), env)),
};

function checkPercpu(def: MapDef, lru: boolean): number {
  const error = checkHash(def, lru, true);
  if (error !== 0) return error;
  return alignUp(def.valueSize, 8) > MAX_PERCPU_VALUE ? -E2BIG : 0;
}

class PercpuHashMap extends HashMap {
  readonly #valueStride: number;

  constructor(def: MapDef, env: MapEnv) {
    super(def, env, alignUp(def.valueSize, 8) * env.cpus);
    this.#valueStride = alignUp(def.valueSize, 8);
  }

  override lookup(key: Addr): Addr {
    return this.lookupPercpu(key, this.env.currentCpu());
  }

  override lookupPercpu(key: Addr, cpu: number): Addr {
    if (cpu >= this.env.cpus) return 0;
    const element = this.find(key);
    if (element === 0) return 0;
    this.noteLookup(element);
    return this.#valueOf(element, cpu);
  }

  protected noteLookup(_element: Addr): void {}

  #valueOf(element: Addr, cpu: number): Addr {
    return element + this.valueOffset + cpu * this.#valueStride;
  }

  protected override letGo(element: Addr): void {
    for (let cpu = 0; cpu < this.env.cpus; cpu++) this.clearOwning(this.#valueOf(element, cpu));
  }

  protected override valueForProgram(element: Addr): Addr {
    return this.#valueOf(element, this.env.currentCpu());
  }

  override update(key: Addr, value: Addr, flags: number): number {
    const element = this.#elementToWrite(key, flags);
    if (element < 0) return element;
    const to = this.valueForProgram(element);
    copyValue(this.mem, this.def, to, value);
    this.clearOwning(to);
    return 0;
  }

  override writeElem(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const element = this.#elementToWrite(this.place(key), low32(flags));
    if (element < 0) return element;
    writeValues(this.mem, this.def, element + this.valueOffset, value, this.env.cpus);
    this.letGo(element);
    return 0;
  }

  #elementToWrite(key: Addr, flags: number): Addr | number {
    if (flags >>> 0 > BPF_EXIST) return -EINVAL;
    const old = this.find(key);
    const conflict = checkExistence(old !== 0, flags);
    if (conflict !== 0) return conflict;
    if (old !== 0) {
      this.noteLookup(old);
      return old;
    }
    const element = this.insertNew(key);
    if (element > 0) this.letGo(element);
    if (element > 0) this.mem.fill(element + this.valueOffset, this.userValueSize, 0);
    return element;
  }

  override get userValueSize(): number {
    return this.#valueStride * this.env.cpus;
  }
  protected override readAt(value: Addr): Uint8Array {
    return readValues(this.mem, this.def, value, this.env.cpus);
  }
}

class LruPercpuHashMap extends PercpuHashMap {
  protected override noteLookup(element: Addr): void {
    this.setReferenced(element);
  }

  protected override insertNew(key: Addr): Addr | number {
    if (this.isFull) this.remove(this.oldest());
    return this.insert(key);
  }
}
