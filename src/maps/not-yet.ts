/**
 * Map types whose behaviour is not here: definitions are checked as Linux checks them, so programs that name such maps
 * can be verified, and every operation answers -EOPNOTSUPP. Where even the definition needs what is not here
 * (`notYet`), creating answers -EOPNOTSUPP.
 */
import { E2BIG, EINVAL, EOPNOTSUPP } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_F_NUMA_NODE, BPF_F_RDONLY_PROG } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { COMMON_FLAGS, flagsAllowed, MAX_PERCPU_VALUE, SYSCALL_ACCESS } from './flags.ts';
import type { MapDef, MapType } from './map.ts';
import { checkRing } from './ringbuf.ts';

/** A type that cannot be created. */
export const notYet: MapType = {
  check: () => -EOPNOTSUPP,
  create: () => null,
};

/** Arrays and hashes of devices: programs may read what they hold, never write it. */
export const devmap = definitionOnly(
  (def) => checkHandles(def, [4, 8], BPF_F_NUMA_NODE | SYSCALL_ACCESS),
  BPF_F_RDONLY_PROG,
);

/** CONFIG_NR_CPUS of the reference kernel. */
const NR_CPUS = 256;
export const cpumap = definitionOnly((def) => {
  const error = checkHandles(def, [4, 8], BPF_F_NUMA_NODE);
  return error === 0 && def.maxEntries > NR_CPUS ? -E2BIG : error;
});

export const xskmap = definitionOnly((def) => checkHandles(def, [4], BPF_F_NUMA_NODE | SYSCALL_ACCESS));
export const sockmap = definitionOnly((def) => checkHandles(def, [4, 8], BPF_F_NUMA_NODE | SYSCALL_ACCESS));
export const reuseportSockarray = definitionOnly((def) => checkHandles(def, [4, 8], COMMON_FLAGS));

/** Keys of sockets must fit on the stack of a program. */
const MAX_SOCKHASH_KEY = 512;
export const sockhash = definitionOnly((def) => {
  const error =
    def.keySize === 0 ? -EINVAL : checkHandles({ ...def, keySize: 4 }, [4, 8], BPF_F_NUMA_NODE | SYSCALL_ACCESS);
  return error === 0 && def.keySize > MAX_SOCKHASH_KEY ? -E2BIG : error;
});

const CGROUP_KEY_SIZES = [8, 16];
export const cgroupStorage = definitionOnly((def) => checkCgroupStorage(def, 65407));
export const percpuCgroupStorage = definitionOnly((def) => checkCgroupStorage(def, MAX_PERCPU_VALUE));

function checkCgroupStorage(def: MapDef, maxValue: number): number {
  if (!CGROUP_KEY_SIZES.includes(def.keySize) || def.valueSize === 0) return -EINVAL;
  if (def.valueSize > maxValue) return -E2BIG;
  return def.maxEntries === 0 && flagsAllowed(def, COMMON_FLAGS) ? 0 : -EINVAL;
}

/** Records from user space to programs: whoever maps it writes them, and nobody can map the memory here. */
export const userRingbuf = definitionOnly(checkRing);

function checkHandles(def: MapDef, valueSizes: readonly number[], flags: number): number {
  const fits = def.keySize === 4 && valueSizes.includes(def.valueSize) && def.maxEntries !== 0;
  return fits && flagsAllowed(def, flags) ? 0 : -EINVAL;
}

function definitionOnly(check: MapType['check'], addedFlags = 0): MapType {
  return {
    check,
    create: (def, env) => orNull(() => new DefinitionOnlyMap({ ...def, flags: def.flags | addedFlags }, env)),
  };
}

class DefinitionOnlyMap extends BaseMap {
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -EOPNOTSUPP;
  }
  override delete(_key: Addr): number {
    return -EOPNOTSUPP;
  }
  override readElem(_key: Uint8Array, _flags: bigint): number {
    return -EOPNOTSUPP;
  }
  override writeElem(_key: Uint8Array, _value: Uint8Array, _flags: bigint): number {
    return -EOPNOTSUPP;
  }
  override deleteElem(_key: Uint8Array): number {
    return -EOPNOTSUPP;
  }
  override takeElem(_key: Uint8Array, _flags: bigint): number {
    return -EOPNOTSUPP;
  }
  override nextKey(_key: Uint8Array | null): number {
    return -EOPNOTSUPP;
  }
}
