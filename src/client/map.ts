/**
 * A map: raw bytes in and out (`lookup`, `update`, `remove`, `entries`), and, where it has BTF, values as plain objects
 * (`get`, `set`, `delete`, `records`).
 */

import { alignUp, view } from '../base/bytes.ts';
import { EINVAL, ENOTSUPP, EOPNOTSUPP } from '../base/errno.ts';
import { BpfError, SkepError, UnsupportedError } from '../base/errors.ts';
import type { Btf, BtfValue } from '../btf/index.ts';
import {
  Bpf,
  type ElementBytes,
  type EventWriter,
  type Fd,
  isPerCpu,
  type Kernel,
  userValueSize,
} from '../sys/index.ts';
import {
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_QUEUE,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_STACK,
  BPF_MAP_TYPE_USER_RINGBUF,
} from '../uapi/generated/constants.ts';
import type { MapInfo } from '../uapi/infos.ts';
import { MAP_TYPES, mapTypeName } from '../uapi/map-types.ts';
import { about, asked } from './about.ts';
import { bytes, list, numberOf, numberOrZero, objectName, record, wholeNumber } from './arguments.ts';
import { Handle, openPin } from './handle.ts';
import type { BpfLink } from './link.ts';
import {
  checkSize,
  decodePlain,
  describeShape,
  encodePlain,
  type MapDefinition,
  type MapShape,
  shapeOf,
} from './map-shape.ts';
import { MapView } from './map-view.ts';
import { BpfRingBuffer } from './ring-buffer.ts';

/** One value for all CPUs, where the values of a map are arrays with one for each. */
type OfOneCpu<V> = V extends readonly (infer One)[] ? One : never;

/** `K` and `V`: what its keys and values are as plain values; `skep gen types` writes them from an object file. */
export class BpfMap<K extends BtfValue = BtfValue, V extends BtfValue = BtfValue> extends Handle {
  /** How it is defined, and the types of its key and value. */
  readonly shape: MapShape;
  readonly name: string;
  /** Bytes that a value has here: for per-CPU maps those of all CPUs. */
  readonly userValueSize: number;

  constructor(kernel: Kernel, fd: Fd, shape: MapShape) {
    super(kernel, fd);
    this.shape = shape;
    this.name = shape.name;
    this.userValueSize = userValueSize({ type: shape.type, value_size: shape.valueSize }, kernel.possibleCpus);
  }

  /** Makes a map without an object file. EINVAL, E2BIG, ENOMEM as the kernel's BPF_MAP_CREATE. */
  static async create(kernel: Kernel, definition: MapDefinition): Promise<BpfMap> {
    record('the definition of a map', definition);
    const type = numberOf('the type of a map', definition.type, MAP_TYPES);
    const ring = type === BPF_MAP_TYPE_RINGBUF || type === BPF_MAP_TYPE_USER_RINGBUF;
    const shape: MapShape = {
      name: objectName('the name of a map', definition.name),
      type,
      keySize: wholeNumber('keySize', definition.keySize ?? (ring || KEYLESS.has(type) ? 0 : 4)),
      valueSize: wholeNumber('valueSize', definition.valueSize ?? (ring ? 0 : 4)),
      maxEntries: numberOrZero('maxEntries', definition.maxEntries),
      flags: numberOrZero('flags', definition.flags),
      btf: undefined,
      keyTypeId: 0,
      valueTypeId: 0,
    };
    const attr = {
      map_type: type,
      key_size: shape.keySize,
      value_size: shape.valueSize,
      max_entries: shape.maxEntries,
      map_flags: shape.flags,
      map_name: shape.name,
      ...(definition.inner ? { inner_map_fd: definition.inner.fd } : {}),
    };
    return new BpfMap(kernel, await asked(describeShape(shape), new Bpf(kernel).mapCreate(attr)), shape);
  }

  /** The map pinned at a path. `btf` gives its values types. */
  static async open(kernel: Kernel, path: string, btf?: Btf): Promise<BpfMap> {
    return BpfMap.adopt(kernel, await openPin(kernel, path), btf);
  }

