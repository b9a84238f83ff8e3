/**
 * BPF_MAP_TYPE_PERF_EVENT_ARRAY: where bpf_perf_event_output sends records, one perf buffer per slot.
 *
 * Slots are filled with perf event descriptors by user space, or with sinks by a kernel that reads for its client.
 */
import { alignUp } from '../base/bytes.ts';
import { E2BIG, ENOENT, ENOSPC, EOPNOTSUPP } from '../base/errno.ts';
import { BPF_F_PRESERVE_ELEMS } from '../uapi/generated/constants.ts';
import { orNull } from './base-map.ts';
import type { MapType, PerfSink } from './map.ts';
import { checkObjectArray, ObjectArray } from './object-array.ts';

export const perfEventArray: MapType = {
  check: (def) => checkObjectArray(def, BPF_F_PRESERVE_ELEMS),
  create: (def, env) => orNull(() => new PerfEventArrayMap(def, env)),
};

export class PerfEventArrayMap extends ObjectArray {
  protected readonly kind = 'perf_event';

  /**
   * Sends a record of the current CPU to the buffer in slot `index`, and wakes its reader.
   * -E2BIG past the end, -ENOENT for an empty slot, -EOPNOTSUPP for a counter or another CPU's event, -ENOSPC when
   * the buffer is full.
   */
  output(index: number, data: Uint8Array): number {
    if (index >= this.def.maxEntries) return -E2BIG;
    const object = this.objects.get(index);
    if (object === undefined) return -ENOENT;
    const sink = object.sink;
    if (sink === undefined || (sink.cpu !== -1 && sink.cpu !== this.env.currentCpu())) return -EOPNOTSUPP;
    const error = sink.write(data);
    this.env.notify(this);
    return error;
  }
}

/** struct perf_event_header; a PERF_RECORD_SAMPLE of raw data has a u32 size after it. */
const HEADER_SIZE = 8;

/**
 * The records of one CPU that wait for their reader: at most `capacity` bytes with what Linux puts around
 * each. What does not fit is counted, and the count is told with the records that do.
 */
export class PerfBuffer implements PerfSink {
  readonly cpu: number;
  readonly #capacity: number;
  #records: Uint8Array[] = [];
  #used = 0;
  #lost = 0;

  constructor(cpu: number, capacity: number) {
    this.cpu = cpu;
    this.#capacity = capacity;
  }

  write(data: Uint8Array): number {
    const size = alignUp(HEADER_SIZE + 4 + data.length, 8);
    if (this.#used + size > this.#capacity) {
      this.#lost++;
      return -ENOSPC;
    }
    this.#records.push(data.slice());
    this.#used += size;
    return 0;
  }

  /** What came since the last call, in order, and how many records found no room. */
  drain(): { records: Uint8Array[]; lost: number } {
    const drained = { records: this.#records, lost: this.#lost };
    this.#records = [];
    this.#used = 0;
    this.#lost = 0;
    return drained;
  }
}
