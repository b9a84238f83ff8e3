/**
 * BPF_MAP_TYPE_HASH and BPF_MAP_TYPE_LRU_HASH: values by key of any bytes.
 *
 * An update replaces the whole element: who holds a pointer to the old value keeps seeing the old value. An LRU map
 * that is full gives up an element that was not looked up by a program lately (hash-table.ts, `oldest`) instead of
 * answering -E2BIG. Linux chooses among more lists and evicts several at a time; which key goes is not promised there.
 *
 * Linux: kernel/bpf/hashtab.c, kernel/bpf/bpf_lru_list.c.
 */
import { E2BIG, EINVAL, ENOENT, ENOTSUPP } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import {
  BPF_EXIST,
  BPF_F_LOCK,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_NUMA_NODE,
  BPF_F_ZERO_SEED,
} from '../uapi/generated/constants.ts';
import { orNull } from './base-map.ts';
import { COMMON_FLAGS, checkExistence, checkUpdateFlags, flagsAllowed, low32, MAX_ELEMENT } from './flags.ts';
import { HashTable } from './hash-table.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';
import { copyValue, readValue, writeValue } from './values.ts';

/** What Linux keeps in an element beside key and value. */
const ELEMENT_OVERHEAD = 48;
/** Linux's table of buckets must not pass 4 GiB at 16 bytes each. */
const MAX_BUCKETS = 2 ** 27;

export const hash: MapType = {
  check: (def) => checkHash(def, false),
  create: (def, env) => orNull(() => new HashMap(def, env)),
};

export const lruHash: MapType = {
  check: (def) => checkHash(def, true),
  create: (def, env) => orNull(() => new LruHashMap(roundedLru(def, env), env)),
};

/** The rules of every hash table; `lru` ones are always preallocated. */
export function checkHash(def: MapDef, lru: boolean, percpu = false): number {
  const flags = COMMON_FLAGS | BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_ZERO_SEED;
  if (!flagsAllowed(def, flags)) return -EINVAL;
  if (!lru && (def.flags & BPF_F_NO_COMMON_LRU) !== 0) return -EINVAL;
  if (lru && (def.flags & BPF_F_NO_PREALLOC) !== 0) return -ENOTSUPP;
  const hasNode = !percpu && (def.flags & BPF_F_NO_COMMON_LRU) === 0;
  if (!hasNode && (def.flags & BPF_F_NUMA_NODE) !== 0) return -EINVAL;
  if (def.maxEntries === 0 || def.keySize === 0 || def.valueSize === 0) return -EINVAL;
  if (def.keySize + def.valueSize >= MAX_ELEMENT - ELEMENT_OVERHEAD) return -E2BIG;
  return def.maxEntries > MAX_BUCKETS ? -E2BIG : 0;
}

/** With one list for each CPU, Linux gives every CPU as many elements as the others. */
export function roundedLru(def: MapDef, env: MapEnv): MapDef {
  if ((def.flags & BPF_F_NO_COMMON_LRU) === 0) return def;
  return { ...def, maxEntries: Math.ceil(def.maxEntries / env.cpus) * env.cpus };
}

export class HashMap extends HashTable {
  constructor(def: MapDef, env: MapEnv, valueBytes = def.valueSize) {
    super(def, env, valueBytes);
  }

  override lookup(key: Addr): Addr {
    const element = this.find(key);
    return element === 0 ? 0 : element + this.valueOffset;
  }

  override update(key: Addr, value: Addr, flags: number): number {
    const to = this.valueToWrite(key, flags);
    if (to < 0) return to;
    copyValue(this.mem, this.def, to, value);
    return 0;
  }