  /** The map with an id: ENOENT where there is none. */
  static async byId(kernel: Kernel, id: number, btf?: Btf): Promise<BpfMap> {
    const map_id = wholeNumber('the id of a map', id);
    const { ret } = await asked(`map ${id}`, kernel.bpf('MAP_GET_FD_BY_ID', { map_id }));
    return BpfMap.adopt(kernel, ret, btf);
  }

  /** The map behind a descriptor, which the BpfMap then owns. */
  static async adopt(kernel: Kernel, fd: Fd, btf?: Btf): Promise<BpfMap> {
    try {
      const { info } = await kernel.bpf('OBJ_GET_INFO_BY_FD', { bpf_fd: fd, info: { of: 'map' } });
      return new BpfMap(kernel, fd, shapeOf(info as MapInfo, btf));
    } catch (error) {
      await kernel.closeFd(fd);
      throw error;
    }
  }

  /** What the kernel says of it: id, name, sizes, flags, types. */
  info(): Promise<MapInfo> {
    return this.bpf.mapInfo(this.fd);
  }

  /** The value's bytes, or null where the key is not there. */
  async lookup(key: Uint8Array): Promise<Uint8Array | null> {
    const given = this.bytes('key', key);
    // Without another promise around it where the kernel answers at once: it would cost as much as the call.
    const { elements } = this.kernel;
    if (elements) return elements.lookup(this.fd, given, this.userValueSize);
    return this.bpf.mapLookup(this.fd, given, this.userValueSize);
  }

  /** Writes a value. `flags`: BPF_ANY, BPF_NOEXIST (EEXIST where it is there), BPF_EXIST (ENOENT where it is not). */
  async update(key: Uint8Array, value: Uint8Array, flags = 0): Promise<void> {
    const [givenKey, givenValue] = [this.bytes('key', key), this.bytes('value', value)];
    wholeNumber('flags', flags);
    const { elements } = this.kernel;
    try {
      if (elements) elements.update(this.fd, givenKey, givenValue, flags);
      else await this.bpf.mapUpdate(this.fd, givenKey, givenValue, flags);
    } catch (error) {
      throw about(this.name === '' ? 'the map' : `map '${this.name}'`, error);
    }
  }

  /** Deletes a key; whether it was there. EINVAL for arrays, which keep their elements. */
  async remove(key: Uint8Array): Promise<boolean> {
    const given = this.bytes('key', key);
    const { elements } = this.kernel;
    return elements ? elements.remove(this.fd, given) : this.bpf.mapDelete(this.fd, given);
  }

  /** The value taken out; from queues and stacks the next one. Null where there is none. */
  async take(key: Uint8Array = new Uint8Array()): Promise<Uint8Array | null> {
    return this.bpf.mapTake(this.fd, this.bytes('key', key), this.userValueSize);
  }

  /** Writes many values, in one command where the map can; they have the size of `lookup`'s. */
  async updateMany(pairs: readonly (readonly [key: Uint8Array, value: Uint8Array])[], flags = 0): Promise<void> {
    const { keySize } = this.shape;
    const keys = new Uint8Array(list('what to write', pairs).length * keySize);
    const values = new Uint8Array(pairs.length * this.userValueSize);
    for (const [i, [key, value]] of pairs.entries()) {
      checkSize(this.shape, 'key', this.bytes('key', key), keySize);
      checkSize(this.shape, 'value', this.bytes('value', value), this.userValueSize);
      keys.set(key, i * keySize);
      values.set(value, i * this.userValueSize);
    }
    if (pairs.length === 0) return;
    try {
      await this.bpf.mapUpdateBatch(this.fd, keys, values, pairs.length, BigInt(flags));
    } catch (error) {
      if (!isWithoutBatches(error)) throw error;
      for (const [key, value] of pairs) await this.update(key, value, flags);
    }
  }

  /** The keys. While the map changes some may be missing; never more than twice `maxEntries` come. */
  keys(): AsyncGenerator<Uint8Array> {
    return this.bpf.mapKeys(this.fd, this.shape.keySize, this.shape.maxEntries * 2);
  }

