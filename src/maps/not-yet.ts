/**
 * Map types whose behaviour is not here: definitions are checked as Linux checks them, so programs that name such maps
 * can be verified. They are as empty as Linux's are at first, and putting something in answers -EOPNOTSUPP. Where even the definition needs what is not here
 * (`notYet`), creating answers -EOPNOTSUPP.
 */
import { E2BIG, EINVAL, ENOENT, ENOSPC, ENOTSUPP, EOPNOTSUPP } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_F_NUMA_NODE } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { COMMON_FLAGS, flagsAllowed, MAX_PERCPU_VALUE, SYSCALL_ACCESS } from './flags.ts';
import { nextIndex } from './index-key.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';

/** A type that cannot be created. */
export const notYet: MapType = {
  check: () => -EOPNOTSUPP,
  create: () => null,
};

/** Sockets by index. There are none to put in, so every slot stays empty; reading one says what Linux says of it. */
export const xskmap = definitionOnly((def) => checkHandles(def, [4], BPF_F_NUMA_NODE | SYSCALL_ACCESS), {
  indexed: true,
  read: () => -EOPNOTSUPP,
});
/** User space sees a socket as its cookie, which takes a value of 8 bytes. */
const readCookie = (def: MapDef) => (def.valueSize === 8 ? -ENOENT : -ENOSPC);
export const sockmap = definitionOnly((def) => checkHandles(def, [4, 8], BPF_F_NUMA_NODE | SYSCALL_ACCESS), {
  indexed: true,
  read: readCookie,
});
export const reuseportSockarray = definitionOnly((def) => checkHandles(def, [4, 8], COMMON_FLAGS), {
  indexed: true,
  read: readCookie,
});

/** Keys of sockets must fit on the stack of a program. */
const MAX_SOCKHASH_KEY = 512;
export const sockhash = definitionOnly(
  (def) => {
    const error =
      def.keySize === 0 ? -EINVAL : checkHandles({ ...def, keySize: 4 }, [4, 8], BPF_F_NUMA_NODE | SYSCALL_ACCESS);
    return error === 0 && def.keySize > MAX_SOCKHASH_KEY ? -E2BIG : error;
  },
  { read: readCookie },
);

const CGROUP_KEY_SIZES = [8, 16];
export const cgroupStorage = definitionOnly((def) => checkCgroupStorage(def, 65407), { read: () => -ENOENT });
export const percpuCgroupStorage = definitionOnly((def) => checkCgroupStorage(def, MAX_PERCPU_VALUE), {
  read: () => -ENOENT,
});

function checkCgroupStorage(def: MapDef, maxValue: number): number {
  if (!CGROUP_KEY_SIZES.includes(def.keySize) || def.valueSize === 0) return -EINVAL;
  if (def.valueSize > maxValue) return -E2BIG;
  return def.maxEntries === 0 && flagsAllowed(def, COMMON_FLAGS) ? 0 : -EINVAL;
}

function checkHandles(def: MapDef, valueSizes: readonly number[], flags: number): number {
  const fits = def.keySize === 4 && valueSizes.includes(def.valueSize) && def.maxEntries !== 0;
  return fits && flagsAllowed(def, flags) ? 0 : -EINVAL;
}

interface Emptiness {
  /** Keys are 0 … max_entries - 1, and all of them exist; else none does. */
  readonly indexed?: boolean;
  /** What reading an element answers; absent: a map of that type has none to read. */
  readonly read?: (def: MapDef) => number;
}

function definitionOnly(check: MapType['check'], emptiness: Emptiness = {}): MapType {
  return { check, create: (def, env) => orNull(() => new EmptyMap(def, env, emptiness)) };
}

/** A map that nothing can be put into. */
class EmptyMap extends BaseMap {
  readonly #emptiness: Emptiness;

  constructor(def: MapDef, env: MapEnv, emptiness: Emptiness) {
    super(def, env);
    this.#emptiness = emptiness;
  }

  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -EOPNOTSUPP;
  }
  override delete(_key: Addr): number {
    return -EOPNOTSUPP;
  }
  override readElem(_key: Uint8Array, _flags: bigint): number {
    return this.#emptiness.read?.(this.def) ?? -ENOTSUPP;
  }
  override writeElem(_key: Uint8Array, _value: Uint8Array, _flags: bigint): number {
    return this.#emptiness.read ? -EOPNOTSUPP : -ENOTSUPP;
  }
  override deleteElem(_key: Uint8Array): number {
    return this.#emptiness.read ? -EOPNOTSUPP : -ENOTSUPP;
  }
  override nextKey(key: Uint8Array | null): Uint8Array | number {
    if (this.#emptiness.indexed) return nextIndex(key, this.def.maxEntries);
    return this.#emptiness.read ? -ENOENT : -ENOTSUPP;
  }
}
