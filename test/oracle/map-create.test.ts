/**
 * BPF_MAP_CREATE of definitions good and bad: the machine's kernel and ours answer the same.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { errnoName } from '../../src/base/errno.ts';
import { createMap, type MapDef } from '../../src/maps/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { MachineBpf } from '../support/machine-bpf.ts';
import { mapDef, TestMapEnv } from '../support/map-env.ts';

const machine = await MachineBpf.open();
const reason = typeof machine === 'string' ? machine : '';
afterAll(() => {
  if (typeof machine !== 'string') machine.close();
});

/** Needs BTF of a kernel structure, or memory that user space maps. */
const NOT_COMPARED: readonly number[] = [abi.BPF_MAP_TYPE_STRUCT_OPS];
const IS_OUTER: readonly number[] = [abi.BPF_MAP_TYPE_ARRAY_OF_MAPS, abi.BPF_MAP_TYPE_HASH_OF_MAPS];
const TYPES = Array.from({ length: abi.__MAX_BPF_MAP_TYPE + 1 }, (_, type) => type).filter(
  (type) => !NOT_COMPARED.includes(type),
);
const KEYS = [0, 1, 3, 4, 5, 8, 12, 16, 260, 261, 512, 513];
const VALUES = [0, 1, 4, 7, 8, 12, 16, 24, 32, 64, 1016, 1024, 4096, 4097, 32768, 32769, 65536];
const SIZES = [0, 1, 2, 3, 256, 257, 4095, 4096, 8192];

interface Case {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  extra: bigint;
}

function cases(type: number): Case[] {
  const out: Case[] = [];
  const add = (keySize: number, valueSize: number, maxEntries: number, flags = 0, extra = 0n) =>
    out.push({ type, keySize, valueSize, maxEntries, flags, extra });
  const shapes: [number, number, number][] = [
    [4, 4, 64],
    [4, 8, 64],
    [8, 8, 16],
    [0, 0, 4096],
    [0, 8, 64],
    [16, 8, 0],
    [4, 8, 0],
  ];
  for (const flags of [0, abi.BPF_F_NO_PREALLOC]) {
    for (const key of KEYS) for (const value of [4, 8]) for (const size of [0, 16]) add(key, value, size, flags);
    for (const value of VALUES) for (const key of [0, 4, 8]) for (const size of [0, 2]) add(key, value, size, flags);
    for (const size of SIZES) for (const [key, value] of shapes) add(key, value, size, flags);
  }
  for (const [key, value, size] of shapes) {
    for (let bit = 0; bit < 20; bit++) {
      // these four name a descriptor or a node in another field, which the kernel layer reads
      const flag = 1 << bit;
      if ([abi.BPF_F_NUMA_NODE, abi.BPF_F_VTYPE_BTF_OBJ_FD, abi.BPF_F_TOKEN_FD].includes(flag)) continue;
      add(key, value, size, flag);
      add(key, value, size, flag | abi.BPF_F_NO_PREALLOC);
      add(key, value, size, flag | abi.BPF_F_RDONLY_PROG);
      add(key, value, size, flag | abi.BPF_F_NUMA_NODE);
    }
    for (const extra of [1n, 5n, 15n, 16n, 1n << 40n]) add(key, value, size, 0, extra);
  }
  for (const value of [
    65407, 65408, 4194304, 4194305, 4194303, 4194256, 4194252, 4194251, 4194000, 4193990, 4193800, 4190000, 2147483647,
    4294967295,
  ]) {
    for (const key of [0, 4, 8]) add(key, value, 1);
    add(8, value, 1, abi.BPF_F_NO_PREALLOC);
  }
  // Far more than any machine has, so that no kernel begins to allocate it.
  for (const size of [2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1]) for (const key of [0, 4, 8]) add(key, 40_000, size);
  return out;
}

/** A map of every type that can be made, with its descriptor there. */
function templates(from: MachineBpf): [MapDef, number][] {
  const hash = mapDef(abi.BPF_MAP_TYPE_HASH, 4, 4, 4);
  const out: [MapDef, number][] = [];
  for (const type of TYPES) {
    const shapes = [
      [4, 4, 4],
      [4, 8, 4],
      [0, 0, 4096],
      [0, 8, 4],
      [8, 8, 4],
      [16, 8, 0],
    ] as const;
    for (const [key, value, size] of shapes) {
      const flags = type === abi.BPF_MAP_TYPE_LPM_TRIE ? abi.BPF_F_NO_PREALLOC : 0;
      const more = IS_OUTER.includes(type) ? { inner: hash } : {};
      const def = mapDef(type, key, value, size, { flags, ...more });
      const innerFd = IS_OUTER.includes(type) ? from.create(hash) : 0;
      const fd = from.create({ ...def, innerFd });
      if (fd < 0) continue;
      out.push([def, fd]);
      break;
    }
  }
  return out;
}

describe.skipIf(reason !== '')(`creating maps as this machine does${reason && `: ${reason}`}`, () => {
  let asked = 0;
  test.each(TYPES)('type %i gives the same answer for every definition', (type) => {
    if (typeof machine === 'string') return;
    const innerFd = IS_OUTER.includes(type) ? machine.create(mapDef(abi.BPF_MAP_TYPE_HASH, 4, 4, 4)) : 0;
    const inner = IS_OUTER.includes(type) ? { inner: mapDef(abi.BPF_MAP_TYPE_HASH, 4, 4, 4) } : {};
    const different: string[] = [];
    for (const def of cases(type)) {
      asked++;
      const fd = machine.create({ ...def, innerFd });
      if (fd >= 0) machine.closeFd(fd);
      const env = new TestMapEnv(1 << 21);
      const map = createMap({ name: 't', ...def, ...inner }, env);
      if (typeof map !== 'number') map.destroy();
      const ours = typeof map === 'number' ? map : 0;
      const theirs = Math.min(fd, 0);
      // Memory may end here before it ends there: that is not a rule about definitions.
      if (errnoName(ours) === 'ENOMEM' && (theirs === 0 || errnoName(theirs) === 'E2BIG')) continue;
      if (ours !== theirs) {
        different.push(
          `key ${def.keySize} value ${def.valueSize} max ${def.maxEntries} flags 0x${def.flags.toString(16)} extra ${def.extra}: machine ${errnoName(theirs)}, ours ${errnoName(ours)}`,
        );
      }
    }
    expect(different).toEqual([]);
  });

  test('the same maps may be templates of maps of maps', () => {
    if (typeof machine === 'string') return;
    const hash = mapDef(abi.BPF_MAP_TYPE_HASH, 4, 4, 4);
    const outer = mapDef(abi.BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 4, { inner: hash });
    const different: string[] = [];
    for (const [inner, innerFd] of templates(machine)) {
      for (const type of IS_OUTER) {
        const theirs = machine.create({ ...outer, type, innerFd });
        const ours = createMap({ ...outer, type, inner }, new TestMapEnv());
        asked++;
        const answers = [theirs, typeof ours === 'number' ? ours : 0].map((n) => errnoName(Math.min(n, 0)));
        if (answers[0] !== answers[1])
          different.push(`${inner.type} in ${type}: machine ${answers[0]}, ours ${answers[1]}`);
        if (theirs >= 0) machine.closeFd(theirs);
      }
    }
    expect(different).toEqual([]);
  });

  test('asked thousands of definitions', () => {
    expect(asked).toBeGreaterThan(10_000);
  });
});
