/**
 * The reading end of a BPF_MAP_TYPE_PERF_EVENT_ARRAY map: a perf event per CPU, each with a ring of its own, in the
 * slots that bpf_perf_event_output with BPF_F_CURRENT_CPU writes to (perf_event_open(2)).
 *
 * A ring is a control page and 2^n pages of data. Records carry `type:32 misc:16 size:16`; a sample is `size:32` and
 * the program's bytes, padded.
 */
import { concat, view } from '../base/bytes.ts';
import { BpfError } from '../base/errors.ts';
import type { Mapping, System } from '../native/index.ts';
import type { EventReader, EventRecord } from '../sys/index.ts';
import {
  PERF_COUNT_SW_BPF_OUTPUT,
  PERF_RECORD_LOST,
  PERF_RECORD_SAMPLE,
  PERF_SAMPLE_RAW,
  PERF_TYPE_SOFTWARE,
} from '../uapi/generated/constants.ts';
import { openPerfEvent, PERF_EVENT_IOC_ENABLE } from './perf-event.ts';
import { Waiter } from './waiter.ts';

/** Offsets in struct perf_event_mmap_page. */
const DATA_HEAD = 1024;
const DATA_TAIL = 1032;
const HEADER = 8;
/** Records begin at multiples of it, and take multiples of it. */
const ALIGNMENT = 8;

/** The slots of the map, by CPU. The map holds the event that is in one, so what was put is to be taken. */
export interface PerfSlots {
  put(cpu: number, fd: number): Promise<void>;
  take(cpu: number): Promise<void>;
}

export class PerfBufferReader implements EventReader {
  private readonly rings: readonly Ring[];
  private readonly slots: PerfSlots;
  private readonly waiter: Waiter;

  /** Opens an event for each CPU. Half-made state is taken back. */
  static async open(
    system: System,
    cpus: readonly number[],
    pages: number,
    slots: PerfSlots,
  ): Promise<PerfBufferReader> {
    const rings: Ring[] = [];
    const reader = (): PerfBufferReader => new PerfBufferReader(system, rings, slots);
    try {
      for (const cpu of cpus) {
        const ring = new Ring(system, cpu, system.pageSize, pages);
        rings.push(ring);
        await slots.put(cpu, ring.fd);
        ring.enable();
      }
    } catch (e) {
      await reader().close();
      throw e;
    }
    return reader();
  }

  private constructor(system: System, rings: readonly Ring[], slots: PerfSlots) {
    this.rings = rings;
    this.slots = slots;
    this.waiter = new Waiter(
      system,
      rings.map((r) => r.fd),
    );
  }

  async read(): Promise<EventRecord[]> {
    for (;;) {
      if (this.waiter.closed) return [];
      const records: EventRecord[] = [];
      for (const ring of this.rings) ring.take(records);
      if (records.length > 0) {
        await this.waiter.breathe();
        return records;
      }
      await this.waiter.readable();
    }
  }

  async close(): Promise<void> {
    if (this.waiter.closed) return;
    this.waiter.close();
    for (const ring of this.rings) {
      await this.slots.take(ring.cpu);
      ring.close();
    }
  }
}

class Ring {
  readonly fd: number;
  private readonly system: System;
  readonly cpu: number;
  private readonly page: number;
  private readonly size: number;
  private readonly mapping: Mapping;

  constructor(system: System, cpu: number, page: number, pages: number) {
    this.system = system;
    this.cpu = cpu;
    this.page = page;
    this.size = page * pages;
    this.fd = openPerfEvent(system, {
      type: PERF_TYPE_SOFTWARE,
      config: BigInt(PERF_COUNT_SW_BPF_OUTPUT),
      sampleType: PERF_SAMPLE_RAW,
      samplePeriod: 1n,
      wakeupEvents: 1,
      pid: -1,
      cpu,
    });
    const mapping = system.map(this.fd, page + this.size, 0, true);
    if (typeof mapping === 'number') {
      system.call('close', this.fd);
      throw new BpfError(
        'mmap',
        mapping,
        `a perf buffer of ${pages} pages cannot be mapped; fewer pages, or ulimit -l`,
      );
    }
    this.mapping = mapping;
  }

  enable(): void {
    const r = this.system.call('ioctl', this.fd, PERF_EVENT_IOC_ENABLE, 0);
    if (r < 0) throw new BpfError('PERF_EVENT_IOC_ENABLE', r);
  }

  take(out: EventRecord[]): void {
    const head = this.mapping.acquireU64(DATA_HEAD);
    let tail = this.mapping.acquireU64(DATA_TAIL);
    // What lies further back is written over; nothing comes from the future, and nothing begins between multiples of 8.
    if (tail > head || head - tail > this.size || tail % ALIGNMENT !== 0) tail = head;
    while (tail < head) {
      // So a header never wraps around.
      const at = this.page + (tail % this.size);
      const type = this.mapping.u32(at);
      const size = this.mapping.u16(at + 6);
      if (size < HEADER || size % ALIGNMENT !== 0 || tail + size > head) {
        // Somebody wrote over it: what is there cannot be told apart any more.
        tail = head;
        break;
      }
      if (type === PERF_RECORD_SAMPLE) {
        const length = view(this.bytes(tail + HEADER, 4)).getUint32(0, true);
        out.push({ data: this.bytes(tail + HEADER + 4, Math.min(length, size - HEADER - 4)), cpu: this.cpu });
      } else if (type === PERF_RECORD_LOST) {
        // id:64 lost:64
        out.push({ lost: Number(view(this.bytes(tail + HEADER + 8, 8)).getBigUint64(0, true)), cpu: this.cpu });
      }
      tail += size;
    }
    this.mapping.releaseU64(DATA_TAIL, tail);
  }

  /** A copy of ring bytes from a position that counts up for ever. */
  private bytes(position: number, size: number): Uint8Array {
    const at = position % this.size;
    const first = Math.min(size, this.size - at);
    const begin = this.mapping.read(this.page + at, first);
    return first === size ? begin : concat([begin, this.mapping.read(this.page, size - first)]);
  }

  close(): void {
    this.mapping.close();
    this.system.call('close', this.fd);
  }
}
