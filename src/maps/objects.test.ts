import { describe, expect, test } from 'vitest';
import { mapDef, TestMapEnv } from '../../test/support/map-env.ts';
import { makeMap } from '../../test/support/map-suite.ts';
import { E2BIG, EBADF, EINVAL, ENOENT, ENOSPC, ENOTSUPP, EOPNOTSUPP } from '../base/errno.ts';
import { MAP_HEADER_STORAGE } from '../base/map-header.ts';
import * as abi from '../uapi/generated/constants.ts';
import { CgroupArrayMap } from './cgroup-array.ts';
import type { MapObject } from './map.ts';
import { PerfBuffer, PerfEventArrayMap } from './perf-event-array.ts';

const u32 = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
const HASH = mapDef(abi.BPF_MAP_TYPE_HASH, 4, 8, 4);
const PROG_ARRAY = mapDef(abi.BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 8);

const program: MapObject = { kind: 'prog', id: 100, value: 3 };
const inner: MapObject = { kind: 'map', id: 200, value: 0x5000, def: HASH };
const bigger: MapObject = { kind: 'map', id: 201, value: 0x6000, def: { ...HASH, maxEntries: 9 } };
const other: MapObject = { kind: 'map', id: 202, value: 0x7000, def: { ...HASH, valueSize: 4 } };

/** Descriptors 1 to 4 are those objects. */
function world(): TestMapEnv {
  const env = new TestMapEnv();
  [program, inner, bigger, other].forEach((object, i) => {
    env.objects.set(i + 1, object);
  });
  return env;
}

describe('a prog array', () => {
  test('has the slots where the engine looks for them, and gives user space ids', () => {
    const { map, env } = makeMap(PROG_ARRAY, world());
    expect(map.writeElem(u32(2), u32(1), 0n)).toBe(0);
    expect(env.mem.u32(env.mem.u32(map.addr + MAP_HEADER_STORAGE) + 2 * 4)).toBe(3);
    expect(map.readElem(u32(2), 0n)).toEqual(u32(100));
    expect(map.readElem(u32(3), 0n)).toBe(-ENOENT);
    expect(map.readElem(u32(99), 0n)).toBe(-ENOENT);
  });

  test('refuses what is no program, and keeps what it has', () => {
    const { map } = makeMap(PROG_ARRAY, world());
    map.writeElem(u32(0), u32(1), 0n);
    expect(map.writeElem(u32(0), u32(77), 0n)).toBe(-EBADF);
    expect(map.writeElem(u32(0), u32(2), 0n)).toBe(-EINVAL);
    expect(map.writeElem(u32(0), u32(1), 1n)).toBe(-EINVAL);
    expect(map.writeElem(u32(8), u32(1), 0n)).toBe(-E2BIG);
    expect(map.readElem(u32(0), 0n)).toEqual(u32(100));
  });

  test('holds one reference an element, and none after', () => {
    const { map, env } = makeMap(PROG_ARRAY, world());
    for (const index of [0, 1, 0]) map.writeElem(u32(index), u32(1), 0n);
    expect(env.held.get(program)).toBe(2);
    expect(map.deleteElem(u32(0))).toBe(0);
    expect(map.deleteElem(u32(0))).toBe(-ENOENT);
    expect(map.deleteElem(u32(8))).toBe(-E2BIG);
    map.dropUserReferences?.();
    expect(env.held.size).toBe(0);
    expect(map.readElem(u32(1), 0n)).toBe(-ENOENT);
  });
});

describe('maps of maps', () => {
  test('answer the inner map to programs, its id to user space, and let go of it', () => {
    for (const type of [abi.BPF_MAP_TYPE_ARRAY_OF_MAPS, abi.BPF_MAP_TYPE_HASH_OF_MAPS]) {
      const { map, env } = makeMap(mapDef(type, 4, 4, 4, { inner: HASH }), world());
      const key = env.mem.alloc(8);
      expect(map.lookup(key)).toBe(0);
      for (const index of [0, 1, 0]) expect(map.writeElem(u32(index), u32(2), 0n)).toBe(0);
      expect(map.lookup(key)).toBe(inner.value);
      expect(map.readElem(u32(0), 0n)).toEqual(u32(200));
      expect(env.held.get(inner)).toBe(2);
      expect(map.writeElem(u32(0), u32(3), 0n)).toBe(0);
      expect(map.readElem(u32(0), 0n)).toEqual(u32(201));
      expect(map.deleteElem(u32(0))).toBe(0);
      expect(map.lookup(key)).toBe(0);
      map.destroy();
      expect(env.held.size).toBe(0);
    }
  });

  test('take only maps like their template', () => {
    const env = world();
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 4, { inner: HASH }), env);
    expect(map.writeElem(u32(0), u32(4), 0n)).toBe(-EINVAL);
    expect(map.writeElem(u32(0), u32(1), 0n)).toBe(-EINVAL);
    expect(env.held.size).toBe(0);
  });

  test('take arrays of another size only where the template says so', () => {
    const small = mapDef(abi.BPF_MAP_TYPE_ARRAY, 4, 8, 2);
    for (const [flags, answer] of [
      [0, -EINVAL],
      [abi.BPF_F_INNER_MAP, 0],
    ] as const) {
      const env = world();
      env.objects.set(9, { kind: 'map', id: 9, value: 9, def: { ...small, maxEntries: 5, flags } });
      const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 4, { inner: { ...small, flags } }), env);
      expect(map.writeElem(u32(0), u32(9), 0n)).toBe(answer);
    }
  });
});

describe('a perf event array', () => {
  test('sends records to the sink in a slot, counts what has no room, and says why it cannot', () => {
    const env = world();
    const buffer = new PerfBuffer(0, 64);
    env.objects.set(10, { kind: 'perf_event', id: 0, value: 1, sink: buffer });
    env.objects.set(11, { kind: 'perf_event', id: 0, value: 2 });
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 4), env);
    if (!(map instanceof PerfEventArrayMap)) throw new Error('not a perf event array');
    map.writeElem(u32(0), u32(10), 0n);
    map.writeElem(u32(1), u32(11), 0n);
    expect(map.output(0, new Uint8Array(12).fill(1))).toBe(0);
    expect(map.output(0, new Uint8Array(20).fill(2))).toBe(0);
    expect(map.output(0, new Uint8Array(12))).toBe(-ENOSPC);
    expect(map.output(1, new Uint8Array(1))).toBe(-EOPNOTSUPP);
    expect(map.output(2, new Uint8Array(1))).toBe(-ENOENT);
    expect(map.output(4, new Uint8Array(1))).toBe(-E2BIG);
    expect(buffer.drain()).toEqual({
      records: [new Uint8Array(12).fill(1), new Uint8Array(20).fill(2)],
      lost: 1,
    });
    expect(env.notified).toEqual([map, map, map]);
    env.cpu = 1;
    expect(map.output(0, new Uint8Array(1))).toBe(-EOPNOTSUPP);
    expect(map.readElem(u32(0), 0n)).toBe(-ENOTSUPP);
  });
});

describe('a cgroup array', () => {
  test('knows its cgroups', () => {
    const env = world();
    const cgroup: MapObject = { kind: 'cgroup', id: 77, value: 1 };
    env.objects.set(10, cgroup);
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 4), env);
    if (!(map instanceof CgroupArrayMap)) throw new Error('not a cgroup array');
    expect(map.writeElem(u32(1), u32(10), 0n)).toBe(0);
    expect(map.cgroup(1)).toBe(cgroup);
    expect(map.cgroup(0)).toBeUndefined();
  });
});
