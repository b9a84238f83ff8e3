/** The records of a ring buffer or a perf buffer, as an async iterator: `for await (const record of ring)`. */
import { BtfError } from '../base/errors.ts';
import { type Btf, type BtfValue, decodeValue } from '../btf/index.ts';
import type { EventReader } from '../sys/index.ts';

export interface RingRecord {
  /** Its bytes. */
  readonly data: Uint8Array;
  /** The CPU it came from; 0 for ring buffers, which do not say. */
  readonly cpu: number;
}

export class BpfRingBuffer implements AsyncIterable<RingRecord> {
  readonly #reader: EventReader;
  readonly #btf: Btf | undefined;
  /** Read and not handed out yet, from `#at` on. */
  #records: RingRecord[] = [];
  #at = 0;
  /** The last read that somebody asked for. */
  #turn: Promise<unknown> = Promise.resolve();
  #lost = 0;
  #open = true;

  /** `btf` has the types of the records, for `values` and `decode`. */
  constructor(reader: EventReader, btf?: Btf) {
    this.#reader = reader;
    this.#btf = btf;
  }

  /** The records that a reader of `kernel.openRingBuffer` or `openPerfBuffer` gets. */
  static async open(reader: Promise<EventReader>, btf?: Btf): Promise<BpfRingBuffer> {
    return new BpfRingBuffer(await reader, btf);
  }

  /** Records that were dropped because nobody read in time, as far as the kernel told. */
  get lost(): number {
    return this.#lost;
  }

  /**
   * The records that are there, at least one; waits for them. Empty: it was closed. What an iteration left behind comes
   * first, and who asks while somebody waits comes after. `signal` ends the waiting (`AbortSignal.timeout(100)`): it rejects
   * with the signal's reason, and what comes later is for the next one.
   */
  read({ signal }: { readonly signal?: AbortSignal } = {}): Promise<RingRecord[]> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const turn = this.#turn.then(async () => {
      const records = signal?.aborted ? [] : await this.#next();
      if (!signal?.aborted) return records;
      this.#records = [...this.#records.slice(this.#at), ...records];
      this.#at = 0;
      return [];
    });
    this.#turn = turn.catch(() => []);
    return signal ? unlessAborted(turn, signal) : turn;
  }

  async #next(): Promise<RingRecord[]> {
    const left = this.#records.splice(0).slice(this.#at);
    this.#at = 0;
    if (left.length > 0) return left;
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

  /** Each record once, also where several iterate. Not a generator: its steps cost more than reading the record does. */
  [Symbol.asyncIterator](): AsyncIterator<RingRecord> {
    const readOn = async (): Promise<IteratorResult<RingRecord>> => {
      // Another iteration may have taken what this one had waited for.
      for (;;) {
        const value = this.#records[this.#at];
        if (value !== undefined) {
          this.#at++;
          return { done: false, value };
        }
        const records = await this.read();
        if (records.length === 0) return { done: true, value: undefined };
        const left = this.#records.slice(this.#at);
        this.#records = left.length === 0 ? records : [...left, ...records];
        this.#at = 0;
      }
    };
    return {
      next: () => {
        const value = this.#records[this.#at];
        if (value === undefined) return readOn();
        this.#at++;
        return Promise.resolve({ done: false, value });
      },
    };
  }

  /** The records as plain values: each is a `struct TYPE` of the object. BtfError where there is no such type. */
  async *values<T extends BtfValue = BtfValue>(type: string): AsyncGenerator<T> {
    for await (const { data } of this) yield this.decode<T>(type, data);
  }

  /** One record as a plain value. Bytes past the end of the type are left out. */
  decode<T extends BtfValue = BtfValue>(type: string, data: Uint8Array): T {
    const id = this.#btf?.find(type, 'struct') ?? 0;
    if (this.#btf === undefined || id === 0) {
      throw new BtfError(`there is no 'struct ${type}'${this.#btf ? '' : ': the map came without BTF'}`);
    }
    return decodeValue(this.#btf, id, data) as T;
  }

  /** Ends the iteration. Records that were not read yet are gone. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#records = [];
    this.#at = 0;
    await this.#reader.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The answer, or the signal's reason where that comes first. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
    const done = () => signal.removeEventListener('abort', abort);
    answer.then(resolve, reject).finally(done);
  });
}
