/**
 * A map as the kernel keeps it: the storage (maps/), its id, its BTF, and who may still write to it.
 */
import type { KernelMap, MapDef, MapObject } from '../../maps/index.ts';
import type { BtfObject } from './btf.ts';
import type { Ids } from './ids.ts';
import { KernelObject } from './object.ts';
import type { ProgSort } from './prog-array.ts';

/** BTF of a map: the object, and the type ids of key and value in it. */
export interface MapBtf {
  readonly object: BtfObject;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
}

/** The maps of a kernel, by id and by the address that programs hold. */
export class MapRegistry {
  readonly byAddr = new Map<number, LiveMap>();
  readonly ids: Ids<LiveMap>;
  constructor(ids: Ids<LiveMap>) {
    this.ids = ids;
  }
}

export class LiveMap extends KernelObject implements MapObject {
  readonly kind = 'map';
  readonly id: number;
  readonly map: KernelMap;
  readonly btf: MapBtf | undefined;
  /** That of the template, of a map of maps: the BTF which what is in it must have. */
  readonly innerBtf: MapBtf | undefined;
  /** Nobody in user space may write any more. */
  frozen = false;
  /** How often its memory is mapped for writing: such a map cannot be frozen. */
  writableViews = 0;
  /** Programs of a prog array must be of one sort: that of the first one which used or entered it. */
  owner: ProgSort | undefined;
  /** The reader of its records: one at a time. */
  reader: { wake(): void } | undefined;
  /** Where the last batch of elements ended: how many came before, and the last key. */
  cursor: { position: number; key: Uint8Array } | undefined;
  readonly #registry: MapRegistry;
  #users = 0;

  /** Takes over the caller's references to the BTF objects. */
  constructor(registry: MapRegistry, map: KernelMap, btf: MapBtf | undefined, innerBtf?: MapBtf) {
    super();
    this.#registry = registry;
    this.map = map;
    this.btf = btf;
    this.innerBtf = innerBtf;
    this.id = registry.ids.add(this);
    registry.byAddr.set(map.addr, this);
  }

  get def(): MapDef {
    return this.map.def;
  }

  /** What programs see of it inside another map. */
  get value(): number {
    return this.map.addr;
  }

  override opened(): void {
    this.#users++;
  }

  override closed(): void {
    // A prog array could otherwise keep itself alive through the programs in it.
    if (--this.#users === 0) this.map.dropUserReferences?.();
  }

  protected override destroy(): void {
    this.#registry.ids.remove(this.id);
    this.#registry.byAddr.delete(this.map.addr);
    this.map.destroy();
    this.btf?.object.drop();
    this.innerBtf?.object.drop();
  }
}
