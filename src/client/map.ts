/**
 * A map: raw bytes in and out (`lookup`, `update`, `remove`, `entries`), and, where it has BTF, values as plain objects
 * (`get`, `set`, `delete`, `records`).
 */

import { view } from '../base/bytes.ts';
import { EINVAL, ENOTSUPP, EOPNOTSUPP } from '../base/errno.ts';
import { BpfError, UnsupportedError } from '../base/errors.ts';
import { type Btf, type BtfValue, decodeValue, encodeValue } from '../btf/index.ts';
import { type Fd, isPerCpu, type Kernel, userValueSize } from '../sys/index.ts';
import { BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_RINGBUF } from '../uapi/generated/constants.ts';
import type { MapInfo } from '../uapi/infos.ts';
import { mapTypeName } from '../uapi/map-types.ts';
import { Handle } from './handle.ts';
import { BpfRingBuffer } from './ring-buffer.ts';

/** How a map is defined, and the types of its key and value where they are known. */
export interface MapShape {
  readonly name: string;
  /** BPF_MAP_TYPE_*. */
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly btf: Btf | undefined;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
}

export class BpfMap extends Handle {
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

  /** The map pinned at a path. `btf` gives its values types. */
  static async open(kernel: Kernel, path: string, btf?: Btf): Promise<BpfMap> {
    const { ret } = await kernel.bpf('OBJ_GET', { pathname: path });
    return BpfMap.adopt(kernel, ret, btf);
  }

  /** The map with an id: ENOENT where there is none. */
  static async byId(kernel: Kernel, id: number, btf?: Btf): Promise<BpfMap> {
    const { ret } = await kernel.bpf('MAP_GET_FD_BY_ID', { map_id: id });
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

  info(): Promise<MapInfo> {
    return this.bpf.mapInfo(this.fd);
  }

  /** The value's bytes, or null where the key is not there. */
  lookup(key: Uint8Array): Promise<Uint8Array | null> {
    return this.bpf.mapLookup(this.fd, key, this.userValueSize);
  }

  /** `flags`: BPF_ANY, BPF_NOEXIST (EEXIST), BPF_EXIST (ENOENT). */
  update(key: Uint8Array, value: Uint8Array, flags = 0): Promise<void> {
    return this.bpf.mapUpdate(this.fd, key, value, flags);
  }

  /** Whether there was such a key. */
  remove(key: Uint8Array): Promise<boolean> {
    return this.bpf.mapDelete(this.fd, key);
  }

  /** The value taken out; from queues and stacks the next one. Null where there is none. */
  take(key: Uint8Array = new Uint8Array()): Promise<Uint8Array | null> {
    return this.bpf.mapTake(this.fd, key, this.userValueSize);
  }

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

  /** No more writes from user space. */
  freeze(): Promise<void> {
    return this.bpf.mapFreeze(this.fd);
  }

  /** The value as a plain value, null where the key is not there; an array of them for per-CPU maps. */
  async get(key: BtfValue): Promise<BtfValue | null> {
    const bytes = await this.lookup(this.encodeKey(key));
    return bytes && this.decodeValue(bytes);
  }

  async set(key: BtfValue, value: BtfValue, flags = 0): Promise<void> {
    await this.update(this.encodeKey(key), this.encodeValue(value), flags);
  }

  /** Whether there was such a key. */
  delete(key: BtfValue): Promise<boolean> {
    return this.remove(this.encodeKey(key));
  }

  /** Keys and values as plain values. */
  async *records(): AsyncGenerator<{ key: BtfValue; value: BtfValue }> {
    for await (const [key, value] of this.entries()) yield { key: this.decodeKey(key), value: this.decodeValue(value) };
  }

  /** The records that programs send through a ring buffer or a perf event array. */
  async ring(): Promise<BpfRingBuffer> {
    if (this.shape.type === BPF_MAP_TYPE_RINGBUF) return BpfRingBuffer.open(this.kernel.openRingBuffer(this.fd));
    if (this.shape.type === BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
      return BpfRingBuffer.open(this.kernel.openPerfBuffer(this.fd));
    }
    const type = mapTypeName(this.shape.type) ?? `type ${this.shape.type}`;
    throw new UnsupportedError(`reading records from '${this.name}', a map of type ${type}`);
  }

  encodeKey(key: BtfValue): Uint8Array {
    return this.#encode(this.shape.keyTypeId, key, this.shape.keySize);
  }

  decodeKey(bytes: Uint8Array): BtfValue {
    return this.#decode(this.shape.keyTypeId, bytes);
  }

  encodeValue(value: BtfValue): Uint8Array {
    const { valueTypeId, valueSize, type } = this.shape;
    if (!isPerCpu(type)) return this.#encode(valueTypeId, value, valueSize);
    const stride = Math.ceil(valueSize / 8) * 8;
    const out = new Uint8Array(this.userValueSize);
    for (let cpu = 0; cpu < this.kernel.possibleCpus; cpu++) {
      const own = Array.isArray(value) ? value[cpu] : value;
      if (own !== undefined) out.set(this.#encode(valueTypeId, own, valueSize), cpu * stride);
    }
    return out;
  }

  decodeValue(bytes: Uint8Array): BtfValue {
    const { valueTypeId, valueSize, type } = this.shape;
    if (!isPerCpu(type)) return this.#decode(valueTypeId, bytes);
    const stride = Math.ceil(valueSize / 8) * 8;
    return Array.from({ length: this.kernel.possibleCpus }, (_, cpu) =>
      this.#decode(valueTypeId, bytes.subarray(cpu * stride, cpu * stride + valueSize)),
    );
  }

  /** Without a type a value is its bytes, or a number where it has 4 of them. */
  #decode(typeId: number, bytes: Uint8Array): BtfValue {
    const { btf } = this.shape;
    if (btf && typeId !== 0) return decodeValue(btf, typeId, bytes);
    return bytes.length === 4 ? view(bytes).getUint32(0, true) : bytes;
  }

  #encode(typeId: number, value: BtfValue, size: number): Uint8Array {
    const { btf } = this.shape;
    if (value instanceof Uint8Array) return value;
    if (btf && typeId !== 0) return encodeValue(btf, typeId, value);
    if (size === 4 && typeof value === 'number') {
      const out = new Uint8Array(4);
      view(out).setUint32(0, value, true);
      return out;
    }
    throw new UnsupportedError(`a plain value for '${this.name}', which has no BTF`, { hint: 'give its bytes' });
  }
}

function shapeOf(info: MapInfo, btf: Btf | undefined): MapShape {
  return {
    name: info.name,
    type: info.type,
    keySize: info.key_size,
    valueSize: info.value_size,
    maxEntries: info.max_entries,
    flags: info.map_flags,
    btf,
    keyTypeId: btf ? info.btf_key_type_id : 0,
    valueTypeId: btf ? info.btf_value_type_id : 0,
  };
}

function isWithoutBatches(error: unknown): boolean {
  if (error instanceof UnsupportedError) return true; // a kernel before 5.6
  return error instanceof BpfError && [EOPNOTSUPP, ENOTSUPP, EINVAL].includes(error.errno);
}
