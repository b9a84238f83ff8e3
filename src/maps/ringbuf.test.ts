import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapDef, TestMapEnv } from '../../test/support/map-env.ts';
import { EAGAIN, EINVAL } from '../base/errno.ts';
import * as abi from '../uapi/generated/constants.ts';
import { createMap } from './registry.ts';
import { RingBufferMap, ringOfRecord } from './ringbuf.ts';

function ring(size = 4096): { ring: RingBufferMap; env: TestMapEnv } {
  const env = new TestMapEnv();
  const map = createMap(mapDef(abi.BPF_MAP_TYPE_RINGBUF, 0, 0, size), env);
  if (!(map instanceof RingBufferMap)) throw new Error(`creating answers ${map}`);
  return { ring: map, env };
}

/** Reserves, fills and submits. */
function send(to: { ring: RingBufferMap; env: TestMapEnv }, data: Uint8Array, flags = 0): boolean {
  const at = to.ring.reserve(data.length);
  if (at === 0) return false;
  to.env.mem.write(at, data);
  to.ring.commit(at, false, flags);
  return true;
}

describe('a ring buffer', () => {
  test('gives records in order, and not those that were discarded', () => {
    const to = ring();
    send(to, Uint8Array.of(1, 2, 3));
    to.ring.commit(to.ring.reserve(100), true, 0);
    send(to, new Uint8Array());
    send(to, Uint8Array.of(4));
    expect(to.ring.drain()).toEqual([Uint8Array.of(1, 2, 3), new Uint8Array(), Uint8Array.of(4)]);
    expect(to.ring.drain()).toEqual([]);
    expect(to.ring.query(abi.BPF_RB_AVAIL_DATA)).toBe(0);
    expect(to.ring.query(abi.BPF_RB_PROD_POS)).toBe(16 + 112 + 8 + 16);
  });

  test('stops at a record that is still being written', () => {
    const to = ring();
    const first = to.ring.reserve(8);
    send(to, Uint8Array.of(2));
    expect(to.ring.hasData).toBe(false);
    expect(to.ring.drain()).toEqual([]);
    to.ring.commit(first, false, 0);
    expect(to.ring.drain()).toHaveLength(2);
  });

  test('is full before its positions meet', () => {
    const to = ring();
    expect(to.ring.reserve(4096 - 8)).toBe(0);
    expect(to.ring.reserve(4096 - 16)).not.toBe(0);
    expect(to.ring.reserve(1)).toBe(0);
    expect(to.ring.output(0, 1, 0)).toBe(-EAGAIN);
    expect(to.ring.output(0, 1, 4)).toBe(-EINVAL);
    expect(to.ring.reserve(2 ** 32)).toBe(0);
  });

  test('wakes its reader for the record it waits for, unless told otherwise', () => {
    const to = ring();
    send(to, Uint8Array.of(1));
    expect(to.env.notified).toHaveLength(1);
    send(to, Uint8Array.of(2));
    expect(to.env.notified).toHaveLength(1);
    send(to, Uint8Array.of(2), abi.BPF_RB_FORCE_WAKEUP);
    expect(to.env.notified).toHaveLength(2);
    to.ring.drain();
    send(to, Uint8Array.of(3), abi.BPF_RB_NO_WAKEUP);
    expect(to.env.notified).toHaveLength(2);
  });

  test('has the header and the positions where Linux has them', () => {
    const { ring: map, env } = ring(8192);
    map.commit(map.reserve(5000), true, 0);
    map.drain();
    const at = map.reserve(20);
    expect(env.mem.u32(at - 8)).toBe((20 | abi.BPF_RINGBUF_BUSY_BIT) >>> 0);
    expect(env.mem.u32(at - 4)).toBe(4);
    expect(ringOfRecord(env.mem, at)).toBe(map.addr);
    map.commit(at, true, 0);
    expect(env.mem.u32(at - 8)).toBe(20 | abi.BPF_RINGBUF_DISCARD_BIT);
    expect(env.mem.u64(map.pages + 4096)).toBe(5008n);
    expect(env.mem.u64(map.pages + 2 * 4096)).toBe(5008n + 32n);
  });

  test('keeps every record whole over many laps', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 1500 }), fc.boolean()), { maxLength: 60 }), (steps) => {
        const to = ring();
        const sent: Uint8Array[] = [];
        const got: Uint8Array[] = [];
        for (const [data, drain] of steps) {
          if (send(to, data)) sent.push(data);
          if (drain) got.push(...to.ring.drain());
        }
        got.push(...to.ring.drain());
        expect(got).toEqual(sent);
      }),
      { numRuns: 100 },
    );
  });

  test('a record that crosses the end is found at the beginning too, where readers of the pages look', () => {
    const { ring: map, env } = ring();
    map.commit(map.reserve(4000), true, 0);
    map.drain();
    const at = map.reserve(200);
    env.mem.fill(at, 200, 0x5a);
    map.commit(at, false, 0);
    const data = map.pages + 3 * 4096;
    expect(env.mem.u8(data)).toBe(0x5a);
    expect(env.mem.u8(data + 4008 + 8 + 200 - 4096 - 1)).toBe(0x5a);
    expect(map.drain()).toEqual([new Uint8Array(200).fill(0x5a)]);
  });
});
