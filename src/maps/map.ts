/**
 * The contract of a map: what every map type offers to programs and to bpf(2).
 *
 * Programs pass addresses and get addresses: values live in the kernel's linear memory, and a lookup answers where.
 * bpf(2) passes bytes and gets bytes. Answers are `0`, a count, or `-errno`, as in Linux.
 */
import type { Addr, Memory } from '../base/memory.ts';

/** The definition that BPF_MAP_CREATE gives, with descriptors already turned into what they stand for. */
export interface MapDef {
  readonly type: number;
  readonly name: string;
  /** Bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BPF_F_* as given, BPF_F_NO_PREALLOC and the like. */
  readonly flags: number;
  readonly extra: bigint;
  /** The template of a map of maps. */
  readonly inner?: MapDef;
  /** Parts of a value that the kernel keeps for itself (BTF says where), ascending by offset. */
  readonly special?: readonly SpecialField[];
  /** Whether BTF describes key and value: local storage maps need it. */
  readonly hasBtf?: boolean;
}

/** A bpf_spin_lock, bpf_timer and their like inside a value: copies leave it alone, user space reads zeros. */
export interface SpecialField {
  /** Its structure's name, or the tag of a pointer: bpf_spin_lock, bpf_list_head, kptr. */
  readonly kind: string;
  /** Bytes from the start of the value. */
  readonly offset: number;
  readonly size: number;
}

/** What a map type asks of the kernel it lives in. */
export interface MapEnv {
  readonly mem: Memory;
  /** How many CPUs there are: per-CPU maps hold that many values for a key. */
  readonly cpus: number;
  currentCpu(): number;
  /** An unsigned 32-bit random number, from the kernel's one source of randomness. */
  random(): number;
  /** Wakes readers: new data in a ring buffer or a perf buffer of `map`. */
  notify(map: KernelMap): void;
  /**
   * Takes a reference to what descriptor `fd` stands for, when user space stores it in a map that holds objects.
   * Answers the object, or -EBADF / -EINVAL where it is not of that kind, or not one that `map` may hold (programs
   * of a prog array must be of one sort).
   */
  acquire(kind: MapObject['kind'], fd: number, map: KernelMap): MapObject | number;
  release(object: MapObject): void;
  /** Empties a field of the value at `value`: what it holds is given back. Absent: fields hold nothing. */
  clearField?(field: SpecialField, value: Addr): void;
  /** Whether there is a network device with that index; absent: there is none. */
  hasDevice?(ifindex: number): boolean;
}

/** Something that a map element refers to. */
export interface MapObject {
  readonly kind: 'prog' | 'map' | 'perf_event' | 'cgroup';
  /** What user space reads back. */
  readonly id: number;
  /** What programs see: the address of a map, the entry of a program in the engine's function table, a handle. */
  readonly value: number;
  /** The definition of a `map`; for compatibility checks of maps of maps. */
  readonly def?: MapDef;
  /** Where a `perf_event` takes records; absent where it is a counter. */
  readonly sink?: PerfSink;
}

/** The writing end of a perf buffer. */
export interface PerfSink {
  /** The CPU whose programs may write to it, or -1 for any. */
  readonly cpu: number;
  /** Takes a record: 0, or -ENOSPC when there is no room and it was counted as lost. */
  write(data: Uint8Array): number;
}

export interface MapType {
  /** 0, or the -errno that BPF_MAP_CREATE answers for this definition. */
  check(def: MapDef): number;
  /** The map, or null where memory is out (-ENOMEM). Everything it allocated is given back by `destroy`. */
  create(def: MapDef, env: MapEnv): KernelMap | null;
}

export interface KernelMap {
  /** What it was created with; max_entries where Linux rounds it (per-CPU LRU). */
  readonly def: MapDef;
  /** The block of base/map-header.ts: what a program's map pointer is. */
  readonly addr: Addr;
  /** Bytes of linear memory it holds: what `memlock` shows. */
  memoryUsage(): number;
  destroy(): void;

  // What helpers call. Types that lack an operation answer 0 (lookup) or -EINVAL / -EOPNOTSUPP, as in Linux.
  /** Address of the value for the key at `key`, or 0. For per-CPU maps the current CPU's. */
  lookup(key: Addr): Addr;
  /** `flags` is the low half; helpers answer -EINVAL for a high half that is not zero. Values are replaced whole. */
  update(key: Addr, value: Addr, flags: number): number;
  delete(key: Addr): number;
  push(value: Addr, flags: number): number;
  pop(value: Addr): number;
  peek(value: Addr): number;
  lookupPercpu(key: Addr, cpu: number): Addr;
  /** Calls `visit` with the address of each key and value until it answers other than 0; answers how many were visited. */
  forEach(visit: (key: Addr, value: Addr) => number): number;

  // What bpf(2) calls. `key` has keySize bytes; values have userValueSize bytes.
  /** Bytes that a value has for user space: value_size, or round_up(value_size, 8) * cpus for per-CPU maps. */
  readonly userValueSize: number;
  readElem(key: Uint8Array, flags: bigint): Uint8Array | number;
  writeElem(key: Uint8Array, value: Uint8Array, flags: bigint): number;
  deleteElem(key: Uint8Array): number;
  takeElem(key: Uint8Array, flags: bigint): Uint8Array | number;
  /**
   * The key after `key`; the first one for null, and for a key that is not there. -ENOENT after the last.
   * Hash tables go in the order of insertion as long as nothing is deleted (Linux: in the order of its buckets).
   */
  nextKey(key: Uint8Array | null): Uint8Array | number;

  /** Address of the first byte of a value area that BPF_PSEUDO_MAP_VALUE may point into (arrays), or 0. */
  readonly valueBase: Addr;

  /**
   * The last descriptor and pin are gone, though programs may still hold the map: types that could hold themselves
   * alive through what they refer to (prog arrays) let go of it.
   */
  dropUserReferences?(): void;
}
