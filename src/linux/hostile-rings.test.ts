/** Rings whose memory says what no kernel writes: a reader ends or waits, and neither spins nor reads past its mapping. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mapping, type System } from '../native/index.ts';
import { PERF_RECORD_LOST, PERF_RECORD_SAMPLE } from '../uapi/generated/constants.ts';
import { PerfBufferReader } from './perf-buffer.ts';
import { RingBufferReader } from './ring-buffer.ts';

const PAGE = 4096;
const SIZE = 4096;
const NO_PAGES = { unmap() {}, blank() {} };
/** Wakes that find nothing before a reader counts as spinning. */
const PATIENCE = 4;

/** A machine whose mappings are these buffers, by their offset; `isReadable` answers for every descriptor. */
function machine(buffers: ReadonlyMap<number, ArrayBuffer>, isReadable: () => boolean): System & { wakes: number } {
  const system = {
    wakes: 0,
    pageSize: PAGE,
    call: () => 5,
    bpf: () => 0,
    addressOf: () => 0,
    map: (_fd: number, _length: number, offset: number) => new Mapping(buffers.get(offset)!, NO_PAGES),
    onReadable(_fd: number, callback: () => void) {
      const timer = isReadable()
        ? setImmediate(() => {
            system.wakes++;
            callback();
          })
        : undefined;
      return () => clearImmediate(timer);
    },
  };
  return system;
}

/** All records that come without another producer; closes the reader when it only waits. */
async function drain(
  reader: { read(): Promise<readonly object[]>; close(): Promise<void> },
  system: { wakes: number },
): Promise<{ records: number; spun: boolean }> {
  let records = 0;
  for (let round = 0; round < 20; round++) {
    const before = system.wakes;
    let waited = false;
    const watch = setTimeout(() => {
      waited = true;
      void reader.close();
    }, 15);
    const batch = await reader.read();
    clearTimeout(watch);
    if (system.wakes - before > PATIENCE) return { records, spun: true };
    if (waited || batch.length === 0) break;
    records += batch.length;
  }
  await reader.close();
  return { records, spun: false };
}

const position = fc.oneof(
  fc.nat(3 * SIZE),
  fc.nat(SIZE / 8).map((n) => n * 8),
  fc.constantFrom(2 ** 31, 2 ** 32 + 5, 2 ** 52),
);
const words = fc.array(
  fc.tuple(
    fc.nat(SIZE / 4 - 1),
    fc.oneof(
      fc.nat(64),
      fc.constantFrom(0x80000000, 0x40000008, 0xffffffff, 0x3fffffff, PERF_RECORD_SAMPLE, PERF_RECORD_LOST),
      fc.nat(0xffffffff),
    ),
  ),
  { maxLength: 30 },
);

describe('hostile rings', () => {
  it('of ring buffer maps', async () => {
    await fc.assert(
      fc.asyncProperty(position, position, words, async (consumed, produced, contents) => {
        const consumer = new ArrayBuffer(PAGE);
        const producer = new ArrayBuffer(PAGE + 2 * SIZE);
        const at = (buffer: ArrayBuffer) => new BigUint64Array(buffer, 0, 1);
        at(consumer)[0] = BigInt(consumed);
        at(producer)[0] = BigInt(produced);
        const data = new Uint32Array(producer, PAGE, (2 * SIZE) / 4);
        for (const [index, word] of contents) data[index] = word;
        data.copyWithin(SIZE / 4, 0, SIZE / 4);
        const buffers = new Map([
          [0, consumer],
          [PAGE, producer],
        ]);
        const system = machine(buffers, () => at(consumer)[0] !== at(producer)[0]);
        const { records, spun } = await drain(new RingBufferReader(system, 3, SIZE), system);
        expect(spun).toBe(false);
        expect(records).toBeLessThanOrEqual(SIZE / 8);
      }),
      { numRuns: 150 },
    );
  });

  it('of perf buffers', async () => {
    await fc.assert(
      fc.asyncProperty(position, position, words, async (tail, head, contents) => {
        const ring = new ArrayBuffer(PAGE + SIZE);
        const positions = new BigUint64Array(ring, 1024, 2);
        positions.set([BigInt(head), BigInt(tail)]);
        const data = new Uint32Array(ring, PAGE, SIZE / 4);
        for (const [index, word] of contents) data[index] = word;
        const system = machine(new Map([[0, ring]]), () => positions[0] !== positions[1]);
        const slots = { put: async () => {}, take: async () => {} };
        const { records, spun } = await drain(await PerfBufferReader.open(system, [0], 1, slots), system);
        expect(spun).toBe(false);
        expect(records).toBeLessThanOrEqual(SIZE / 8);
      }),
      // a header that would lie across the ring's end
      { numRuns: 150, examples: [[12281, 12282, []]] },
    );
  });
});
