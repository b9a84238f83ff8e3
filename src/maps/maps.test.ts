import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapDef } from '../../test/support/map-env.ts';
import { everyMap, type KeyedShape, keyedMap, makeMap, visitableMap } from '../../test/support/map-suite.ts';
import { E2BIG, EEXIST, ENOENT } from '../base/errno.ts';
import * as abi from '../uapi/generated/constants.ts';
import type { MapDef } from './map.ts';

const u32 = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
const u64 = (n: number) => new Uint8Array(BigUint64Array.of(BigInt(n) * 0x0101010101n).buffer);
/** A value of 12 bytes, so that rounding to 8 shows. */
const twelve = (n: number) => Uint8Array.from({ length: 12 }, (_, i) => n * 16 + i);
/** What user space has of it on two CPUs. */
const twoCpus = (n: number) => {
  const out = new Uint8Array(32);
  out.set(twelve(n), 0);
  out.set(twelve(n + 5), 16);
  return out;
};
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

const HASH = mapDef(abi.BPF_MAP_TYPE_HASH, 5, 12, 20);
const hashKeys = range(20).map((n) => Uint8Array.of(n, 7, n * 3, 0, n >> 1));
const arrayKeys = range(20).map(u32);
/** Prefixes inside one another and apart. */
const prefixes = [
  [0, 0, 0, 0, 0],
  [8, 10, 0, 0, 0],
  [16, 10, 1, 0, 0],
  [24, 10, 1, 2, 0],
  [32, 10, 1, 2, 3],
  [16, 10, 2, 0, 0],
  [1, 128, 0, 0, 0],
  [32, 255, 255, 255, 255],
].map(([bits, ...data]) => Uint8Array.from([...u32(bits!), ...data]));

const SHAPES: Record<string, KeyedShape> = {
  hash: { def: HASH, keys: hashKeys, value: twelve },
  'hash without preallocation': { def: { ...HASH, flags: abi.BPF_F_NO_PREALLOC }, keys: hashKeys, value: twelve },
  lru_hash: { def: { ...HASH, type: abi.BPF_MAP_TYPE_LRU_HASH }, keys: hashKeys, value: twelve },
  percpu_hash: { def: { ...HASH, type: abi.BPF_MAP_TYPE_PERCPU_HASH }, keys: hashKeys, value: twoCpus },
  lru_percpu_hash: { def: { ...HASH, type: abi.BPF_MAP_TYPE_LRU_PERCPU_HASH }, keys: hashKeys, value: twoCpus },
  array: { def: mapDef(abi.BPF_MAP_TYPE_ARRAY, 4, 12, 20), keys: arrayKeys, value: twelve, fixed: true },
  percpu_array: { def: mapDef(abi.BPF_MAP_TYPE_PERCPU_ARRAY, 4, 12, 20), keys: arrayKeys, value: twoCpus, fixed: true },
};
const LPM: KeyedShape = {
  def: mapDef(abi.BPF_MAP_TYPE_LPM_TRIE, 8, 12, 20, { flags: abi.BPF_F_NO_PREALLOC }),
  keys: prefixes.slice(1).concat(prefixes.slice(0, 1)),
  value: twelve,
};

for (const [name, shape] of Object.entries(SHAPES)) {
  keyedMap(name, shape);
  visitableMap(name, shape);
}
/** The first key of the suite's deletions must not be covered by another prefix. */
keyedMap('lpm_trie', { ...LPM, keys: [prefixes[7]!, prefixes[5]!] });

const OTHERS: Record<string, MapDef> = {
  prog_array: mapDef(abi.BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 8),
  perf_event_array: mapDef(abi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 8),
  cgroup_array: mapDef(abi.BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 8),
  array_of_maps: mapDef(abi.BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 8, { inner: HASH }),
  hash_of_maps: mapDef(abi.BPF_MAP_TYPE_HASH_OF_MAPS, 8, 4, 8, { inner: HASH }),
  ringbuf: mapDef(abi.BPF_MAP_TYPE_RINGBUF, 0, 0, 4096),
  user_ringbuf: mapDef(abi.BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096),
  queue: mapDef(abi.BPF_MAP_TYPE_QUEUE, 0, 12, 3),
  stack: mapDef(abi.BPF_MAP_TYPE_STACK, 0, 12, 3),
  stack_trace: mapDef(abi.BPF_MAP_TYPE_STACK_TRACE, 4, 80, 16),
  bloom_filter: mapDef(abi.BPF_MAP_TYPE_BLOOM_FILTER, 0, 12, 100),
  task_storage: mapDef(abi.BPF_MAP_TYPE_TASK_STORAGE, 4, 12, 0, { flags: abi.BPF_F_NO_PREALLOC, hasBtf: true }),
  devmap: mapDef(abi.BPF_MAP_TYPE_DEVMAP, 4, 4, 8),
  sockhash: mapDef(abi.BPF_MAP_TYPE_SOCKHASH, 8, 4, 8),
};
for (const [name, def] of Object.entries({ lpm_trie: LPM.def, ...OTHERS })) everyMap(name, def);

/** An operation on one of a few keys, so that they meet. */
const operations = fc.array(
  fc.record({
    what: fc.constantFrom('write', 'write', 'write', 'read', 'delete', 'take', 'walk'),
    key: fc.nat(11),
    value: fc.nat(200),
    flags: fc.constantFrom(0n, 0n, 1n, 2n),
  }),
  { maxLength: 200, size: 'max' },
);

