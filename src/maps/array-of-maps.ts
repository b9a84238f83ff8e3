/** BPF_MAP_TYPE_ARRAY_OF_MAPS: maps by index. A program's lookup answers the map itself, or 0 for an empty slot. */
import type { Addr } from '../base/memory.ts';
import { orNull } from './base-map.ts';
import type { MapObject, MapType } from './map.ts';
import { checkInner, checkTemplate } from './map-of-maps.ts';
import { checkObjectArray, ObjectArray, SLOT_SIZE } from './object-array.ts';

export const arrayOfMaps: MapType = {
  check: (def) => checkObjectArray(def) || checkTemplate(def.inner),
  create: (def, env) => orNull(() => new ArrayOfMaps(def, env)),
};

class ArrayOfMaps extends ObjectArray {
  protected readonly kind = 'map';

  override lookup(key: Addr): Addr {
    const index = this.mem.u32(key);
    return index < this.def.maxEntries ? this.mem.u32(this.slots + index * SLOT_SIZE) : 0;
  }

  protected override checkObject(object: MapObject): number {
    return checkInner(this.def, object);
  }

  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    return this.readId(key);
  }
}
