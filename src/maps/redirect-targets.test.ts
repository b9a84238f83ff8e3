import { describe, expect, test } from 'vitest';
import { mapDef, TestMapEnv } from '../../test/support/map-env.ts';
import { makeMap } from '../../test/support/map-suite.ts';
import { E2BIG, EEXIST, EINVAL, ENODEV, ENOENT, ENOSPC, ENOTSUPP, EOPNOTSUPP, EOVERFLOW } from '../base/errno.ts';
import * as abi from '../uapi/generated/constants.ts';

const u32 = (...n: number[]) => new Uint8Array(Uint32Array.from(n).buffer);

/** A world with the device 1. */
class WithDevice extends TestMapEnv {
  hasDevice(ifindex: number): boolean {
    return ifindex === 1;
  }
}

/** The answers to `[key, value, flags]`, as Linux 6.18 gives them for a map of two elements. */
function updates(type: number, valueSize: number): number[] {
  const { map } = makeMap(mapDef(type, 4, valueSize, 2), new WithDevice());
  const tries = [
    [0, 1, 0],
    [1, 0, 0],
    [0, 999999, 0],
    [2, 1, 0],
    [0, 1, abi.BPF_NOEXIST],
    [0, 1, abi.BPF_EXIST],
    [0, 1, 3],
    [1, 1, 0],
  ] as const;
  return tries.map(([key, value, flags]) =>
    map.writeElem(u32(key), valueSize === 8 ? u32(value, 0) : u32(value), BigInt(flags)),
  );
}

describe('where packets may be sent', () => {
  test('an array of devices takes devices that there are', () => {
    const expected = [0, 0, -EINVAL, -E2BIG, -EEXIST, 0, -EINVAL, 0];
    expect(updates(abi.BPF_MAP_TYPE_DEVMAP, 4)).toEqual(expected);
    expect(updates(abi.BPF_MAP_TYPE_DEVMAP, 8)).toEqual(expected);
  });

  test('a hash of devices takes as many as it has room for', () => {
    expect(updates(abi.BPF_MAP_TYPE_DEVMAP_HASH, 8)).toEqual([0, -EINVAL, -EINVAL, 0, -EEXIST, 0, -EINVAL, -E2BIG]);
  });

  test('a map of CPUs takes queues that are not too long, for CPUs that there are', () => {
    expect(updates(abi.BPF_MAP_TYPE_CPUMAP, 4)).toEqual([0, 0, -EOVERFLOW, -E2BIG, -EEXIST, 0, -EINVAL, 0]);
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_CPUMAP, 4, 4, 8));
    expect(map.writeElem(u32(7), u32(64), 0n)).toBe(-ENODEV);
  });

  test('what is there is read back, by programs too, until it is deleted', () => {
    const { map, env } = makeMap(mapDef(abi.BPF_MAP_TYPE_DEVMAP, 4, 8, 2), new WithDevice());
    map.writeElem(u32(1), u32(1, 0), 0n);
    expect(map.readElem(u32(1), 0n)).toEqual(u32(1, 0));
    expect(map.readElem(u32(0), 0n)).toBe(-ENOENT);
    const key = env.mem.alloc(4);
    env.mem.setU32(key, 1);
    expect(env.mem.u32(map.lookup(key))).toBe(1);
    expect(map.deleteElem(u32(1))).toBe(0);
    expect(map.lookup(key)).toBe(0);
    expect(map.deleteElem(u32(2))).toBe(-EINVAL);
    expect(map.nextKey(u32(0))).toEqual(u32(1));
  });

  test('a hash gives room back, and goes through its keys', () => {
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 2), new WithDevice());
    for (const key of [70, 80]) map.writeElem(u32(key), u32(1), 0n);
    expect(map.nextKey(null)).toEqual(u32(70));
    expect(map.nextKey(u32(70))).toEqual(u32(80));
    expect(map.nextKey(u32(80))).toBe(-ENOENT);
    expect(map.deleteElem(u32(70))).toBe(0);
    expect(map.deleteElem(u32(70))).toBe(-ENOENT);
    expect(map.writeElem(u32(90), u32(1), 0n)).toBe(0);
  });

  test('a program to run at the target is not taken yet', () => {
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_DEVMAP, 4, 8, 2), new WithDevice());
    expect(map.writeElem(u32(0), u32(1, 5), 0n)).toBe(-EOPNOTSUPP);
  });
});

describe('maps of sockets, of which there are none', () => {
  test.each([
    [abi.BPF_MAP_TYPE_SOCKMAP, 4, -ENOSPC],
    [abi.BPF_MAP_TYPE_SOCKMAP, 8, -ENOENT],
    [abi.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, -ENOSPC],
    [abi.BPF_MAP_TYPE_XSKMAP, 4, -EOPNOTSUPP],
  ])('type %i with values of %i bytes has every index, and nothing in it', (type, valueSize, answer) => {
    const { map } = makeMap(mapDef(type, 4, valueSize, 2));
    expect(map.nextKey(null)).toEqual(u32(0));
    expect(map.nextKey(u32(1))).toBe(-ENOENT);
    expect(map.readElem(u32(0), 0n)).toBe(answer);
    expect(map.writeElem(u32(0), new Uint8Array(valueSize), 0n)).toBe(-EOPNOTSUPP);
  });

  test('one with keys has none', () => {
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_SOCKHASH, 4, 8, 2));
    expect(map.nextKey(null)).toBe(-ENOENT);
  });

  test('a user ring buffer has no elements', () => {
    const { map } = makeMap(mapDef(abi.BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096));
    expect(map.nextKey(null)).toBe(-ENOTSUPP);
    expect(map.readElem(new Uint8Array(0), 0n)).toBe(-ENOTSUPP);
  });
});
