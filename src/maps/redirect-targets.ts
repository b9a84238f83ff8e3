/**
 * BPF_MAP_TYPE_DEVMAP, DEVMAP_HASH and CPUMAP: where XDP programs may send packets. A value begins with what it stands
 * for (an interface index, the length of a CPU's queue); setting 0 empties the slot. Programs may look values up.
 *
 * The values lie in one block, the occupied ones are known by key. Programs to run at the target are not taken.
 *
 * Linux: kernel/bpf/devmap.c, kernel/bpf/cpumap.c.
 */
import { view } from '../base/bytes.ts';
import { E2BIG, EEXIST, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, EOVERFLOW } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_EXIST, BPF_F_NUMA_NODE, BPF_F_RDONLY_PROG, BPF_NOEXIST } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { flagsAllowed, low32, SYSCALL_ACCESS } from './flags.ts';
import { indexOf, nextIndex, u32Bytes } from './index-key.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';

/** CONFIG_NR_CPUS of the reference kernel. */
const NR_CPUS = 256;
const MAX_QUEUE = 16384;

/** Devices: programs may read what the map holds, never write it. */
export const devmap: MapType = {
  check: (def) => checkTargets(def, BPF_F_NUMA_NODE | SYSCALL_ACCESS),
  create: (def, env) => orNull(() => new DeviceArray({ ...def, flags: def.flags | BPF_F_RDONLY_PROG }, env)),
};

export const devmapHash: MapType = {
  check: devmap.check,
  create: (def, env) => orNull(() => new DeviceHash({ ...def, flags: def.flags | BPF_F_RDONLY_PROG }, env)),
};

export const cpumap: MapType = {
  check(def) {
    const error = checkTargets(def, BPF_F_NUMA_NODE);
    return error === 0 && def.maxEntries > NR_CPUS ? -E2BIG : error;
  },
  create: (def, env) => orNull(() => new CpuArray(def, env)),
};

function checkTargets(def: MapDef, flags: number): number {
  const fits = def.keySize === 4 && (def.valueSize === 4 || def.valueSize === 8) && def.maxEntries !== 0;
  return fits && flagsAllowed(def, flags) ? 0 : -EINVAL;
}

/** Slots with a u32 in each, and a second one where values have 8 bytes: the program's, always 0. */
abstract class TargetMap extends BaseMap {
  /** Addresses of the values that are there, by key. */
  protected readonly taken = new Map<number, Addr>();
  protected readonly values: Addr;

  constructor(def: MapDef, env: MapEnv) {
    super(def, env);
    this.values = this.allocate(def.maxEntries * def.valueSize);
  }

  override lookup(key: Addr): Addr {
    return this.taken.get(this.mem.u32(key)) ?? 0;
  }

  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    const at = this.taken.get(indexOf(key));
    return at === undefined ? -ENOENT : this.mem.read(at, this.def.valueSize);
  }

  /** Why this key cannot get that value: 0 or -errno. */
  protected abstract refuse(key: number, target: number, flags: number): number;
  /** A free slot for a key, or 0. */
  protected abstract slot(key: number): Addr;

  override writeElem(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const index = indexOf(key);
    const target = view(value).getUint32(0, true);
    if (low32(flags) > BPF_EXIST) return -EINVAL;
    const refused = this.refuse(index, target, low32(flags));
    if (refused !== 0) return refused;
    if (this.def.valueSize === 8 && view(value).getInt32(4, true) > 0) return -EOPNOTSUPP;
    if (target === 0) {
      this.taken.delete(index);
      return 0;
    }
    const at = this.taken.get(index) ?? this.slot(index);
    if (at === 0) return -E2BIG;
    this.mem.fill(at, this.def.valueSize, 0);
    this.mem.setU32(at, target);
    this.taken.set(index, at);
    return 0;
  }
}

abstract class TargetArray extends TargetMap {
  protected slot(key: number): Addr {
    return this.values + key * this.def.valueSize;
  }

  protected refuse(key: number, _target: number, flags: number): number {
    if (key >= this.def.maxEntries) return -E2BIG;
    return flags === BPF_NOEXIST ? -EEXIST : 0; // every slot of an array exists
  }

  override deleteElem(key: Uint8Array): number {
    const index = indexOf(key);
    if (index >= this.def.maxEntries) return -EINVAL;
    this.taken.delete(index);
    return 0;
  }

  override nextKey(key: Uint8Array | null): Uint8Array | number {
    return nextIndex(key, this.def.maxEntries);
  }
}

class DeviceArray extends TargetArray {
  protected override refuse(key: number, target: number, flags: number): number {
    const refused = super.refuse(key, target, flags);
    return refused !== 0 ? refused : refuseDevice(this.env, target);
  }
}

class CpuArray extends TargetArray {
  protected override refuse(key: number, target: number, flags: number): number {
    const refused = super.refuse(key, target, flags);
    if (refused !== 0) return refused;
    if (target > MAX_QUEUE) return -EOVERFLOW;
    return key < this.env.cpus ? 0 : -ENODEV;
  }
}

class DeviceHash extends TargetMap {
  protected refuse(key: number, target: number, flags: number): number {
    const there = this.taken.has(key);
    if (there && flags === BPF_NOEXIST) return -EEXIST;
    return target === 0 ? -EINVAL : refuseDevice(this.env, target);
  }

  protected slot(): Addr {
    const used = new Set(this.taken.values());
    for (let i = 0; i < this.def.maxEntries; i++) {
      const at = this.values + i * this.def.valueSize;
      if (!used.has(at)) return at;
    }
    return 0;
  }

  override deleteElem(key: Uint8Array): number {
    return this.taken.delete(indexOf(key)) ? 0 : -ENOENT;
  }

  override nextKey(key: Uint8Array | null): Uint8Array | number {
    const keys = [...this.taken.keys()];
    const at = key === null ? -1 : keys.indexOf(indexOf(key));
    const next = keys[at + 1];
    return next === undefined ? -ENOENT : u32Bytes(next);
  }
}

function refuseDevice(env: MapEnv, ifindex: number): number {
  return ifindex === 0 || env.hasDevice?.(ifindex) ? 0 : -EINVAL;
}
