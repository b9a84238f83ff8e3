/**
 * The reading end of a BPF_MAP_TYPE_RINGBUF map (bpf(2); Documentation/bpf/ringbuf.rst of Linux 6.18).
 *
 *   page 0: consumer position, ours to write     page 1: producer position     then the data, mapped twice in a row,
 * so that a record that wraps around is one piece all the same. A record is `length:32 page:32` and its bytes, rounded
 * up to 8; the top bits of length say that it is still being written, or was thrown away.
 */
import { ENOMEM } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import type { Mapping, System } from '../native/index.ts';
import type { EventReader, EventRecord } from '../sys/index.ts';
import { Waiter } from './waiter.ts';

const BUSY = 0x80000000;
const DISCARDED = 0x40000000;
const HEADER = 8;
/** Records that one read answers at most, so that a reader's memory stays bounded. */
const BATCH = 4096;
/** How long a reader sleeps that was woken for nothing. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 32;

export class RingBufferReader implements EventReader {
  private readonly consumer: Mapping;
  private readonly producer: Mapping;
  private readonly mask: number;
  private readonly page: number;
  private readonly waiter: Waiter;
  private position: number;

  /** `size` is the map's max_entries; `fd` stays the caller's, but is watched until `close`. */
  constructor(system: System, fd: number, size: number) {
    const page = system.pageSize;
    this.page = page;
    this.mask = size - 1;
    this.consumer = mapRing(system, fd, page, 0, true);
    try {
      this.producer = mapRing(system, fd, page + 2 * size, page, false);
    } catch (e) {
      this.consumer.close();
      throw e;
    }
    this.position = this.begin();
    this.waiter = new Waiter(system, [fd]);
  }

  async read(): Promise<EventRecord[]> {
    // While a record is being written the descriptor is readable, and there is nothing to be read.
    for (let pause = FIRST_PAUSE_MS, woken = false; ; woken = true) {
      if (this.waiter.closed) return [];
      const records = this.take();
      if (records.length > 0) {
        await this.waiter.breathe();
        return records;
      }
      if (woken) {
        await this.waiter.pause(pause);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
      await this.waiter.readable();
    }
  }

  /**
   * Where the reader before us stopped. Whoever has the map may write that position: one at which no record can begin
   * would never be reached, and the descriptor would be readable for ever.
   */
  private begin(): number {
    const end = this.producer.acquireU64(0);
    const position = this.consumer.acquireU64(0);
    const possible = position % 8 === 0 && position <= end && end - position <= this.mask + 1;
    return possible ? position : end;
  }

  private take(): EventRecord[] {
    const records: EventRecord[] = [];
    const end = this.producer.acquireU64(0);
    while (this.position < end && records.length < BATCH) {
      const at = this.page + (this.position & this.mask);
      const header = this.producer.acquireU32(at);
      if (header & BUSY) break;
      const size = header & ~(BUSY | DISCARDED);
      const next = this.position + ((size + HEADER + 7) & ~7);
      if (next > end) {
        // No record begins here: the position was another record's middle. The next one begins at the end.
        this.position = end;
        break;
      }
      if (!(header & DISCARDED)) records.push({ data: this.producer.read(at + HEADER, size), cpu: -1 });
      this.position = next;
    }
    this.consumer.releaseU64(0, this.position);
    return records;
  }

  async close(): Promise<void> {
    this.waiter.close();
    this.consumer.close();
    this.producer.close();
  }
}

/** A part of a ring, or the error that says what is in the way. */
export function mapRing(system: System, fd: number, length: number, offset: number, writable: boolean): Mapping {
  const mapping = system.map(fd, length, offset, writable);
  if (typeof mapping !== 'number') return mapping;
  const hint = -mapping === ENOMEM ? ': raise ulimit -l' : '';
  throw new BpfError('mmap', mapping, `the ring buffer cannot be mapped${hint}`);
}
