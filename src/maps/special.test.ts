import { describe, expect, test } from 'vitest';
import { mapDef } from '../../test/support/map-env.ts';
import { makeMap } from '../../test/support/map-suite.ts';
import { EINVAL } from '../base/errno.ts';
import * as abi from '../uapi/generated/constants.ts';

const KEY = new Uint8Array(4);
const special = [
  { kind: 'bpf_spin_lock', offset: 4, size: 4 },
  { kind: 'bpf_timer', offset: 16, size: 16 },
] as const;
const TYPES = { hash: abi.BPF_MAP_TYPE_HASH, array: abi.BPF_MAP_TYPE_ARRAY };

describe('fields of a value that are the kernel’s own', () => {
  for (const [name, type] of Object.entries(TYPES)) {
    const def = mapDef(type, 4, 40, 4, { special });

    test(`${name}: user space neither writes nor sees them`, () => {
      const { map, env } = makeMap(def);
      expect(map.writeElem(KEY, new Uint8Array(40).fill(0xff), 0n)).toBe(0);
      const at = map.lookup(env.mem.alloc(4));
      expect(env.mem.u32(at + 4)).toBe(0);
      env.mem.setU32(at + 4, 1);
      const seen = map.readElem(KEY, 0n) as Uint8Array;
      expect(seen.slice(0, 8)).toEqual(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0));
      expect(seen.slice(16, 32)).toEqual(new Uint8Array(16));
      expect(seen[39]).toBe(255);
    });

    test(`${name}: BPF_F_LOCK updates in place, and needs a lock`, () => {
      const { map, env } = makeMap(def);
      map.writeElem(KEY, new Uint8Array(40).fill(1), 0n);
      const key = env.mem.alloc(4);
      const before = map.lookup(key);
      expect(map.writeElem(KEY, new Uint8Array(40).fill(2), BigInt(abi.BPF_F_LOCK))).toBe(0);
      expect(map.lookup(key)).toBe(before);
      expect(env.mem.u8(before)).toBe(2);
      const { map: plain } = makeMap(mapDef(type, 4, 40, 4));
      expect(plain.writeElem(KEY, new Uint8Array(40), BigInt(abi.BPF_F_LOCK))).toBe(-EINVAL);
    });
  }

  test('a value that takes the place of another begins with none of its locks', () => {
    const { map, env } = makeMap(mapDef(abi.BPF_MAP_TYPE_HASH, 4, 40, 4, { special }));
    const key = env.mem.alloc(4);
    for (let n = 0; n < 4; n++) {
      map.writeElem(KEY, new Uint8Array(40), 0n);
      expect(env.mem.u32(map.lookup(key) + 4)).toBe(0);
      env.mem.setU32(map.lookup(key) + 4, 1);
    }
  });
});
