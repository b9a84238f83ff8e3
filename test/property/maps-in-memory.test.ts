/** Maps in the kernel's own memory: many of them, made and destroyed in any order, leave it as it was. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMap, type KernelMap, type MapEnv } from '../../src/maps/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { LinearMemory } from '../../src/vm/index.ts';
import { mapDef } from '../support/map-env.ts';

const DEFINITIONS = [
  mapDef(abi.BPF_MAP_TYPE_HASH, 4, 20, 100),
  mapDef(abi.BPF_MAP_TYPE_HASH, 4, 20, 100, { flags: abi.BPF_F_NO_PREALLOC }),
  mapDef(abi.BPF_MAP_TYPE_ARRAY, 4, 20, 100, { flags: abi.BPF_F_MMAPABLE }),
  mapDef(abi.BPF_MAP_TYPE_PERCPU_HASH, 4, 20, 100),
  mapDef(abi.BPF_MAP_TYPE_LRU_HASH, 4, 20, 100),
  mapDef(abi.BPF_MAP_TYPE_LPM_TRIE, 8, 20, 100, { flags: abi.BPF_F_NO_PREALLOC }),
];
const LIMIT = 1 << 20;

test('what lives keeps its contents, what is destroyed gives its memory back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(DEFINITIONS.length - 1), fc.nat(5)), { minLength: 5, maxLength: 40, size: 'max' }),
      (steps) => {
        const mem = new LinearMemory({ limit: LIMIT });
        const env: MapEnv = {
          mem,
          cpus: 2,
          currentCpu: () => 0,
          random: () => 77,
          notify: () => {},
          acquire: () => -9,
          release: () => {},
        };
        const before = mem.used;
        const live: { map: KernelMap; fill: number }[] = [];
        for (const [n, victim] of steps) {
          const map = createMap(DEFINITIONS[n]!, env);
          if (typeof map !== 'number') {
            const fill = live.length + 1;
            for (let i = 0; i < 50; i++) map.writeElem(key(map, i), value(map, fill), 0n);
            live.push({ map, fill });
          }
          if (victim < live.length && victim % 2 === 0) live.splice(victim, 1)[0]!.map.destroy();
          for (const { map: other, fill } of live) {
            expect(other.readElem(key(other, 49), 0n)).toEqual(value(other, fill));
          }
        }
        for (const { map } of live) map.destroy();
        expect(mem.used).toBe(before);
      },
    ),
    { numRuns: 20 },
  );
});

/** Keys that are also good prefixes: the whole of four bytes of data. */
function key(map: KernelMap, n: number): Uint8Array {
  return new Uint8Array((map.def.keySize === 8 ? Uint32Array.of(32, n) : Uint32Array.of(n)).buffer);
}

function value(map: KernelMap, fill: number): Uint8Array {
  const out = new Uint8Array(map.userValueSize);
  for (let at = 0; at < out.length; at += 24) out.fill(fill, at, at + 20);
  return out;
}
