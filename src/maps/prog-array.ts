/**
 * BPF_MAP_TYPE_PROG_ARRAY: the programs that bpf_tail_call jumps to.
 *
 * Slots hold entries of the engine's function table, and the engine reads them itself. A program may stand in an array
 * that it uses, so the array lets go of its programs when user space has: otherwise both would live for ever.
 */
import { orNull } from './base-map.ts';
import type { MapType } from './map.ts';
import { checkObjectArray, ObjectArray } from './object-array.ts';

export const progArray: MapType = {
  check: (def) => checkObjectArray(def),
  create: (def, env) => orNull(() => new ProgArrayMap(def, env)),
};

class ProgArrayMap extends ObjectArray {
  protected readonly kind = 'prog';

  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    return this.readId(key);
  }

  dropUserReferences(): void {
    this.clear();
  }
}
