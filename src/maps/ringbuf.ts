/**
 * BPF_MAP_TYPE_RINGBUF: records of any size, written by programs on any CPU, read by one consumer.
 *
 * The memory is laid out as in Linux, where user space maps it from page 1 on:
 *
 *     page 0        the kernel's own: u32 address of the map
 *     page 1        consumer position, u64
 *     page 2        producer position, u64
 *     page 3 …      the data, twice max_entries bytes
 *
 * Positions count bytes and never wrap; a position's place is `position & (size - 1)`. A record is
 *
 *     +0 u32 length of the data | BUSY | DISCARD   +4 u32 pages from page 0 to here   +8 data, padded to 8
 *
 * In Linux the second half of the data is the same pages again, so a record that crosses the end is contiguous. Here
 * it is memory of its own: such a record runs over into it, and when it is committed its tail is copied to the
 * beginning, where the ring has it.
 *
 * Linux: kernel/bpf/ringbuf.c.
 */
import { alignUp } from '../base/bytes.ts';
import { EAGAIN, EINVAL, ENOTSUPP } from '../base/errno.ts';
import { RING_CONSUMER, RING_DATA, RING_LENGTH_MASK, RING_PAGE, RING_PRODUCER } from '../base/map-storage.ts';
import type { Addr, Memory } from '../base/memory.ts';
import {
  BPF_F_NUMA_NODE,
  BPF_RB_AVAIL_DATA,
  BPF_RB_CONS_POS,
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  BPF_RB_PROD_POS,
  BPF_RB_RING_SIZE,
  BPF_RINGBUF_BUSY_BIT,
  BPF_RINGBUF_DISCARD_BIT,
  BPF_RINGBUF_HDR_SZ,
} from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { flagsAllowed } from './flags.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';
import { copyBytes } from './values.ts';

/** What the high half of a position counts. */
const HIGH = 2 ** 32;
/** The largest record that Linux considers. */
const MAX_RECORD = RING_LENGTH_MASK;

export const ringbuf: MapType = {
  check: checkRing,
  create: (def, env) => orNull(() => new RingBufferMap(def, env)),
};

/** The rules of both ring buffers: no key, no value, a power of two of whole pages. */
export function checkRing(def: MapDef): number {
  if (!flagsAllowed(def, BPF_F_NUMA_NODE)) return -EINVAL;
  const { keySize, valueSize, maxEntries } = def;
  const powerOfTwo = maxEntries !== 0 && (maxEntries & (maxEntries - 1)) === 0;
  if (keySize !== 0 || valueSize !== 0 || !powerOfTwo || maxEntries % RING_PAGE !== 0) return -EINVAL;
  return 0;
}

/** The address of the ring buffer map that a reserved record belongs to: submit and discard get nothing else. */
export function ringOfRecord(mem: Memory, data: Addr): Addr {
  const record = data - BPF_RINGBUF_HDR_SZ;
  const page0 = record - (record % RING_PAGE) - mem.u32(record + 4) * RING_PAGE;
  return mem.u32(page0);
}

export class RingBufferMap extends BaseMap {
  /** Where page 0 is. */
  readonly pages: Addr;
  readonly #data: Addr;
  readonly #size: number;

