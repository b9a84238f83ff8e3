/**
 * The writing end of a BPF_MAP_TYPE_USER_RINGBUF map (Linux 6.1): the ring of ring-buffer.ts with the sides exchanged.
 *
 *   page 0: consumer position, the kernel's     page 1: producer position, ours     then the data, mapped twice in a row
 *
 * A record is there for bpf_user_ringbuf_drain once the producer position is past it.
 */
import { E2BIG, EBADF } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import type { Mapping, System } from '../native/index.ts';
import type { EventWriter } from '../sys/index.ts';
import { mapRing } from './ring-buffer.ts';

const HEADER = 8;
/**
 * How long a writer without room sleeps between looks. The descriptor cannot be waited for: it is writable as soon as
 * there is room for one byte.
 */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 32;

export class UserRingBufferWriter implements EventWriter {
  readonly largest: number;
  private readonly consumer: Mapping;
  private readonly producer: Mapping;
  private readonly size: number;
  private readonly page: number;
  private position: number;
  private closed = false;
  private wake: (() => void) | undefined;

  /** `size` is the map's max_entries. */
  constructor(system: System, fd: number, size: number) {
    const page = system.pageSize;
    this.size = size;
    this.page = page;
    this.largest = size - HEADER;
    this.consumer = mapRing(system, fd, page, 0, false);
    try {
      this.producer = mapRing(system, fd, page + 2 * size, page, true);
    } catch (e) {
      this.consumer.close();
      throw e;
    }
    this.position = this.producer.acquireU64(0);
  }

  tryWrite(record: Uint8Array): boolean {
    if (this.closed) throw new BpfError('user ring buffer', EBADF, 'the writer was closed');
    if (record.length > this.largest) {
      throw new BpfError('user ring buffer', E2BIG, `${record.length} bytes, ${this.largest} at most`);
    }
    const whole = (record.length + HEADER + 7) & ~7;
    if (this.position + whole - this.consumer.acquireU64(0) > this.size) return false;
    const at = this.page + (this.position & (this.size - 1));
    this.producer.write(at + HEADER, record);
    this.producer.releaseU32(at, record.length);
    this.producer.releaseU32(at + 4, 0);
    this.position += whole;
    this.producer.releaseU64(0, this.position);
    return true;
  }

  async write(record: Uint8Array): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; !this.tryWrite(record); pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wake?.();
    this.consumer.close();
    this.producer.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
