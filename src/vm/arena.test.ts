import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { bytesEqual } from '../base/bytes.ts';
import { assemble } from '../isa/index.ts';
import { type Arena, type Code, Engine, LinearMemory, type Runnable } from './index.ts';

const PAGE = 4096;
const PAGES = 3;
const USER_LOW = 0x1000_0000;
const USER_HIGH = 0x7e00;

let mem: LinearMemory;
let engine: Engine;
let arena: Arena;
beforeEach(() => {
  mem = new LinearMemory();
  engine = new Engine(mem, { helpers: new Map() });
  const nowhere = mem.alloc(16);
  const present = mem.alloc(PAGES);
  // A page on each side belongs to somebody else.
  const base = mem.alloc((PAGES + 2) * PAGE, PAGE) + PAGE;
  mem.setU8(present, 1);
  mem.setU8(present + 2, 1);
  arena = { base, size: PAGES * PAGE, userLow: USER_LOW, userHigh: USER_HIGH, present, nowhere };
});

const MODES = [
  { mode: 'interpreter' },
  { mode: 'jit' },
  { mode: 'interpreter', checked: true },
  { mode: 'jit', checked: true },
] as const;

/** A program that gets a pointer of user space's in `*(u64 *)r1`; `accesses` are slots. */
function load(text: string, accesses: readonly number[], options: (typeof MODES)[number]): Runnable {
  const code: Code = { insns: assemble(text), subprogs: [0], arena: { ...arena, accesses: new Set(accesses) } };
  return engine.load(code, options);
}

const OPERATIONS: readonly { text: string; size: number; write: boolean }[] = [
  { text: 'r0 = *(u8 *)(r2 +OFF)', size: 1, write: false },
  { text: 'r0 = *(u16 *)(r2 +OFF)', size: 2, write: false },
  { text: 'r0 = *(u32 *)(r2 +OFF)', size: 4, write: false },
  { text: 'r0 = *(u64 *)(r2 +OFF)', size: 8, write: false },
  { text: 'r0 = *(s8 *)(r2 +OFF)', size: 1, write: false },
  { text: 'r0 = *(s16 *)(r2 +OFF)', size: 2, write: false },
  { text: 'r0 = *(s32 *)(r2 +OFF)', size: 4, write: false },
  { text: '*(u8 *)(r2 +OFF) = r3', size: 1, write: true },
  { text: '*(u16 *)(r2 +OFF) = r3', size: 2, write: true },
  { text: '*(u32 *)(r2 +OFF) = r3', size: 4, write: true },
  { text: '*(u64 *)(r2 +OFF) = r3', size: 8, write: true },
  { text: '*(u32 *)(r2 +OFF) = 77', size: 4, write: true },
  { text: '*(u64 *)(r2 +OFF) = -2', size: 8, write: true },
  { text: 'lock *(u32 *)(r2 +OFF) += r3', size: 4, write: true },
  { text: 'lock *(u64 *)(r2 +OFF) ^= r3', size: 8, write: true },
  { text: 'r3 = atomic_fetch_add((u64 *)(r2 +OFF), r3)', size: 8, write: true },
  { text: 'w3 = atomic_fetch_or((u32 *)(r2 +OFF), w3)', size: 4, write: true },
  { text: 'r3 = xchg_64(r2 +OFF, r3)', size: 8, write: true },
  { text: 'r0 = cmpxchg_64(r2 +OFF, r0, r3)', size: 8, write: true },
  { text: 'w0 = cmpxchg32_32(r2 +OFF, w0, w3)', size: 4, write: true },
];

describe('accesses of an arena', () => {
  it('are the same in every engine, and touch nothing but pages that are there', () => {
    const untouched = new Uint8Array(arena.size).fill(0x5a);
    const pointers = fc.oneof(
      fc.integer({ min: -16, max: PAGES * PAGE + 16 }),
      fc.constantFrom(0, PAGE - 4, PAGE - 8, PAGE, 2 * PAGE - 4, 2 * PAGE - 1, 2 * PAGE, 3 * PAGE - 8, 3 * PAGE - 4),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...OPERATIONS),
        pointers,
        fc.integer({ min: -32768, max: 32767 }),
        fc.integer({ min: -5, max: 5 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        ({ text, size, write }, at, far, near, value) => {
          const off = at % 2 === 0 ? near : far;
          const ctx = mem.alloc(24);
          mem.fill(arena.base - PAGE, (PAGES + 2) * PAGE, 0x5a);
          const pointer = (BigInt(USER_HIGH) << 32n) + BigInt((USER_LOW + at) >>> 0);
          const program = [
            'r6 = r1',
            'r2 = *(u64 *)(r1 +0)',
            'r3 = *(u64 *)(r1 +8)',
            'r0 = 0x5a5a5a5a5a5a5a5a ll',
            text.replace('+OFF', `${off < 0 ? '-' : '+'}${Math.abs(off)}`),
            '*(u64 *)(r6 +16) = r3',
            'exit',
          ].join('\n');
          const place = (at + off) | 0;
          const isThere = (page: number): boolean => page === 0 || page === 2;
          const hits =
            place >= 0 &&
            place + size <= arena.size &&
            isThere(Math.floor(place / PAGE)) &&
            isThere(Math.floor((place + size - 1) / PAGE));
          const outcomes = MODES.map((options) => {
            mem.fill(arena.base, arena.size, 0x5a);
            mem.fill(arena.nowhere, 16, 0);
            mem.setU64(ctx, pointer);
            mem.setU64(ctx + 8, value);
            mem.setU64(ctx + 16, 0n);
            engine.regions = [{ start: ctx, size: 24, writable: true }];
            const runnable = load(program, [5], options);
            const low = runnable.run(ctx);
            const high = engine.retHi;
            expect(engine.fault).toBeNull();
            runnable.dispose();
            const after = mem.read(arena.base, arena.size);
            if (!hits) expect(bytesEqual(after, untouched)).toBe(true);
            if (!hits && !write) expect([low, high]).toEqual([0, 0]);
            expect(mem.read(arena.nowhere, 8)).toEqual(new Uint8Array(8));
            return { low, high, r3: mem.u64(ctx + 16), after: Buffer.from(after).toString('latin1') };
          });
          for (const { low, high, r3, after } of outcomes) {
            const [first] = outcomes;
            expect([low, high, r3, after === first!.after]).toEqual([first!.low, first!.high, first!.r3, true]);
          }
          for (const other of [arena.base - PAGE, arena.base + arena.size])
            expect(bytesEqual(mem.read(other, PAGE), untouched.subarray(0, PAGE))).toBe(true);
          mem.free(ctx);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe.each(MODES)('a cast ($mode, checked $checked)', (options) => {
  it('gives user space its address, and NULL for NULL', () => {
    const runnable = load('r0 = addr_space_cast(r1, 1, 0)\nexit', [], options);
    const answer = (ctx: number): bigint => {
      const low = runnable.run(ctx);
      return (BigInt(engine.retHi >>> 0) << 32n) | BigInt(low);
    };
    expect(answer(0)).toBe(0n);
    expect(answer(0x1000_0010)).toBe((BigInt(USER_HIGH) << 32n) | 0x1000_0010n);
  });

  it('to the program forgets the upper half', () => {
    const runnable = load('r1 = 0x7e0010000010 ll\nr0 = addr_space_cast(r1, 0, 1)\nexit', [], options);
    expect(runnable.run(0)).toBe(0x1000_0010);
    expect(engine.retHi).toBe(0);
  });
});