  constructor(def: MapDef, env: MapEnv) {
    super(def, env);
    this.#size = def.maxEntries;
    this.pages = this.allocate(RING_DATA + 2 * this.#size, RING_PAGE);
    this.#data = this.pages + RING_DATA;
    this.mem.setU32(this.pages, this.addr);
    this.setStorage(this.#data, 0);
  }

  /** The address of the data of a new record of `size` bytes, or 0 where there is no room. To be committed. */
  reserve(size: number): Addr {
    if (size > MAX_RECORD) return 0;
    const total = alignUp(size + BPF_RINGBUF_HDR_SZ, 8);
    // A position of producer may never come round to the consumer's: one full lap would look like none.
    const producer = this.#producer;
    if (producer + total - this.#consumer > this.#size - 1) return 0;
    const at = producer % this.#size;
    const record = this.#data + at;
    this.mem.setU32(record, (size | BPF_RINGBUF_BUSY_BIT) >>> 0);
    this.mem.setU32(record + 4, Math.floor((RING_DATA + at) / RING_PAGE));
    this.#setPosition(RING_PRODUCER, producer + total);
    return record + BPF_RINGBUF_HDR_SZ;
  }

  /** Ends the reservation at `data`: readers get the record, or pass over it when `discard`. */
  commit(data: Addr, discard: boolean, flags: number): void {
    const record = data - BPF_RINGBUF_HDR_SZ;
    const size = this.mem.u32(record) & RING_LENGTH_MASK;
    this.#mirror(record, alignUp(size + BPF_RINGBUF_HDR_SZ, 8));
    this.mem.setU32(record, discard ? (size | BPF_RINGBUF_DISCARD_BIT) >>> 0 : size);
    const isNext = record - this.#data === this.#consumer % this.#size;
    if ((flags & BPF_RB_FORCE_WAKEUP) !== 0 || (isNext && (flags & BPF_RB_NO_WAKEUP) === 0)) this.env.notify(this);
  }

  /** Copies what a record wrote past the end to where the ring has it. */
  #mirror(record: Addr, total: number): void {
    const past = record + total - (this.#data + this.#size);
    if (past > 0) this.mem.copy(this.#data, this.#data + this.#size, past);
  }

  /** Copies `size` bytes at `data` into a record: 0, -EINVAL for unknown flags, -EAGAIN where there is no room. */
  output(data: Addr, size: number, flags: number): number {
    if ((flags & ~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP)) !== 0) return -EINVAL;
    const to = this.reserve(size);
    if (to === 0) return -EAGAIN;
    copyBytes(this.mem, to, data, size);
    this.commit(to, false, flags);
    return 0;
  }

  /** bpf_ringbuf_query: 0 for what it does not know. */
  query(what: number): number {
    switch (what) {
      case BPF_RB_AVAIL_DATA:
        return this.#producer - this.#consumer;
      case BPF_RB_RING_SIZE:
        return this.#size;
      case BPF_RB_CONS_POS:
        return this.#consumer;
      case BPF_RB_PROD_POS:
        return this.#producer;
      default:
        return 0;
    }
  }

  /** Whether committed records wait for the consumer. */
  get hasData(): boolean {
    return this.#consumer < this.#producer && (this.mem.u32(this.#next()) & BPF_RINGBUF_BUSY_BIT) === 0;
  }

  /** Takes every committed record, in order, up to the first that is still being written. */
  drain(): Uint8Array[] {
    const records: Uint8Array[] = [];
    while (this.hasData) {
      const record = this.#next();
      const header = this.mem.u32(record);
      const size = header & RING_LENGTH_MASK;
      if ((header & BPF_RINGBUF_DISCARD_BIT) === 0) records.push(this.mem.read(record + BPF_RINGBUF_HDR_SZ, size));
      this.#setPosition(RING_CONSUMER, this.#consumer + alignUp(size + BPF_RINGBUF_HDR_SZ, 8));
    }
    return records;
  }

  /** Positions count bytes, and no ring lives to see 2^53 of them. */
  get #producer(): number {
    return this.#position(RING_PRODUCER);
  }
  get #consumer(): number {
    return this.#position(RING_CONSUMER);
  }
  #position(of: number): number {
    const at = this.pages + of;
    return this.mem.u32(at) + this.mem.u32(at + 4) * HIGH;
  }
  #setPosition(of: number, bytes: number): void {
    this.mem.setLoHi(this.pages + of, bytes, Math.floor(bytes / HIGH));
  }

  #next(): Addr {
    return this.#data + (this.#consumer % this.#size);
  }

  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ENOTSUPP;
  }
  override delete(_key: Addr): number {
    return -ENOTSUPP;
  }
}
