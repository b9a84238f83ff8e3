/** The records of a ring buffer or a perf buffer, as an async iterator: `for await (const record of ring)`. */
import type { EventReader } from '../sys/index.ts';

/** A record's bytes, and the CPU it came from (0 for ring buffers, which do not say). */
export interface RingRecord {
  readonly data: Uint8Array;
  readonly cpu: number;
}

export class BpfRingBuffer implements AsyncIterable<RingRecord> {
  readonly #reader: EventReader;
  #lost = 0;
  #open = true;

  constructor(reader: EventReader) {
    this.#reader = reader;
  }

  static async open(reader: Promise<EventReader>): Promise<BpfRingBuffer> {
    return new BpfRingBuffer(await reader);
  }

  /** Records that were dropped because nobody read in time, as far as the kernel told. */
  get lost(): number {
    return this.#lost;
  }

  /** The records that are there, at least one; waits for them. Empty: it was closed. */
  async read(): Promise<RingRecord[]> {
    for (;;) {
      if (!this.#open) return [];
      const events = await this.#reader.read();
      const records: RingRecord[] = [];
      for (const event of events) {
        if ('lost' in event) this.#lost += event.lost;
        else records.push(event);
      }
      // News of losses alone are no records; the end of the reader is.
      if (records.length > 0 || events.length === 0) return records;
    }
  }

  /** Not a generator, whose every step costs more than reading the record does. */
  [Symbol.asyncIterator](): AsyncIterator<RingRecord> {
    let records: RingRecord[] = [];
    let at = 0;
    const step = (): IteratorResult<RingRecord> => {
      const value = records[at++];
      return value === undefined ? { done: true, value } : { done: false, value };
    };
    const readOn = async (): Promise<IteratorResult<RingRecord>> => {
      records = await this.read();
      at = 0;
      return step();
    };
    return { next: () => (at < records.length ? Promise.resolve(step()) : readOn()) };
  }

  /** Ends the iteration. Records that were not read yet are gone. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#reader.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