  /** Keys with their values, many at a time where the map can. Elements that go meanwhile may be missing. */
  async *entries(): AsyncGenerator<[key: Uint8Array, value: Uint8Array]> {
    let started = false;
    try {
      for await (const batch of this.bpf.mapBatches(this.fd, this.shape.keySize, this.userValueSize)) {
        started = true;
        for (const { key, value } of batch) yield [key, value];
      }
      return;
    } catch (error) {
      if (started || !isWithoutBatches(error)) throw error;
    }
    for await (const key of this.keys()) {
      const value = await this.lookup(key);
      if (value) yield [key, value];
    }
  }

  /**
   * Keys and values as they lie in a row, many at a time: for whoever goes through millions. EOPNOTSUPP and its like where
   * the map has no batches.
   */
  batches(): AsyncGenerator<ElementBytes> {
    return this.bpf.mapBatchBytes(this.fd, this.shape.keySize, this.userValueSize);
  }

  /** Takes every element out, many at a time where the map can. What is added meanwhile may stay. */
  async *drain(): AsyncGenerator<[key: Uint8Array, value: Uint8Array]> {
    let started = false;
    try {
      for await (const batch of this.bpf.mapBatches(this.fd, this.shape.keySize, this.userValueSize, { take: true })) {
        started = true;
        for (const { key, value } of batch) yield [key, value];
      }
      return;
    } catch (error) {
      if (started || !isWithoutBatches(error)) throw error;
    }
    for await (const [key, value] of this.entries()) if (await this.remove(key)) yield [key, value];
  }

  /** No more writes from user space: EBUSY while its memory is mapped for writing. */
  freeze(): Promise<void> {
    return this.bpf.mapFreeze(this.fd);
  }

  /** The value as a plain value, null where the key is not there; an array of them for per-CPU maps. */
  async get(key: K): Promise<V | null> {
    const bytes = await this.lookup(this.encodeKey(key));
    return bytes && this.decodeValue(bytes);
  }

  /**
   * Writes a plain value; for maps that hold programs, maps or cgroups the BpfProgram, the BpfMap, the descriptor.
   * For per-CPU maps an array with a value a CPU, or one value for all of them. `flags` as for `update`.
   */
  async set(key: K, value: V | OfOneCpu<V> | Handle, flags = 0): Promise<void> {
    const bytes = value instanceof Handle ? descriptorBytes(value.fd) : this.encodeValue(value);
    await this.update(this.encodeKey(key), bytes, flags);
  }

  /** The same for many at once, in one command where the map can. */
  async setMany(pairs: Iterable<readonly [key: K, value: V | OfOneCpu<V>]>, flags = 0): Promise<void> {
    const given = list('what to write', pairs);
    const encoded = Array.from(given, ([key, value]) => [this.encodeKey(key), this.encodeValue(value)] as const);
    return this.updateMany(encoded, flags);
  }

  /** The map under a key of a map of maps, or null; it is the caller's to close. `btf` gives its values types. */
  async inner(key: K, btf: Btf | undefined = this.shape.btf): Promise<BpfMap | null> {
    const id = await this.lookup(this.encodeKey(key));
    return id && BpfMap.byId(this.kernel, view(id).getUint32(0, true), btf);
  }

  /** Puts a value into a queue, a stack or a bloom filter: E2BIG where it is full, unless `flags` is BPF_EXIST. */
  push(value: V, flags = 0): Promise<void> {
    return this.update(new Uint8Array(), this.encodeValue(value), flags);
  }

  /** The value that `pop` would take out of a queue or a stack, or null; it stays. */
  async peek(): Promise<V | null> {
    const next = await this.lookup(new Uint8Array());
    return next && this.decodeValue(next);
  }

  /** Whether a bloom filter may have the value: false is certain, true is not. */
  async mayHave(value: V): Promise<boolean> {
    return (await this.lookup(this.encodeValue(value))) !== null;
  }

  /** Takes the next value out of a queue or a stack, or null. */
  async pop(): Promise<V | null> {
    const bytes = await this.take();
    return bytes && this.decodeValue(bytes);
  }

  /** Deletes a key; whether it was there. */
  async delete(key: K): Promise<boolean> {
    return this.remove(this.encodeKey(key));
  }

  /** Keys and values as plain values. */
  async *records(): AsyncGenerator<{ key: K; value: V }> {
    for await (const [key, value] of this.entries()) yield { key: this.decodeKey(key), value: this.decodeValue(value) };
  }

