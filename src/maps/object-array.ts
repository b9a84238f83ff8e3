/**
 * Arrays whose elements refer to kernel objects: user space stores descriptors, programs see handles.
 *
 * The block at `storage` has one u32 per index: `MapObject.value`, 0 where there is none. The objects themselves, and
 * with them the references that keep them alive, are kept beside it.
 *
 * Linux: kernel/bpf/arraymap.c, fd_array_map_*().
 */
import { view } from '../base/bytes.ts';
import { E2BIG, EINVAL, ENOENT } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_ANY, BPF_F_NUMA_NODE } from '../uapi/generated/constants.ts';
import { BaseMap } from './base-map.ts';
import { flagsAllowed, low32, SYSCALL_ACCESS } from './flags.ts';
import { indexOf, nextIndex, u32Bytes } from './index-key.ts';
import type { MapDef, MapEnv, MapObject } from './map.ts';

export const SLOT_SIZE = 4;

/** The rules of every array of objects; `more` flags are those of one type. */
export function checkObjectArray(def: MapDef, more = 0): number {
  if (def.keySize !== 4 || def.valueSize !== 4 || def.maxEntries === 0) return -EINVAL;
  return flagsAllowed(def, BPF_F_NUMA_NODE | SYSCALL_ACCESS | more) ? 0 : -EINVAL;
}

export abstract class ObjectArray extends BaseMap {
  protected abstract readonly kind: MapObject['kind'];
  protected readonly slots: Addr;
  protected readonly objects = new Map<number, MapObject>();

  constructor(def: MapDef, env: MapEnv) {
    super(def, env);
    this.slots = this.allocate(def.maxEntries * SLOT_SIZE);
    this.setStorage(this.slots, SLOT_SIZE);
  }

  override destroy(): void {
    this.clear();
    super.destroy();
  }

  /** Lets go of every object. */
  protected clear(): void {
    for (const index of [...this.objects.keys()]) this.setSlot(index, undefined);
  }

  protected setSlot(index: number, object: MapObject | undefined): void {
    const old = this.objects.get(index);
    if (object === undefined) this.objects.delete(index);
    else this.objects.set(index, object);
    this.mem.setU32(this.slots + index * SLOT_SIZE, object?.value ?? 0);
    if (old !== undefined) this.env.release(old);
  }

  override writeElem(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    if (low32(flags) !== BPF_ANY) return -EINVAL;
    const index = indexOf(key);
    if (index >= this.def.maxEntries) return -E2BIG;
    const object = this.env.acquire(this.kind, view(value).getInt32(0, true), this);
    if (typeof object === 'number') return object;
    const refused = this.checkObject(object);
    if (refused !== 0) {
      this.env.release(object);
      return refused;
    }
    this.setSlot(index, object);
    return 0;
  }

  /** Whether this map may hold `object`: 0 or -errno. */
  protected checkObject(_object: MapObject): number {
    return 0;
  }

  override deleteElem(key: Uint8Array): number {
    const index = indexOf(key);
    if (index >= this.def.maxEntries) return -E2BIG;
    if (!this.objects.has(index)) return -ENOENT;
    this.setSlot(index, undefined);
    return 0;
  }

  override nextKey(key: Uint8Array | null): Uint8Array | number {
    return nextIndex(key, this.def.maxEntries);
  }

  /** The id of the object at `key`: for types whose elements user space may read. */
  protected readId(key: Uint8Array): Uint8Array | number {
    const object = this.objects.get(indexOf(key));
    return object === undefined ? -ENOENT : u32Bytes(object.id);
  }
}
