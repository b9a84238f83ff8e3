/** The values of a map in memory that is shared with the programs: no call to the kernel for a read or a write. */
import { alignUp } from '../base/bytes.ts';
import { SkepError } from '../base/errors.ts';
import type { BtfValue } from '../btf/index.ts';
import type { MapMemory } from '../sys/index.ts';
import { decodePlain, encodePlain, type MapShape } from './map-shape.ts';

/**
 * An array with BPF_F_MMAPABLE, or an arena. It outlives the map's descriptor. Once it is closed, reads and writes are
 * EBADF, and `bytes` that somebody kept are zeros: nothing crashes the process.
 */
export class MapView {
  readonly #memory: MapMemory;
  readonly #shape: MapShape;
  /** Bytes from one value to the next. */
  readonly stride: number;

  constructor(memory: MapMemory, shape: MapShape) {
    this.#memory = memory;
    this.#shape = shape;
    this.stride = alignUp(shape.valueSize, 8);
  }

  /** Bytes of it all. */
  get size(): number {
    return this.#memory.size;
  }

  /** Whether writes reach the map; not so for frozen maps. */
  get writable(): boolean {
    return this.#memory.writable;
  }

  /** The memory itself. Ask again after every `await` rather than keep it: a kernel's memory may move. */
  bytes(): Uint8Array {
    return this.#memory.bytes();
  }

  /** The value at an index, as a plain value. RangeError past the last. */
  get(index: number): BtfValue {
    return decodePlain(this.#shape, 'value', this.#at(index).slice());
  }

  /** Writes a value at an index; programs see it at once. ERR_READ_ONLY where the map is frozen. */
  set(index: number, value: BtfValue): void {
    if (!this.writable) throw new SkepError('ERR_READ_ONLY', `the memory of '${this.#shape.name}' may only be read`);
    this.#at(index).set(encodePlain(this.#shape, 'value', value));
  }

  #at(index: number): Uint8Array {
    const { maxEntries, name, valueSize } = this.#shape;
    if (!Number.isInteger(index) || index < 0 || index >= maxEntries || this.stride === 0) {
      throw new RangeError(`'${name}' has no value ${index}: it has ${this.stride === 0 ? 0 : maxEntries}`);
    }
    return this.bytes().subarray(index * this.stride, index * this.stride + valueSize);
  }

  /** Unmaps it. Further calls do nothing. */
  close(): Promise<void> {
    return this.#memory.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