  /**
   * The records that programs send through a ring buffer or a perf event array. `pagesPerCpu`: how much of a perf event
   * array waits for the reader, a power of two; default 64.
   */
  async ring(options: { readonly pagesPerCpu?: number } = {}): Promise<BpfRingBuffer> {
    const { btf } = this.shape;
    if (this.shape.type === BPF_MAP_TYPE_RINGBUF) return BpfRingBuffer.open(this.kernel.openRingBuffer(this.fd), btf);
    if (this.shape.type === BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
      return BpfRingBuffer.open(this.kernel.openPerfBuffer(this.fd, options), btf);
    }
    const type = mapTypeName(this.shape.type) ?? `type ${this.shape.type}`;
    throw new UnsupportedError(`reading records from '${this.name}', a map of type ${type}`);
  }

  /** The end of a user ring buffer that user space writes; programs drain it. EBUSY: somebody writes already. */
  writer(): Promise<EventWriter> {
    return this.kernel.openUserRingBuffer(this.fd);
  }

  /** The values in memory shared with programs: arrays with BPF_F_MMAPABLE, arenas. EINVAL for any other map. */
  async memory(): Promise<MapView> {
    return new MapView(await this.kernel.mapMemory(this.fd), this.shape);
  }

  /** Registers a structure of functions (`.struct_ops`) until the link is closed. Other maps have nothing to attach. */
  async attach(): Promise<BpfLink> {
    const type = mapTypeName(this.shape.type) ?? `type ${this.shape.type}`;
    throw new UnsupportedError(`attaching '${this.name}', a map of type ${type},`, {
      hint: 'programs are attached, and maps of .struct_ops that their object was loaded with',
    });
  }

  /** A key's bytes. */
  encodeKey(key: K): Uint8Array {
    return encodePlain(this.shape, 'key', key);
  }

  /** The plain key of these bytes. */
  decodeKey(bytes: Uint8Array): K {
    return decodePlain(this.shape, 'key', this.bytes('key', bytes)) as K;
  }

  /** A value's bytes: those of all CPUs for per-CPU maps. */
  encodeValue(value: V | OfOneCpu<V>): Uint8Array {
    if (!isPerCpu(this.shape.type)) return encodePlain(this.shape, 'value', value);
    if (value instanceof Uint8Array && value.length === this.userValueSize) return value;
    const { possibleCpus } = this.kernel;
    if (Array.isArray(value) && value.length !== possibleCpus) {
      throw new SkepError(
        'ERR_SIZE',
        `map '${this.name}' has a value for each of ${possibleCpus} CPUs, and ${value.length} are given`,
      );
    }
    const out = new Uint8Array(this.userValueSize);
    for (let cpu = 0; cpu < possibleCpus; cpu++) {
      out.set(encodePlain(this.shape, 'value', Array.isArray(value) ? value[cpu]! : value), cpu * this.stride);
    }
    return out;
  }

  /** The plain value of these bytes. */
  decodeValue(bytes: Uint8Array): V {
    const { shape, stride } = this;
    const given = this.bytes('value', bytes);
    if (!isPerCpu(shape.type)) return decodePlain(shape, 'value', given) as V;
    return Array.from({ length: this.kernel.possibleCpus }, (_, cpu) =>
      decodePlain(shape, 'value', given.subarray(cpu * stride, cpu * stride + shape.valueSize)),
    ) as V & BtfValue[];
  }

  /** Bytes from the value of one CPU to that of the next. */
  private get stride(): number {
    return alignUp(this.shape.valueSize, 8);
  }

  private bytes(what: 'key' | 'value', given: unknown): Uint8Array {
    return given instanceof Uint8Array ? given : bytes(`the ${what} for map '${this.name}'`, given);
  }
}

/** Types without keys: values go in and come out. */
const KEYLESS: ReadonlySet<number> = new Set([BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK, BPF_MAP_TYPE_BLOOM_FILTER]);

function descriptorBytes(fd: Fd): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, fd, true);
  return bytes;
}

function isWithoutBatches(error: unknown): boolean {
  if (error instanceof UnsupportedError) return true; // a kernel before 5.6
  return error instanceof BpfError && [EOPNOTSUPP, ENOTSUPP, EINVAL].includes(error.errno);
}
