/** Maps that programs find in other maps. */
import { describe, expect, it } from 'vitest';
import { assemble, BPF_PSEUDO_MAP_FD, encode, LD_IMM64 } from '../isa/index.ts';
import { Bpf } from '../sys/index.ts';
import * as abi from '../uapi/generated/constants.ts';
import { createKernel } from './index.ts';

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

/** Answers the value for key `key` of the inner map for key `which` of the outer one; 100 without inner map, 200 without value. */
function program(which: number, key: number, outer: number): Uint8Array {
  const insns = assemble(`
    r1 = ${which}
    *(u32 *)(r10 -4) = r1
    r1 = ${key}
    *(u32 *)(r10 -8) = r1
    r2 = r10
    r2 += -4
    r1 = 0 ll
    call map_lookup_elem
    if r0 != 0 goto inner
    r0 = 100
    exit
  inner:
    r1 = r0
    r2 = r10
    r2 += -8
    call map_lookup_elem
    if r0 != 0 goto value
    r0 = 200
    exit
  value:
    r0 = *(u32 *)(r0 +0)
    exit`);
  const at = insns.code.indexOf(LD_IMM64);
  insns.src[at] = BPF_PSEUDO_MAP_FD;
  insns.imm[at] = outer;
  return encode(insns);
}

describe.each(['jit', 'interpreter', 'tiered'] as const)('maps in maps, %s', (mode) => {
  it.each([
    ['array', abi.BPF_MAP_TYPE_ARRAY_OF_MAPS],
    ['hash table', abi.BPF_MAP_TYPE_HASH_OF_MAPS],
  ])('a program finds the values of maps in an %s, and what is put in their place', async (_, outerType) => {
    for (const innerType of [abi.BPF_MAP_TYPE_ARRAY, abi.BPF_MAP_TYPE_HASH, abi.BPF_MAP_TYPE_LRU_HASH]) {
      const bpf = new Bpf(createKernel({ mode }).open());
      const def = { map_type: innerType, key_size: 4, value_size: 4, max_entries: 4 };
      const inner = [await bpf.mapCreate(def), await bpf.mapCreate(def)] as const;
      await bpf.mapUpdate(inner[0], words(2), words(11));
      await bpf.mapUpdate(inner[1], words(2), words(22));
      const outer = await bpf.mapCreate({
        map_type: outerType,
        key_size: 4,
        value_size: 4,
        max_entries: 3,
        inner_map_fd: inner[0],
      });
      await bpf.mapUpdate(outer, words(0), words(inner[0]));
      await bpf.mapUpdate(outer, words(1), words(inner[1]));
      const answer = async (which: number, key: number): Promise<number> => {
        const { fd } = await bpf.progLoad({ prog_type: 1, insns: program(which, key, outer), license: 'GPL' });
        return (await bpf.call('PROG_TEST_RUN', { prog_fd: fd, data_in: new Uint8Array(64) })).retval;
      };
      const missing = innerType === abi.BPF_MAP_TYPE_ARRAY ? 0 : 200;
      expect([await answer(0, 2), await answer(1, 2), await answer(2, 2), await answer(7, 2)]).toEqual([
        11, 22, 100, 100,
      ]);
      expect([await answer(0, 3), await answer(0, 9)]).toEqual([missing, 200]);
      await bpf.mapUpdate(outer, words(0), words(inner[1]));
      expect(await answer(0, 2)).toBe(22);
    }
  });
});