describe('a hash map against a JavaScript Map', () => {
  for (const flags of [0, abi.BPF_F_NO_PREALLOC]) {
    test(`does the same whatever is asked of it, flags ${flags}`, () => {
      const size = 8;
      fc.assert(
        fc.property(operations, (ops) => {
          const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_HASH, 8, 8, size, { flags }));
          const model = new Map<number, number>();
          for (const { what, key, value, flags: how } of ops) {
            const there = model.get(key);
            const expected = there === undefined ? -ENOENT : u64(there);
            if (what === 'read') expect(map.readElem(u64(key), 0n)).toEqual(expected);
            if (what === 'take') expect(map.takeElem(u64(key), 0n)).toEqual(expected);
            if (what === 'delete') expect(map.deleteElem(u64(key))).toBe(there === undefined ? -ENOENT : 0);
            if (what === 'take' || what === 'delete') model.delete(key);
            if (what === 'write') {
              const answer = map.writeElem(u64(key), u64(value), how);
              if (there !== undefined && how === 1n) expect(answer).toBe(-EEXIST);
              else if (there === undefined && how === 2n) expect(answer).toBe(-ENOENT);
              else if (there === undefined && model.size === size) expect(answer).toBe(-E2BIG);
              else {
                expect(answer).toBe(0);
                model.set(key, value);
              }
            }
            if (what === 'walk') {
              const seen: string[] = [];
              for (let at = map.nextKey(null); typeof at !== 'number'; at = map.nextKey(at)) seen.push(String(at));
              expect(seen.sort()).toEqual([...model.keys()].map((k) => String(u64(k))).sort());
            }
          }
        }),
        { numRuns: 200 },
      );
    });
  }

  test('an LRU map never holds more than fits, and keeps what was just written', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 200, size: 'max' }), (keys) => {
        const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_LRU_HASH, 8, 8, 8));
        for (const key of keys) {
          expect(map.writeElem(u64(key), u64(key), 0n)).toBe(0);
          expect(map.readElem(u64(key), 0n)).toEqual(u64(key));
          let count = 0;
          for (let at = map.nextKey(null); typeof at !== 'number'; at = map.nextKey(at)) count++;
          expect(count).toBeLessThanOrEqual(8);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('an LRU map gives up what no program looked up', () => {
    const { map, env } = makeMap(mapDef(abi.BPF_MAP_TYPE_LRU_HASH, 8, 8, 4));
    for (const key of range(4)) map.writeElem(u64(key), u64(0), 0n);
    const at = env.mem.alloc(8);
    for (const key of [0, 1, 3]) {
      env.mem.write(at, u64(key));
      expect(map.lookup(at)).not.toBe(0);
    }
    map.writeElem(u64(9), u64(0), 0n);
    expect(map.readElem(u64(2), 0n)).toBe(-ENOENT);
    for (const key of [0, 1, 3, 9]) expect(map.readElem(u64(key), 0n)).toEqual(u64(0));
  });

  test('a pointer to a replaced value keeps showing the old one', () => {
    const { map, env } = makeMap(mapDef(abi.BPF_MAP_TYPE_HASH, 8, 8, 4));
    const key = env.mem.alloc(8);
    map.writeElem(u64(0), u64(1), 0n);
    const old = map.lookup(key);
    map.writeElem(u64(0), u64(2), 0n);
    expect(env.mem.read(old, 8)).toEqual(u64(1));
    expect(env.mem.read(map.lookup(key), 8)).toEqual(u64(2));
  });
});

describe('longest prefix match against trying every prefix', () => {
  const prefix = fc.tuple(fc.nat(24), fc.array(fc.constantFrom(0, 1, 128, 192, 255), { minLength: 3, maxLength: 3 }));
  const bits = (data: number[], n: number) =>
    data
      .map((b) => b.toString(2).padStart(8, '0'))
      .join('')
      .slice(0, n);
  test('finds the longest entry that the key begins with', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(prefix, fc.boolean()), { maxLength: 60 }), fc.array(prefix), (changes, queries) => {
        const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_LPM_TRIE, 7, 8, 100, { flags: abi.BPF_F_NO_PREALLOC }));
        const model = new Map<string, number>();
        changes.forEach(([[length, data], remove], n) => {
          const key = Uint8Array.from([...u32(length), ...data]);
          const name = bits(data, length);
          if (remove) {
            expect(map.deleteElem(key)).toBe(model.delete(name) ? 0 : -ENOENT);
          } else {
            expect(map.writeElem(key, u64(n), 0n)).toBe(0);
            model.set(name, n);
          }
        });
        for (const [length, data] of queries) {
          const path = bits(data, length);
          const best = range(length + 1)
            .reverse()
            .map((n) => model.get(path.slice(0, n)))
            .find((n) => n !== undefined);
          const found = map.readElem(Uint8Array.from([...u32(length), ...data]), 0n);
          expect(found).toEqual(best === undefined ? -ENOENT : u64(best));
        }
        const seen: string[] = [];
        for (let at = map.nextKey(null); typeof at !== 'number'; at = map.nextKey(at)) {
          seen.push(bits([...at.slice(4)], new DataView(at.buffer).getUint32(0, true)));
        }
        expect(seen.sort()).toEqual([...model.keys()].sort());
      }),
      { numRuns: 200 },
    );
  });
});
