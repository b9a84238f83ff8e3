/**
 * BPF_MAP_TYPE_HASH_OF_MAPS: maps by key. A value is the address of a map; user space stores descriptors and reads ids.
 *
 * Linux: kernel/bpf/hashtab.c, htab_of_map_*().
 */
import { view } from '../base/bytes.ts';
import { EINVAL, ENOENT, ENOTSUPP } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { orNull } from './base-map.ts';
import { low32 } from './flags.ts';
import { checkHash, HashMap } from './hash.ts';
import { u32Bytes } from './index-key.ts';
import type { MapObject, MapType } from './map.ts';
import { checkInner, checkTemplate } from './map-of-maps.ts';

export const hashOfMaps: MapType = {
  check: (def) => (def.valueSize === 4 ? checkHash(def, false) || checkTemplate(def.inner) : -EINVAL),
  create: (def, env) => orNull(() => new HashOfMaps(def, env)),
};

class HashOfMaps extends HashMap {
  /** By the address of the map that an element holds. A map may stand under several keys: one reference for each. */
  readonly #held = new Map<Addr, MapObject[]>();

  override lookup(key: Addr): Addr {
    const value = super.lookup(key);
    return value === 0 ? 0 : this.mem.u32(value);
  }

  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    const object = this.#held.get(this.lookup(this.place(key)))?.[0];
    return object === undefined ? -ENOENT : u32Bytes(object.id);
  }

  override writeElem(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const object = this.env.acquire('map', view(value).getInt32(0, true), this);
    if (typeof object === 'number') return object;
    const keyAddr = this.place(key);
    const old = this.lookup(keyAddr);
    const to = checkInner(this.def, object) || this.valueToWrite(keyAddr, low32(flags));
    if (to < 0) {
      this.env.release(object);
      return to;
    }
    this.mem.setU32(to, object.value);
    this.#held.set(object.value, [...(this.#held.get(object.value) ?? []), object]);
    if (old !== 0) this.#letGo(old);
    return 0;
  }

  override deleteElem(key: Uint8Array): number {
    const old = this.lookup(this.place(key));
    const answer = super.deleteElem(key);
    if (answer === 0) this.#letGo(old);
    return answer;
  }

  override takeElem(_key: Uint8Array, _flags: bigint): Uint8Array | number {
    return -ENOTSUPP;
  }

  override destroy(): void {
    for (const objects of this.#held.values()) for (const object of objects) this.env.release(object);
    this.#held.clear();
    super.destroy();
  }

  #letGo(addr: Addr): void {
    const [object, ...rest] = this.#held.get(addr) ?? [];
    if (rest.length === 0) this.#held.delete(addr);
    else this.#held.set(addr, rest);
    if (object !== undefined) this.env.release(object);
  }
}