  /** Where the value of an update goes, or why it cannot be made. */
  protected valueToWrite(key: Addr, flags: number): Addr | number {
    const error = checkUpdateFlags(this.def, flags);
    if (error !== 0) return error;
    const old = this.find(key);
    const conflict = checkExistence(old !== 0, flags);
    if (conflict !== 0) return conflict;
    if (old !== 0 && (flags & BPF_F_LOCK) !== 0) return old + this.valueOffset;
    const element = old === 0 ? this.insertNew(key) : this.replaceOld(old);
    if (element < 0) return element;
    this.clearSpecial(element + this.valueOffset);
    return element + this.valueOffset;
  }

  protected insertNew(key: Addr): Addr | number {
    return this.insert(key);
  }
  protected replaceOld(old: Addr): Addr | number {
    return this.replace(old);
  }

  /** The old element stays as it is for who points to it, but for what it holds. */
  protected override replace(old: Addr): Addr | number {
    const element = super.replace(old);
    if (element > 0) this.letGo(old);
    return element;
  }

  protected override remove(element: Addr): void {
    super.remove(element);
    this.letGo(element);
  }

  /** Gives back what the values of an element hold. */
  protected letGo(element: Addr): void {
    this.clearOwning(element + this.valueOffset);
  }

  override destroy(): void {
    if (this.holdsObjects) {
      for (let at = this.elementFrom(0); at !== 0; at = this.elementFrom(this.indexOf(at) + 1)) this.letGo(at);
    }
    super.destroy();
  }

  override delete(key: Addr): number {
    const element = this.find(key);
    if (element === 0) return -ENOENT;
    this.remove(element);
    return 0;
  }

  override forEach(visit: (key: Addr, value: Addr) => number): number {
    let visited = 0;
    let element = this.elementFrom(0);
    while (element !== 0) {
      const index = this.indexOf(element); // the element may be gone, or replaced, after the visit
      visited++;
      if (visit(this.keyOf(element), this.valueForProgram(element)) !== 0) break;
      element = this.elementFrom(index + 1);
    }
    return visited;
  }

  protected valueForProgram(element: Addr): Addr {
    return element + this.valueOffset;
  }

  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    const element = this.find(this.place(key));
    return element === 0 ? -ENOENT : this.readAt(element + this.valueOffset);
  }

  protected readAt(value: Addr): Uint8Array {
    return readValue(this.mem, this.def, value);
  }

  override writeElem(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const to = this.valueToWrite(this.place(key), low32(flags));
    if (to < 0) return to;
    writeValue(this.mem, this.def, to, value);
    return 0;
  }

  override deleteElem(key: Uint8Array): number {
    return this.delete(this.place(key));
  }

  override takeElem(key: Uint8Array, flags: bigint): Uint8Array | number {
    if ((low32(flags) & ~BPF_F_LOCK) !== 0) return -EINVAL;
    const element = this.find(this.place(key));
    if (element === 0) return -ENOENT;
    const value = this.readAt(element + this.valueOffset);
    this.remove(element);
    return value;
  }

  override nextKey(key: Uint8Array | null): Uint8Array | number {
    const current = key === null ? 0 : this.find(this.place(key));
    const next = this.elementFrom(current === 0 ? 0 : this.indexOf(current) + 1);
    return next === 0 ? -ENOENT : this.mem.read(this.keyOf(next), this.def.keySize);
  }
}

class LruHashMap extends HashMap {
  override lookup(key: Addr): Addr {
    const element = this.find(key);
    if (element === 0) return 0;
    this.setReferenced(element);
    return element + this.valueOffset;
  }

  /** There are no spin locks in LRU maps, so no BPF_F_LOCK. */
  protected override valueToWrite(key: Addr, flags: number): Addr | number {
    return flags >>> 0 > BPF_EXIST ? -EINVAL : super.valueToWrite(key, flags);
  }

  protected override insertNew(key: Addr): Addr | number {
    if (this.isFull) this.remove(this.oldest());
    return this.insert(key);
  }

  protected override replaceOld(old: Addr): Addr | number {
    const element = this.replace(old);
    if (element > 0) this.setReferenced(element);
    return element;
  }
}
