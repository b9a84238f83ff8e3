/**
 * BPF_MAP_TYPE_ARENA: pages that programs and user space share, and that programs point into as they like.
 *
 * It has no elements. Its pages are taken when user space first maps it; then, or where map_extra says it, user space's
 * address is known, and without that Linux verifies no program that uses it.
 *
 * Linux: kernel/bpf/arena.c.
 */
import { E2BIG, EINVAL, EOPNOTSUPP, ERANGE } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_F_MMAPABLE, BPF_F_NO_USER_CONV, BPF_F_SEGV_ON_FAULT } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { flagsAllowed } from './flags.ts';
import type { MapType } from './map.ts';

const PAGE = 4096;
/** Pointers into an arena are told apart by their low 32 bits. */
const MAX_BYTES = 2 ** 32;

export const arena: MapType = {
  check(def) {
    const allowed = BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV;
    if (def.keySize !== 0 || def.valueSize !== 0 || def.maxEntries === 0) return -EINVAL;
    if (!flagsAllowed(def, allowed) || (def.flags & BPF_F_MMAPABLE) === 0) return -EINVAL;
    if (def.extra % BigInt(PAGE) !== 0n) return -EINVAL;
    if (def.maxEntries * PAGE > MAX_BYTES) return -E2BIG;
    const first = def.extra >> 32n;
    const last = (def.extra + BigInt(def.maxEntries * PAGE) - 1n) >> 32n;
    return first === last ? 0 : -ERANGE;
  },
  create: (def, env) => orNull(() => new ArenaMap(def, env)),
};

export class ArenaMap extends BaseMap {
  #pages: Addr = 0;

  /** The first of its pages, which are zero at first; 0 where there is no room for them. */
  pages(): Addr {
    if (this.#pages === 0) this.#pages = this.tryAllocate(this.byteSize, PAGE);
    return this.#pages;
  }

  get byteSize(): number {
    return this.def.maxEntries * PAGE;
  }

  /** Whether it is known where user space sees it. */
  get hasUserAddress(): boolean {
    return this.def.extra !== 0n || this.#pages !== 0;
  }

  override readElem(_key: Uint8Array, _flags: bigint): number {
    return -EINVAL;
  }
  override writeElem(_key: Uint8Array, _value: Uint8Array, _flags: bigint): number {
    return -EOPNOTSUPP;
  }
  override deleteElem(_key: Uint8Array): number {
    return -EOPNOTSUPP;
  }
  override nextKey(_key: Uint8Array | null): number {
    return -EOPNOTSUPP;
  }
}
