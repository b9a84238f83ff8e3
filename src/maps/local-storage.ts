/**
 * BPF_MAP_TYPE_SK_STORAGE, TASK_STORAGE, INODE_STORAGE and CGRP_STORAGE: a value that belongs to a kernel object, made
 * when a program first asks for it, gone with the object.
 *
 * An owner is the address of its structure in linear memory. Helpers reach the map by `storage` and `dropStorage`; the
 * kernel calls `dropStorage` when an owner ends. User space has no key for an owner here: -EOPNOTSUPP.
 *
 * Linux: kernel/bpf/bpf_local_storage.c.
 */
import { E2BIG, EINVAL, ENOENT, EOPNOTSUPP } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_F_CLONE, BPF_F_NO_PREALLOC } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import type { MapType } from './map.ts';
import { copyValue } from './values.ts';

/** What Linux fits into one element. */
const MAX_VALUE = 0xffff - 512;

export const localStorage: MapType = {
  check(def) {
    if ((def.flags & ~(BPF_F_NO_PREALLOC | BPF_F_CLONE)) !== 0 || (def.flags & BPF_F_NO_PREALLOC) === 0) return -EINVAL;
    if (def.maxEntries !== 0 || def.keySize !== 4 || def.valueSize === 0 || !def.hasBtf) return -EINVAL;
    return def.valueSize > MAX_VALUE ? -E2BIG : 0;
  },
  create: (def, env) => orNull(() => new LocalStorageMap(def, env)),
};

export class LocalStorageMap extends BaseMap {
  readonly #values = new Map<Addr, Addr>();
  /** Values whose owner is gone. */
  readonly #free: Addr[] = [];

  /** The value that belongs to `owner`; a new one from `initial` (0: zeros) when `create`; 0 where there is none. */
  storage(owner: Addr, initial: Addr, create: boolean): Addr {
    const value = this.#values.get(owner);
    if (value !== undefined) return value;
    if (!create) return 0;
    const fresh = this.#free.pop() ?? this.tryAllocate(this.def.valueSize);
    if (fresh === 0) return 0;
    this.mem.fill(fresh, this.def.valueSize, 0);
    if (initial !== 0) copyValue(this.mem, this.def, fresh, initial);
    this.#values.set(owner, fresh);
    return fresh;
  }

  /** Takes the value of `owner` away: 0, or -ENOENT where there is none. */
  dropStorage(owner: Addr): number {
    const value = this.#values.get(owner);
    if (value === undefined) return -ENOENT;
    this.#values.delete(owner);
    this.clearOwning(value);
    this.#free.push(value);
    return 0;
  }

  override destroy(): void {
    for (const value of this.#values.values()) this.clearOwning(value);
    super.destroy();
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
}
