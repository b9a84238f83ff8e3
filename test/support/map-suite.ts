/**
 * What every map type has to hold, whatever it stores: run it with a definition of the type and what its values are.
 */
import { describe, expect, test } from 'vitest';
import { EEXIST, EINVAL, ENOENT } from '../../src/base/errno.ts';
import { MAP_HEADER_KEY_SIZE, MAP_HEADER_MAX_ENTRIES, MAP_HEADER_TYPE } from '../../src/base/map-header.ts';
import { createMap, type KernelMap, type MapDef } from '../../src/maps/index.ts';
import { BPF_EXIST, BPF_NOEXIST } from '../../src/uapi/generated/constants.ts';
import { TestMapEnv } from './map-env.ts';

/** The map and where it lives. A map that cannot be created fails the test. */
export function makeMap(def: MapDef, env = new TestMapEnv()): { map: KernelMap; env: TestMapEnv } {
  const map = createMap(def, env);
  if (typeof map === 'number') throw new Error(`creating type ${def.type} answers ${map}`);
  return { map, env };
}

/** Checks that hold for every type. */
export function everyMap(name: string, def: MapDef): void {
  describe(`${name}, as any map`, () => {
    test('begins with the header block', () => {
      const { map, env } = makeMap(def);
      expect(env.mem.u32(map.addr + MAP_HEADER_TYPE)).toBe(def.type);
      expect(env.mem.u32(map.addr + MAP_HEADER_KEY_SIZE)).toBe(def.keySize);
      expect(env.mem.u32(map.addr + MAP_HEADER_MAX_ENTRIES)).toBe(map.def.maxEntries);
    });

    test('gives everything back when it is destroyed', () => {
      const { map, env } = makeMap(def);
      expect(map.memoryUsage()).toBe(env.mem.used);
      expect(map.memoryUsage()).toBeGreaterThan(0);
      map.destroy();
      expect(env.mem.blocks).toBe(0);
      expect(env.mem.used).toBe(0);
    });

    test('is not created, and leaves nothing behind, when memory is out', () => {
      for (let size = 4096; size < 4096 + 512; size += 64) {
        const env = new TestMapEnv(size);
        const map = createMap(def, env);
        if (typeof map === 'number') expect(env.mem.blocks).toBe(0);
      }
    });
  });
}

export interface KeyedShape {
  readonly def: MapDef;
  /** Keys that are distinct, at most as many as fit; all are there from the beginning when `fixed`. */
  readonly keys: readonly Uint8Array[];
  /** Elements are never made nor deleted. */
  readonly fixed?: boolean;
  /** What a value is in user space, for the number `n`. */
  value(n: number): Uint8Array;
}

