/**
 * The reading end of a BPF_MAP_TYPE_PERF_EVENT_ARRAY map: a perf event per CPU, each with a ring of its own, in the
 * slots that bpf_perf_event_output with BPF_F_CURRENT_CPU writes to (perf_event_open(2)).
 *
 * A ring is a control page and 2^n pages of data. Records carry `type:32 misc:16 size:16`; a sample is `size:32` and
 * the program's bytes, padded.
 */
import { concat } from '../base/bytes.ts';
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

export class PerfBufferReader implements EventReader {
  private readonly rings: readonly Ring[];
  private readonly system: System;
  private readonly waiter: Waiter;

  /** Opens an event for each CPU; `put` stores its descriptor in the map. Half-made state is taken back. */
  static async open(
    system: System,
    cpus: readonly number[],
    page: number,
    pages: number,
    put: (cpu: number, fd: number) => Promise<void>,
  ): Promise<PerfBufferReader> {
    const rings: Ring[] = [];
    try {
      for (const cpu of cpus) {
        const ring = new Ring(system, cpu, page, pages);
        rings.push(ring);
        await put(cpu, ring.fd);
        ring.enable();
      }
    } catch (e) {
      for (const ring of rings) ring.close();
      throw e;
    }
    return new PerfBufferReader(system, rings);
  }

  private constructor(system: System, rings: readonly Ring[]) {
    this.system = system;
    this.rings = rings;
    this.waiter = new Waiter(
      this.system,
      rings.map((r) => r.fd),
    );
  }

  async read(): Promise<EventRecord[]> {
    for (;;) {
      if (this.waiter.closed) return [];
      const records: EventRecord[] = [];
      for (const ring of this.rings) ring.take(records);
      if (records.length > 0) return records;
      await this.waiter.readable();
    }
  }

  async close(): Promise<void> {
    this.waiter.close();
    for (const ring of this.rings) ring.close();
  }
}

class Ring {
  readonly fd: number;
  private readonly system: System;
  private readonly cpu: number;
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
    while (tail < head) {
      const header = this.bytes(tail, HEADER);
      const view = new DataView(header.buffer);
      const type = view.getUint32(0, true);
      const size = view.getUint16(6, true);
      if (size < HEADER) break;
      const body = this.bytes(tail + HEADER, size - HEADER);
      const fields = new DataView(body.buffer);
      if (type === PERF_RECORD_SAMPLE)
        out.push({ data: body.subarray(4, 4 + fields.getUint32(0, true)), cpu: this.cpu });
      else if (type === PERF_RECORD_LOST) out.push({ lost: Number(fields.getBigUint64(8, true)), cpu: this.cpu });
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
