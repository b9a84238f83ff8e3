/**
 * Programs begin their lookups in a large trie at its stem, bpf(2) begins at the root: both find the same entry, whatever
 * came and went before, and while the stem grows.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assemble, LD_IMM64 } from '../../src/isa/index.ts';
import { createMap, type KernelMap } from '../../src/maps/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { Engine, LinearMemory, type Runnable } from '../../src/vm/index.ts';
import { mapDef } from '../support/map-env.ts';

const KEY_ROOM = 64;

/** A trie for prefixes of `size` bytes, and a program that looks up in it. */
function trie(size: number): { mem: LinearMemory; map: KernelMap; lookup: Runnable; key: number } {
  const mem = new LinearMemory({ limit: 1 << 25 });
  const def = mapDef(abi.BPF_MAP_TYPE_LPM_TRIE, 4 + size, 8, 100_000, { flags: abi.BPF_F_NO_PREALLOC });
  const env = { mem, cpus: 1, currentCpu: () => 0, random: () => 1, notify() {}, acquire: () => -9, release() {} };
  const map = createMap(def, env);
  if (typeof map === 'number') throw new Error(`creating the map answers ${map}`);
  const helper = { name: 'lookup', args: 'ii', ret: 'ptr', call: (_: number, key: number) => map.lookup(key) } as const;
  const engine = new Engine(mem, { helpers: new Map([[abi.BPF_FUNC_map_lookup_elem, helper]]) });
  const insns = assemble('r2 = r1\nr1 = 0 ll\ncall map_lookup_elem\nexit');
  insns.imm[insns.code.indexOf(LD_IMM64)] = map.addr;
  const callMaps = new Map([[insns.length - 2, { ...def, addr: map.addr, base: 0, stride: 0 }]]);
  return { mem, map, lookup: engine.load({ insns, subprogs: [0], callMaps }), key: mem.alloc(KEY_ROOM) };
}

/** Numbers from 0 to 2^32 - 1, the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 0x915f77f5) + 0x9e3779b9) | 0;
    return Math.imul(state ^ (state >>> 15), 0x85ebca6b) >>> 0;
  };
}

test.each([
  ['IPv4', 4, 7000],
  ['sixteen bits', 2, 5000],
  ['eight bits', 1, 400],
  ['IPv6', 16, 1500],
  ['three bytes', 3, 3000],
])('a program finds in a trie of %s prefixes what bpf(2) finds', (_, size, steps) => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { mem, map, lookup, key } = trie(size);
      const next = numbers(seed);
      /** Prefixes that often begin alike, and are now and then very short. */
      const choose = (): Uint8Array => {
        const bytes = new Uint8Array(4 + size);
        const long = size * 8 - (next() % Math.min(12, size * 8));
        new DataView(bytes.buffer).setUint32(0, next() % 16 === 0 ? next() % (size * 8 + 1) : long, true);
        for (let at = 4; at < bytes.length; at++) bytes[at] = at === 4 ? (next() % 3) * 0x55 : next() >> 8;
        return bytes;
      };
      const known: Uint8Array[] = [];
      for (let step = 0; step < steps; step++) {
        const prefix = next() % 8 === 0 && known.length > 0 ? known[next() % known.length]! : choose();
        if (next() % 6 === 0) {
          map.deleteElem(prefix);
        } else {
          map.writeElem(prefix, new Uint8Array(8).fill(step), 0n);
        }
        known.push(prefix);
        if (step % 8 !== 0) continue;
        for (const asked of [choose(), prefix, known[next() % known.length]!]) {
          mem.write(key, asked);
          expect(lookup.run(key), `step ${step}, ${asked.join()}`).toBe(map.lookup(key));
        }
      }
    }),
    { numRuns: 6 },
  );
});
