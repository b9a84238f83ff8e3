import { describe, expect, it } from 'vitest';
import type { EventReader, EventRecord } from '../sys/index.ts';
import { BpfRingBuffer } from './ring-buffer.ts';

/** A reader that answers a batch a call, and waits when there is none; like the real ones it can be asked once at a time. */
class Scripted implements EventReader {
  asked = 0;
  readonly #batches: EventRecord[][];
  #waiting: ((records: EventRecord[]) => void) | undefined;
  constructor(...batches: EventRecord[][]) {
    this.#batches = batches;
  }
  async read(): Promise<EventRecord[]> {
    this.asked++;
    expect(this.#waiting).toBeUndefined();
    await Promise.resolve();
    return this.#batches.shift() ?? new Promise((resolve) => (this.#waiting = resolve));
  }
  send(...records: EventRecord[]): void {
    this.#waiting?.(records);
    this.#waiting = undefined;
  }
  async close(): Promise<void> {
    this.#waiting?.([]);
  }
}

const record = (n: number): EventRecord => ({ data: Uint8Array.of(n), cpu: 0 });
const numbers = (records: readonly { data: Uint8Array }[]) => records.map(({ data }) => data[0]);

describe('the records of a buffer', () => {
  it('that an iteration left behind are there for the next one, and for read', async () => {
    const ring = new BpfRingBuffer(new Scripted([record(1), record(2), record(3), record(4)]));
    const seen: unknown[] = [];
    for await (const { data } of ring) if (seen.push(data[0]) === 1) break;
    for await (const { data } of ring) if (seen.push(data[0]) === 2) break;
    expect([seen, numbers(await ring.read())]).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await ring.close();
  });

  it('are waited for no longer than a signal says, and what comes later is not lost', async () => {
    const reader = new Scripted([record(1)]);
    const ring = new BpfRingBuffer(reader);
    expect(numbers(await ring.read({ signal: AbortSignal.timeout(10_000) }))).toEqual([1]);
    const stop = new AbortController();
    const waiting = ring.read({ signal: stop.signal });
    await expect.poll(() => reader.asked).toBe(2);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(ring.read({ signal: stop.signal })).rejects.toThrow('enough');
    const next = ring.read();
    reader.send(record(2), record(3));
    expect(numbers(await next)).toEqual([2, 3]);
    await ring.close();
  });

  it('go to one of several readers each, in order', async () => {
    const reader = new Scripted([record(1), record(2), record(3)], [record(4)]);
    const ring = new BpfRingBuffer(reader);
    const seen: number[] = [];
    const loop = async () => {
      for await (const { data } of ring) seen.push(data[0]!);
    };
    const loops = [loop(), loop(), loop()];
    await expect.poll(() => seen.length).toBe(4);
    reader.send(record(5), record(6));
    await expect.poll(() => seen.length).toBe(6);
    await ring.close();
    await Promise.all(loops);
    expect(seen.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('are not asked for before somebody wants them', async () => {
    const reader = new Scripted([record(1), record(2)], [record(3)]);
    const ring = new BpfRingBuffer(reader);
    const iterator = ring[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    expect(reader.asked).toBe(1);
    await iterator.next();
    expect(reader.asked).toBe(2);
    await ring.close();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('count what was lost, and end where the buffer is closed in the middle', async () => {
    const reader = new Scripted([{ lost: 3, cpu: 1 }, record(1)], [{ lost: 2, cpu: 0 }], [record(2), record(3)]);
    const ring = new BpfRingBuffer(reader);
    const seen: unknown[] = [];
    for await (const { data } of ring) {
      seen.push(data[0]);
      if (data[0] === 2) await ring.close();
    }
    expect([seen, ring.lost]).toEqual([[1, 2], 5]);
    expect(await ring.read()).toEqual([]);
  });

  it('are an error for everybody who waits when the reader fails, and read on afterwards', async () => {
    let fail = true;
    const failing: EventReader = {
      read: async () => {
        if (fail) throw new Error('no');
        return [record(1)];
      },
      close: async () => {},
    };
    const ring = new BpfRingBuffer(failing);
    const both = await Promise.allSettled([ring.read(), ring.read()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fail = false;
    expect(numbers(await ring.read())).toEqual([1]);
  });
});
