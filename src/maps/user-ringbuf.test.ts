import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapDef, TestMapEnv } from '../../test/support/map-env.ts';
import { BPF_MAP_TYPE_USER_RINGBUF } from '../uapi/generated/constants.ts';
import { createMap, UserRingBufferMap } from './index.ts';

const SIZE = 4096;

function ring(env: TestMapEnv): UserRingBufferMap {
  const map = createMap(mapDef(BPF_MAP_TYPE_USER_RINGBUF, 0, 0, SIZE), env);
  if (!(map instanceof UserRingBufferMap)) throw new Error(`no user ring buffer: ${String(map)}`);
  return map;
}

describe('a user ring buffer', () => {
  it('gives records back whole and in order, over many laps, and never more than fit', () => {
    const step = fc.oneof(
      fc.constant(null),
      fc.uint8Array({ maxLength: 700 }),
      fc.uint8Array({ minLength: 3000, maxLength: 4088 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const env = new TestMapEnv();
        const map = ring(env);
        const queue: Uint8Array[] = [];
        const used = () => queue.reduce((sum, { length }) => sum + ((length + 15) & ~7), 0);
        for (const record of steps) {
          if (record !== null) {
            const fits = used() + ((record.length + 15) & ~7) <= SIZE;
            expect(map.write(record)).toBe(fits);
            if (fits) queue.push(record);
            continue;
          }
          const oldest = map.oldest();
          const wanted = queue.shift();
          expect(oldest && Buffer.from(env.mem.read(oldest.addr, oldest.size)).toString('hex')).toBe(
            wanted && Buffer.from(wanted).toString('hex'),
          );
          if (oldest) map.consume();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('tells who waits for room when a record is done with', () => {
    const env = new TestMapEnv();
    const map = ring(env);
    expect(map.largest).toBe(SIZE - 8);
    expect(map.write(new Uint8Array(map.largest))).toBe(true);
    expect(map.write(new Uint8Array(0))).toBe(false);
    map.consume();
    expect(env.notified).toEqual([map]);
    expect(map.write(new Uint8Array(0))).toBe(true);
  });
});
