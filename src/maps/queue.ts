/**
 * BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: values without keys, first in first out or last in first out.
 *
 * One block of max_entries values used as a ring. A full map refuses a push, unless BPF_EXIST asks to give up the
 * oldest value for it.
 *
 * Linux: kernel/bpf/queue_stack_maps.c.
 */
import { alignUp } from '../base/bytes.ts';
import { E2BIG, EINVAL, ENOENT } from '../base/errno.ts';
import { QUEUE_COUNT, QUEUE_OLDEST } from '../base/map-storage.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_EXIST, BPF_NOEXIST } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { COMMON_FLAGS, flagsAllowed, low32, MAX_ELEMENT } from './flags.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';

export const queue: MapType = {
  check: checkQueue,
  create: (def, env) => orNull(() => new QueueMap(def, env)),
};

export const stack: MapType = {
  check: checkQueue,
  create: (def, env) => orNull(() => new StackMap(def, env)),
};

function checkQueue(def: MapDef): number {
  if (def.maxEntries === 0 || def.keySize !== 0 || def.valueSize === 0) return -EINVAL;
  if (!flagsAllowed(def, COMMON_FLAGS)) return -EINVAL;
  return def.valueSize > MAX_ELEMENT ? -E2BIG : 0;
}

class QueueMap extends BaseMap {
  readonly #base: Addr;
  readonly #stride: number;

  constructor(def: MapDef, env: MapEnv) {
    super(def, env);
    this.#stride = alignUp(def.valueSize, 8);
    this.#base = this.allocate(def.maxEntries * this.#stride);
    this.setStorage(this.#base, this.#stride);
  }

  override push(value: Addr, flags: number): number {
    const to = this.#room(flags);
    if (to > 0) this.mem.copy(to, value, this.def.valueSize);
    return Math.min(to, 0);
  }

  override pop(value: Addr): number {
    return this.#give(value, true);
  }
  override peek(value: Addr): number {
    return this.#give(value, false);
  }

  /** Where the next value goes, or why it cannot. */
  #room(flags: number): Addr | number {
    if (flags === BPF_NOEXIST || flags >>> 0 > BPF_EXIST) return -EINVAL;
    if (this.#count === this.def.maxEntries) {
      if (flags !== BPF_EXIST) return -E2BIG;
      this.#dropOldest();
    }
    const count = this.#count;
    this.#setCount(count + 1);
    return this.#at(count);
  }

  /** Copies the value whose turn it is to `to`, or clears `to` where there is none. */
  #give(to: Addr, take: boolean): number {
    const from = this.#next(take);
    if (from === 0) this.mem.fill(to, this.def.valueSize, 0);
    else this.mem.copy(to, from, this.def.valueSize);
    return from === 0 ? -ENOENT : 0;
  }

  #next(take: boolean): Addr {
    if (this.#count === 0) return 0;
    const from = this.#at(this.newestFirst ? this.#count - 1 : 0);
    if (take) this.#take();
    return from;
  }

  /** Which value's turn it is. */
  protected get newestFirst(): boolean {
    return false;
  }

  #take(): void {
    if (this.newestFirst) this.#setCount(this.#count - 1);
    else this.#dropOldest();
  }

  #dropOldest(): void {
    this.mem.setU32(this.addr + QUEUE_OLDEST, (this.#oldest + 1) % this.def.maxEntries);
    this.#setCount(this.#count - 1);
  }

  /** Index of the oldest value. */
  get #oldest(): number {
    return this.mem.u32(this.addr + QUEUE_OLDEST);
  }
  get #count(): number {
    return this.mem.u32(this.addr + QUEUE_COUNT);
  }
  #setCount(count: number): void {
    this.mem.setU32(this.addr + QUEUE_COUNT, count);
  }

  #at(nth: number): Addr {
    return this.#base + ((this.#oldest + nth) % this.def.maxEntries) * this.#stride;
  }

  override readElem(_key: Uint8Array, _flags: bigint): Uint8Array | number {
    return this.#read(false);
  }
  override takeElem(_key: Uint8Array, _flags: bigint): Uint8Array | number {
    return this.#read(true);
  }
  #read(take: boolean): Uint8Array | number {
    const from = this.#next(take);
    return from === 0 ? -ENOENT : this.mem.read(from, this.def.valueSize);
  }

  override writeElem(_key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const to = this.#room(low32(flags));
    if (to > 0) this.mem.write(to, value.subarray(0, this.def.valueSize));
    return Math.min(to, 0);
  }
  override deleteElem(_key: Uint8Array): number {
    return -EINVAL;
  }
  override nextKey(_key: Uint8Array | null): number {
    return -EINVAL;
  }
}

class StackMap extends QueueMap {
  protected override get newestFirst(): boolean {
    return true;
  }
}
