import { describe, expect, test } from 'vitest';
import { mapDef } from '../../test/support/map-env.ts';
import { makeMap } from '../../test/support/map-suite.ts';
import { E2BIG, EEXIST, EINVAL, ENOENT, EOPNOTSUPP } from '../base/errno.ts';
import * as abi from '../uapi/generated/constants.ts';
import { LocalStorageMap } from './local-storage.ts';
import { StackTraceMap } from './stack-trace.ts';

const NO_KEY = new Uint8Array();
const value = (n: number) => new Uint8Array(12).fill(n);
const u32 = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);

describe('queues and stacks', () => {
  test('give values in their order, and refuse one too many', () => {
    for (const [type, order] of [
      [abi.BPF_MAP_TYPE_QUEUE, [1, 2, 3]],
      [abi.BPF_MAP_TYPE_STACK, [3, 2, 1]],
    ] as const) {
      const { map } = makeMap(mapDef(type, 0, 12, 3));
      for (const n of [1, 2, 3]) expect(map.writeElem(NO_KEY, value(n), 0n)).toBe(0);
      expect(map.writeElem(NO_KEY, value(4), 0n)).toBe(-E2BIG);
      expect(map.readElem(NO_KEY, 0n)).toEqual(value(order[0]));
      for (const n of order) expect(map.takeElem(NO_KEY, 0n)).toEqual(value(n));
      expect(map.takeElem(NO_KEY, 0n)).toBe(-ENOENT);
    }
  });

  test('BPF_EXIST gives up the oldest value', () => {
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_STACK, 0, 12, 2));
    for (const n of [1, 2, 3]) expect(map.writeElem(NO_KEY, value(n), BigInt(abi.BPF_EXIST))).toBe(0);
    expect(map.writeElem(NO_KEY, value(9), BigInt(abi.BPF_NOEXIST))).toBe(-EINVAL);
    expect(map.takeElem(NO_KEY, 0n)).toEqual(value(3));
    expect(map.takeElem(NO_KEY, 0n)).toEqual(value(2));
    expect(map.takeElem(NO_KEY, 0n)).toBe(-ENOENT);
  });

  test('a program that pops nothing gets zeros', () => {
    const { map, env } = makeMap(mapDef(abi.BPF_MAP_TYPE_QUEUE, 0, 12, 2));
    const at = env.mem.alloc(12);
    env.mem.fill(at, 12, 0xff);
    expect(map.pop(at)).toBe(-ENOENT);
    expect(env.mem.read(at, 12)).toEqual(value(0));
  });
});

describe('a stack trace map', () => {
  const make = () => {
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_STACK_TRACE, 4, 32, 3));
    if (!(map instanceof StackTraceMap)) throw new Error('not a stack trace map');
    return map;
  };

  test('gives the same stack the same id, and fills it up with zeros', () => {
    const map = make();
    const id = map.put(BigUint64Array.of(1n, 2n), 0);
    expect(id).toBeGreaterThanOrEqual(0);
    expect(map.put(BigUint64Array.of(1n, 2n), 0)).toBe(id);
    expect(map.readElem(u32(id), 0n)).toEqual(new Uint8Array(BigUint64Array.of(1n, 2n, 0n, 0n).buffer));
    expect(map.nextKey(null)).toEqual(u32(id));
    expect(map.nextKey(u32(id))).toBe(-ENOENT);
    expect(map.deleteElem(u32(id))).toBe(0);
    expect(map.readElem(u32(id), 0n)).toBe(-ENOENT);
    expect(map.readElem(u32(99), 0n)).toBe(-ENOENT);
  });

  test('gives structures where build ids are wanted', () => {
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_STACK_TRACE, 4, 96, 4, { flags: abi.BPF_F_STACK_BUILD_ID }));
    if (!(map instanceof StackTraceMap)) throw new Error('not a stack trace map');
    expect(map.depth).toBe(3);
    const id = map.put(BigUint64Array.of(0x401000n), 0);
    const expected = new Uint8Array(96);
    expected[0] = abi.BPF_STACK_BUILD_ID_IP;
    expected.set([0, 0x10, 0x40], 24);
    expect(map.readElem(u32(id), 0n)).toEqual(expected);
  });

  test('refuses a stack whose place is taken, unless it may take it', () => {
    const map = make();
    const ids = new Map<number, bigint>();
    let collision: [bigint, number] | undefined;
    for (let ip = 1n; collision === undefined; ip++) {
      const id = map.put(BigUint64Array.of(ip), 0);
      if (id === -EEXIST) collision = [ip, id];
      else ids.set(id, ip);
    }
    const id = map.put(BigUint64Array.of(collision[0]), abi.BPF_F_REUSE_STACKID);
    expect(map.readElem(u32(id), 0n)).toEqual(new Uint8Array(BigUint64Array.of(collision[0], 0n, 0n, 0n).buffer));
  });
});

describe('a bloom filter', () => {
  test('never denies what was pushed, and denies most of what was not', () => {
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_BLOOM_FILTER, 0, 12, 100));
    for (let n = 0; n < 100; n++) expect(map.writeElem(NO_KEY, value(n), 0n)).toBe(0);
    for (let n = 0; n < 100; n++) expect(map.readElem(value(n), 0n)).toEqual(value(n));
    let denied = 0;
    for (let n = 100; n < 200; n++) if (map.readElem(value(n), 0n) === -ENOENT) denied++;
    expect(denied).toBeGreaterThan(80);
    expect(map.deleteElem(NO_KEY)).toBe(-EOPNOTSUPP);
    expect(map.nextKey(null)).toBe(-EOPNOTSUPP);
  });
});

describe('local storage', () => {
  test('belongs to its owner and goes with it', () => {
    const { map, env } = makeMap(
      mapDef(abi.BPF_MAP_TYPE_TASK_STORAGE, 4, 12, 0, { flags: abi.BPF_F_NO_PREALLOC, hasBtf: true }),
    );
    if (!(map instanceof LocalStorageMap)) throw new Error('not local storage');
    expect(map.storage(0x1000, 0, false)).toBe(0);
    const initial = env.mem.alloc(12);
    env.mem.fill(initial, 12, 5);
    const at = map.storage(0x1000, initial, true);
    expect(env.mem.read(at, 12)).toEqual(value(5));
    expect(map.storage(0x1000, 0, true)).toBe(at);
    expect(map.storage(0x2000, 0, true)).not.toBe(at);
    expect(map.dropStorage(0x1000)).toBe(0);
    expect(map.dropStorage(0x1000)).toBe(-ENOENT);
    expect(map.storage(0x1000, 0, false)).toBe(0);
  });
});