/** Checks of types with keys and plain values. */
export function keyedMap(name: string, shape: KeyedShape): void {
  const { def, keys, fixed = false } = shape;
  const [first, second] = keys as [Uint8Array, Uint8Array];
  everyMap(name, def);

  /** An address that holds `bytes`. */
  const put = (env: TestMapEnv, bytes: Uint8Array) => {
    const addr = env.mem.alloc(Math.max(bytes.length, 8));
    env.mem.write(addr, bytes);
    return addr;
  };

  describe(`${name}, as a map with keys`, () => {
    test('reads back what was written', () => {
      const { map } = makeMap(def);
      keys.forEach((key, n) => {
        expect(map.writeElem(key, shape.value(n), 0n)).toBe(0);
      });
      keys.forEach((key, n) => {
        expect(map.readElem(key, 0n)).toEqual(shape.value(n));
      });
    });

    test('what a program updates, user space reads, and the other way round', () => {
      const { map, env } = makeMap(def);
      const { valueSize } = def;
      const key = put(env, first);
      map.writeElem(first, shape.value(1), 0n);
      expect(env.mem.read(map.lookup(key), valueSize)).toEqual(shape.value(1).slice(0, valueSize));
      expect(map.update(key, put(env, shape.value(2)), 0)).toBe(0);
      expect((map.readElem(first, 0n) as Uint8Array).slice(0, valueSize)).toEqual(shape.value(2).slice(0, valueSize));
      env.mem.setU8(map.lookup(key), 0xab);
      expect((map.readElem(first, 0n) as Uint8Array)[0]).toBe(0xab);
    });

    test('BPF_NOEXIST refuses a key that is there, BPF_EXIST one that is not', () => {
      const { map } = makeMap(def);
      expect(map.writeElem(first, shape.value(1), BigInt(BPF_EXIST))).toBe(fixed ? 0 : -ENOENT);
      map.writeElem(first, shape.value(1), 0n);
      expect(map.writeElem(first, shape.value(2), BigInt(BPF_NOEXIST))).toBe(-EEXIST);
      expect(map.writeElem(first, shape.value(3), BigInt(BPF_EXIST))).toBe(0);
      expect(map.readElem(first, 0n)).toEqual(shape.value(3));
    });

    test('refuses flags that do not exist, in either half', () => {
      const { map } = makeMap(def);
      for (const flags of [3n, 8n, 1n << 32n, (1n << 64n) - 1n]) {
        expect(map.writeElem(first, shape.value(1), flags)).toBe(-EINVAL);
      }
    });

    test('deletes once', () => {
      const { map, env } = makeMap(def);
      map.writeElem(first, shape.value(1), 0n);
      map.writeElem(second, shape.value(2), 0n);
      expect(map.deleteElem(first)).toBe(fixed ? -EINVAL : 0);
      if (fixed) return;
      expect(map.deleteElem(first)).toBe(-ENOENT);
      expect(map.readElem(first, 0n)).toBe(-ENOENT);
      expect(map.lookup(put(env, first))).toBe(0);
      expect(map.readElem(second, 0n)).toEqual(shape.value(2));
      expect(map.delete(put(env, second))).toBe(0);
      expect(map.nextKey(null)).toBe(-ENOENT);
    });

    test('walks every key once, and begins again for a key that is not there', () => {
      const { map } = makeMap(def);
      for (const key of keys) map.writeElem(key, shape.value(0), 0n);
      const seen = new Set<string>();
      let key = map.nextKey(null);
      while (typeof key !== 'number') {
        seen.add(String(key));
        expect(seen.size).toBeLessThanOrEqual(def.maxEntries);
        key = map.nextKey(key);
      }
      expect(key).toBe(-ENOENT);
      for (const known of keys) expect(seen).toContain(String(known));
      if (fixed) return;
      map.deleteElem(first);
      expect(map.nextKey(first)).toEqual(map.nextKey(null));
    });

    test('values stay readable through a pointer that outlives its element', () => {
      const { map, env } = makeMap(def);
      map.writeElem(first, shape.value(7), 0n);
      const before = map.lookup(put(env, first));
      map.deleteElem(first);
      expect(env.mem.isValid(before, def.valueSize)).toBe(true);
      expect(env.mem.read(before, def.valueSize)).toEqual(shape.value(7).slice(0, def.valueSize));
    });
  });
}

/** Checks of types whose elements can be visited by bpf_for_each_map_elem. */
export function visitableMap(name: string, shape: KeyedShape): void {
  const { def, keys } = shape;
  describe(`${name}, visited`, () => {
    test('visits every element, and stops where it is told to', () => {
      const { map, env } = makeMap(def);
      keys.forEach((key, n) => {
        map.writeElem(key, shape.value(n), 0n);
      });
      const seen: string[] = [];
      const note = (key: number, value: number) => {
        const bytes = env.mem.read(key, def.keySize);
        expect(env.mem.read(value, def.valueSize)).toEqual(
          (map.readElem(bytes, 0n) as Uint8Array).slice(0, def.valueSize),
        );
        seen.push(String(bytes));
        return 0;
      };
      expect(map.forEach(note)).toBe(seen.length);
      for (const key of keys) expect(seen).toContain(String(key));
      const stop = () => 1;
      expect(map.forEach(stop)).toBe(1);
    });

    test('may be changed while it is visited', () => {
      const { map, env } = makeMap(def);
      for (const key of keys) map.writeElem(key, shape.value(0), 0n);
      const rewrite = (key: number) => {
        const bytes = env.mem.read(key, def.keySize);
        map.deleteElem(bytes);
        map.writeElem(bytes, shape.value(1), 0n);
        return 0;
      };
      const visited = map.forEach(rewrite);
      expect(visited).toBeGreaterThanOrEqual(keys.length);
      expect(visited).toBeLessThanOrEqual(def.maxEntries);
      for (const key of keys) expect(map.readElem(key, 0n)).toEqual(shape.value(1));
    });
  });
}
