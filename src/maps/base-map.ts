/**
 * What all map types have in common: the header block in linear memory, the accounting of what they allocated, and
 * the answers that Linux gives for an operation that a type does not have.
 */
import { alignUp } from '../base/bytes.ts';
import { EINVAL, ENOTSUPP } from '../base/errno.ts';
import { bug } from '../base/errors.ts';
import {
  MAP_HEADER_FLAGS,
  MAP_HEADER_KEY_SIZE,
  MAP_HEADER_MAX_ENTRIES,
  MAP_HEADER_SIZE,
  MAP_HEADER_SPECIAL,
  MAP_HEADER_STORAGE,
  MAP_HEADER_STRIDE,
  MAP_HEADER_TYPE,
  MAP_HEADER_VALUE_SIZE,
} from '../base/map-header.ts';
import type { Addr, Memory } from '../base/memory.ts';
import type { KernelMap, MapDef, MapEnv } from './map.ts';

/** Fields through which a value holds objects. */
const OWNING: ReadonlySet<string> = new Set(['kptr', 'percpu_kptr', 'bpf_list_head', 'bpf_rb_root']);

/** Thrown inside a map's constructor when memory is out; `orNull` turns it into the contract's null. */
class OutOfMemory extends Error {}

/** Runs the constructor of a map: the map, or null where memory was out. */
export function orNull(make: () => KernelMap): KernelMap | null {
  try {
    return make();
  } catch (e) {
    if (e instanceof OutOfMemory) return null;
    throw e;
  }
}

export abstract class BaseMap implements KernelMap {
  readonly def: MapDef;
  readonly addr: Addr;
  protected readonly env: MapEnv;
  protected readonly mem: Memory;
  /** Room for one key, where bpf(2) puts it to look it up. */
  protected readonly keyRoom: Addr;
  /** Bytes of each block. */
  readonly #blocks = new Map<Addr, number>();
  #bytes = 0;

  constructor(def: MapDef, env: MapEnv) {
    this.def = def;
    this.env = env;
    this.mem = env.mem;
    this.addr = this.allocate(MAP_HEADER_SIZE + alignUp(def.keySize, 8));
    this.keyRoom = this.addr + MAP_HEADER_SIZE;
    this.mem.setU32(this.addr + MAP_HEADER_TYPE, def.type);
    this.mem.setU32(this.addr + MAP_HEADER_KEY_SIZE, def.keySize);
    this.mem.setU32(this.addr + MAP_HEADER_VALUE_SIZE, def.valueSize);
    this.mem.setU32(this.addr + MAP_HEADER_MAX_ENTRIES, def.maxEntries);
    this.mem.setU32(this.addr + MAP_HEADER_FLAGS, def.flags);
    this.mem.setU32(this.addr + MAP_HEADER_SPECIAL, def.special?.length ? 1 : 0);
  }

  /** Says in the header where the elements are. */
  protected setStorage(storage: Addr, stride: number): void {
    this.mem.setU32(this.addr + MAP_HEADER_STORAGE, storage);
    this.mem.setU32(this.addr + MAP_HEADER_STRIDE, stride);
  }

  /** A zeroed block that lives as long as the map. Throws OutOfMemory, for constructors. */
  protected allocate(size: number, align = 8): Addr {
    const addr = this.tryAllocate(size, align);
    return addr === 0 ? this.outOfMemory() : addr;
  }

  /** Ends a constructor that could not get its memory: gives back what it got. */
  protected outOfMemory(): never {
    this.#freeBlocks();
    throw new OutOfMemory();
  }

  /** A zeroed block that lives as long as the map, or 0. */
  protected tryAllocate(size: number, align = 8): Addr {
    const addr = size <= this.mem.limit ? this.mem.alloc(size, align) : 0;
    if (addr !== 0) {
      this.#blocks.set(addr, size);
      this.#bytes += size;
    }
    return addr;
  }

  /** Gives back a block before the map goes. */
  protected free(block: Addr): void {
    this.#bytes -= this.#blocks.get(block) ?? bug('a map gives back a block that it does not have');
    this.#blocks.delete(block);
    this.mem.free(block);
  }

  memoryUsage(): number {
    return this.#bytes;
  }

  destroy(): void {
    this.#freeBlocks();
  }

  #freeBlocks(): void {
    for (const addr of this.#blocks.keys()) this.mem.free(addr);
    this.#blocks.clear();
    this.#bytes = 0;
  }

  /** Whether values can hold what has to be given back. */
  protected get holdsObjects(): boolean {
    return this.def.special?.some(({ kind }) => OWNING.has(kind)) ?? false;
  }

  /** Empties the kernel's own fields of a value that goes, or that something else takes the place of. */
  protected clearSpecial(value: Addr): void {
    for (const field of this.def.special ?? []) {
      if (this.env.clearField) this.env.clearField(field, value);
      else this.mem.fill(value + field.offset, field.size, 0);
    }
  }

  /** Empties the fields that hold something; the others, such as locks, stay as they are. */
  protected clearOwning(value: Addr): void {
    for (const field of this.def.special ?? []) if (OWNING.has(field.kind)) this.env.clearField?.(field, value);
  }

  /** The address of `key`, put into linear memory. One key at a time. */
  protected place(key: Uint8Array): Addr {
    this.mem.write(this.keyRoom, key);
    return this.keyRoom;
  }

  lookup(_key: Addr): Addr {
    return 0;
  }
  update(_key: Addr, _value: Addr, _flags: number): number {
    return -EINVAL;
  }
  delete(_key: Addr): number {
    return -EINVAL;
  }
  push(_value: Addr, _flags: number): number {
    return -EINVAL;
  }
  pop(_value: Addr): number {
    return -EINVAL;
  }
  peek(_value: Addr): number {
    return -EINVAL;
  }
  lookupPercpu(_key: Addr, _cpu: number): Addr {
    return 0;
  }
  forEach(_visit: (key: Addr, value: Addr) => number): number {
    return -EINVAL;
  }

  get userValueSize(): number {
    return this.def.valueSize;
  }
  readElem(_key: Uint8Array, _flags: bigint): Uint8Array | number {
    return -ENOTSUPP;
  }
  writeElem(_key: Uint8Array, _value: Uint8Array, _flags: bigint): number {
    return -ENOTSUPP;
  }
  deleteElem(_key: Uint8Array): number {
    return -ENOTSUPP;
  }
  takeElem(_key: Uint8Array, _flags: bigint): Uint8Array | number {
    return -ENOTSUPP;
  }
  nextKey(_key: Uint8Array | null): Uint8Array | number {
    return -ENOTSUPP;
  }

  get valueBase(): Addr {
    return 0;
  }
}
