/**
 * A program that puts keys together on its stack, in any sizes and through any pointers, finds in a hash table what the interpreter finds
 * there: the JIT looks up what the block has stored, without reading it back.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bindHelpers, type HelperEnv } from '../../src/helpers/index.ts';
import { assemble, CALL, LD_IMM64 } from '../../src/isa/index.ts';
import { createMap, type KernelMap } from '../../src/maps/index.ts';
import { BPF_FUNC_map_lookup_elem, BPF_MAP_TYPE_HASH } from '../../src/uapi/generated/constants.ts';
import { Engine, type InlineMap, LinearMemory } from '../../src/vm/index.ts';
import { mapDef } from '../support/map-env.ts';

/** Bytes of the stack that programs write: two keys of the largest size overlap in many ways. */
const ROOM = 24;
const LARGEST_KEY = 13;

type Operation = { readonly lines: readonly string[] };

const at = fc.integer({ min: 1, max: ROOM }).map((off) => -off);
const value = fc.constantFrom(0, 1, 256, -1);
const type = fc.constantFrom('u8', 'u16', 'u32', 'u64');
/** r7 points at the stack, which the JIT sees; r8 does too, which it does not see. */
const base = fc.constantFrom('r10', 'r7', 'r8');
const store = fc.tuple(type, base, at, value, fc.boolean()).map(([size, reg, off, imm, isRegister]) => ({
  lines: isRegister
    ? [`r9 = ${imm}`, `*(${size} *)(${reg} ${off}) = r9`, 'r9 = 5']
    : [`*(${size} *)(${reg} ${off}) = ${imm}`],
}));
const atomic = at.map((off) => ({ lines: ['r9 = 1', `lock *(u32 *)(r10 ${off}) += r9`] }));
const lookup = at.map((off) => ({
  lines: [
    'r2 = r10',
    `r2 += ${Math.min(off, -LARGEST_KEY)}`,
    'r1 = 0 ll',
    `call ${BPF_FUNC_map_lookup_elem}`,
    'r6 *= 31',
    'r6 += r0',
  ],
}));
const branch = fc.constant<Operation>({ lines: ['if r6 == 12345 goto +0'] });
const program = fc.array(
  fc.oneof({ weight: 6, arbitrary: store }, { weight: 1, arbitrary: atomic }, { weight: 3, arbitrary: lookup }, branch),
  { minLength: 4, maxLength: 24 },
);

/** A table with the keys of `size` bytes whose words are 0, 1 or 256. */
function tableOf(mem: LinearMemory, size: number): KernelMap {
  const env = {
    mem,
    cpus: 1,
    currentCpu: () => 0,
    random: () => 0x1234567,
    notify() {},
    acquire: () => -9,
    release() {},
  };
  const map = createMap(mapDef(BPF_MAP_TYPE_HASH, size, 8, 81), env);
  if (typeof map === 'number') throw new Error(`creating the map answers ${map}`);
  const key = mem.alloc(32);
  const zero = mem.alloc(8);
  for (let n = 0; n < 81; n++) {
    mem.fill(key, 32, 0);
    for (let word = 0; word < 4; word++) mem.setU32(key + 4 * word, [0, 1, 256][Math.floor(n / 3 ** word) % 3]!);
    map.update(key, zero, 0);
  }
  return map;
}

function run(
  operations: readonly Operation[],
  keySize: number,
  mode: 'jit' | 'interpreter',
  checked: boolean,
): unknown {
  const mem = new LinearMemory({ limit: 1 << 22 });
  const map = tableOf(mem, keySize);
  const helperEnv = { mem, cpus: 1, mapAt: () => map, currentCpu: () => 0, random: () => 0 };
  const engine = new Engine(mem, { helpers: bindHelpers(helperEnv as unknown as HelperEnv) });
  const ctx = mem.alloc(8);
  engine.regions = [{ start: ctx, size: 8, writable: true }];
  const clear = [-8, -16, -24].map((off) => `*(u64 *)(r10 ${off}) = 0`);
  const insns = assemble(
    [
      ...['r6 = 0', 'r7 = r10', '*(u64 *)(r1 +0) = r10', 'r8 = *(u64 *)(r1 +0)', ...clear],
      ...operations.flatMap(({ lines }) => lines),
      ...['r0 = r6', 'exit'],
    ].join('\n'),
  );
  const callMaps = new Map<number, InlineMap>();
  for (let pc = 0; pc < insns.length; pc++) {
    if (insns.code[pc] === CALL) callMaps.set(pc, { ...map.def, addr: map.addr, base: 0, stride: 0 });
    if (insns.code[pc] === LD_IMM64) insns.imm[pc++] = map.addr;
  }
  const loaded = engine.load({ insns, subprogs: [0], callMaps }, { mode, checked });
  return [loaded.run(ctx), engine.retHi, engine.fault];
}

test('keys on the stack are found as they are there', () => {
  let found = 0;
  fc.assert(
    fc.property(program, fc.integer({ min: 1, max: LARGEST_KEY }), fc.boolean(), (operations, keySize, checked) => {
      const slow = run(operations, keySize, 'interpreter', checked);
      expect(run(operations, keySize, 'jit', checked)).toEqual(slow);
      if ((slow as number[])[0] !== 0) found++;
    }),
    { numRuns: 400 },
  );
  expect(found).toBeGreaterThan(40);
}, 60_000);
