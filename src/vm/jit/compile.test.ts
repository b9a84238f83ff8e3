import { describe, expect, test } from 'vitest';
import { MAP_HEADER_SIZE } from '../../base/map-header.ts';
import { assemble, Insns } from '../../isa/index.ts';
import { BPF_MAP_TYPE_ARRAY } from '../../uapi/generated/constants.ts';
import { type Code, Engine, LinearMemory, type Runnable } from '../index.ts';

const code = (text: string, extra: Partial<Code> = {}): Code => ({ insns: assemble(text), subprogs: [0], ...extra });

function engineWith(mem = new LinearMemory()): Engine {
  return new Engine(mem, { helpers: new Map([[1, { name: 'lookup', args: 'ii', ret: 'ptr', call: () => 4 }]]) });
}

/** The WebAssembly opcodes of a program are looked for by their bytes. */
const has = (image: Uint8Array, ...bytes: number[]): boolean => Buffer.from(image).includes(Buffer.from(bytes));

test('the image is a valid module, and its ranges are the functions', () => {
  const engine = engineWith();
  const text = 'call sub\nr0 += 1\nexit\nsub: r0 = 41\nexit';
  const p = engine.load(code(text, { subprogs: [0, 3], names: ['entry', 'helper'] }));
  const { image, ranges } = p;
  expect(WebAssembly.validate(image as Uint8Array<ArrayBuffer>)).toBe(true);
  expect(ranges.length).toBe(2);
  for (const { offset, size } of ranges) {
    // A body ends with the opcode `end`.
    expect(image[offset + size - 1]).toBe(0x0b);
  }
  const names = WebAssembly.Module.customSections(new WebAssembly.Module(image as Uint8Array<ArrayBuffer>), 'name');
  expect(Buffer.from(names[0]!).includes('helper')).toBe(true);
  expect(p.run(0)).toBe(42);
});

test('structured control flow has no dispatch; an irreducible loop has one', () => {
  const engine = engineWith();
  const brTable = (text: string): boolean => {
    const { image, ranges } = engine.load(code(text));
    const { offset, size } = ranges[0]!;
    return has(image.subarray(offset, offset + size), 0x0e, 1);
  };
  expect(brTable('r0 = 0\nagain: r0 += 1\nif r0 > 5 goto out\nif r1 == 7 goto again\ngoto again\nout: exit')).toBe(
    false,
  );
  expect(brTable('r0 = 0\nif r1 == 0 goto mid\nhead: r0 += 1\nmid: r0 += 2\nif r0 < 9 goto head\nexit')).toBe(true);
});

test('a 64-bit rotate is one instruction', () => {
  const engine = engineWith();
  const { image } = engine.load(code('r2 = r1\nr2 <<= 13\nr1 >>= 51\nr2 |= r1\nr0 = r2\nexit'));
  expect(has(image, 0x42, 13, 0x89)).toBe(true);
  const other = engine.load(code('r2 = r1\nr2 <<= 13\nr1 >>= 50\nr2 |= r1\nr0 = r2\nexit'));
  expect(has(other.image, 0x42, 13, 0x89)).toBe(false);
});

describe('counting bits, as compilers write it, is one instruction', () => {
  const FORMS: Readonly<Record<string, { text: string; popcnt: number }>> = {
    'of 64': {
      popcnt: 0x7b,
      text: `r2 = r1\nr2 >>= 1\nr3 = 0x5555555555555555 ll\nr2 &= r3\nr1 -= r2\nr2 = 0x3333333333333333 ll\nr0 = r1\nr0 &= r2\nr1 >>= 2
        r1 &= r2\nr0 += r1\nr1 = r0\nr1 >>= 4\nr0 += r1\nr1 = 0xf0f0f0f0f0f0f0f ll\nr0 &= r1\nr1 = 0x101010101010101 ll\nr0 *= r1\nr0 >>= 56`,
    },
    'of 32 in 64': {
      popcnt: 0x69,
      text: `*(u64 *)(r10 -8) = r1\nr1 = *(u32 *)(r10 -8)\nr2 = r1\nr2 >>= 1\nr2 &= 0x55555555\nr1 -= r2\nr0 = r1\nr0 &= 0x33333333\nr1 >>= 2
        r1 &= 0x33333333\nr0 += r1\nr1 = r0\nr1 >>= 4\nr0 += r1\nr0 &= 0x0f0f0f0f\nr0 *= 0x01010101\nr1 = 0xff000000 ll\nr0 &= r1\nr0 >>= 24`,
    },
    'of 32': {
      popcnt: 0x69,
      text: `w2 = w1\nw2 >>= 1\nw2 &= 0x55555555\nw1 -= w2\nw0 = w1\nw0 &= 0x33333333\nw1 >>= 2\nw1 &= 0x33333333\nw0 += w1\nw1 = w0
        w1 >>= 4\nw0 += w1\nw0 &= 0x0f0f0f0f\nw0 *= 0x01010101\nw0 >>= 24`,
    },
  };
  const NUMBERS = [0, 1, 3, 0x80000000, 0xffffffff, 0x12345678];

  test.each(Object.entries(FORMS))('%s', (_, { text, popcnt }) => {
    const load = (insns: string, hi: number, mode: 'jit' | 'interpreter') => {
      const made = code(`w6 = ${hi}\nr6 <<= 32\nr1 |= r6\n${insns}\nexit`);
      return { made, program: engineWith().load(made, { mode }) };
    };
    /** The opcode, and behind it what sets a local or changes the width. */
    const counts = ({ image, ranges }: Runnable): boolean => {
      const body = image.subarray(ranges[0]!.offset, ranges[0]!.offset + ranges[0]!.size);
      return [0x21, 0x22, 0xa7, 0xad].some((next) => has(body, popcnt, next));
    };
    const { made, program } = load(text, 0, 'jit');
    expect(counts(program)).toBe(true);
    for (const hi of [0, 7, -1]) {
      const [fast, slow] = [load(text, hi, 'jit').program, load(text, hi, 'interpreter').program];
      for (const n of NUMBERS) expect(fast.run(n)).toBe(slow.run(n));
    }
    // Each constant has to be the right one.
    for (let pc = 3; pc < made.insns.length - 1; pc++) {
      if (made.insns.imm[pc] === 0) continue;
      const [fast, slow] = [
        code(`w6 = 5\nr6 <<= 32\nr1 |= r6\n${text}\nexit`),
        code(`w6 = 5\nr6 <<= 32\nr1 |= r6\n${text}\nexit`),
      ];
      fast.insns.imm[pc]! ^= 2;
      slow.insns.imm[pc]! ^= 2;
      const [a, b] = [engineWith().load(fast), engineWith().load(slow, { mode: 'interpreter' })];
      expect(counts(a)).toBe(false);
      for (const n of NUMBERS) expect(a.run(n)).toBe(b.run(n));
    }
  });
});

describe('an address that is a constant and a register', () => {
  const run = (text: string, mode: 'jit' | 'interpreter'): number => engineWith().load(code(text), { mode }).run(5);

  test.each([
    ['a number below 2^32', 'r2 = 3\nr3 = r10\nr3 += -16\nr3 += r2\n*(u8 *)(r3 +1) = 77\nr0 = *(u8 *)(r10 -12)'],
    ['one that is taken away', 'r2 = -3\nr3 = r10\nr3 += -8\nr3 += r2\n*(u8 *)(r3 +0) = 77\nr0 = *(u8 *)(r10 -11)'],
    [
      'one that has changed since',
      'r2 = 3\nr3 = r10\nr3 += -16\nr3 += r2\nr2 = 9\n*(u8 *)(r3 +1) = 77\nr0 = *(u8 *)(r10 -12)',
    ],
    [
      'a register that is added to itself',
      'r3 = r10\nr3 += -16\nr3 += r3\nr3 -= r10\nr3 += 16\n*(u8 *)(r3 +0) = 77\nr0 = *(u8 *)(r10 -16)',
    ],
    ['the frame, added last', 'r2 = 3\nr2 += -16\nr2 += r10\n*(u8 *)(r2 +1) = 77\nr0 = *(u8 *)(r10 -12)'],
    ['the argument, added to a constant', 'r3 = r10\nr3 += -16\nr3 += r1\n*(u8 *)(r3 +1) = 77\nr0 = *(u8 *)(r10 -10)'],
  ])('%s', (_, text) => {
    expect(run(`${text}\nexit`, 'interpreter')).toBe(77);
    expect(run(`${text}\nexit`, 'jit')).toBe(77);
  });
});

describe('an array lookup whose map is known', () => {
  const mem = new LinearMemory();
  const engine = engineWith(mem);
  const base = mem.alloc(80);
  const key = mem.alloc(8);
  const addr = mem.alloc(MAP_HEADER_SIZE);
  const map = { type: BPF_MAP_TYPE_ARRAY, addr, keySize: 4, valueSize: 8, maxEntries: 10, base, stride: 8 };
  const text = `r2 = r1\nr1 = ${addr} ll\ncall 1\nexit`;
  const p = engine.load(code(text, { callMaps: new Map([[3, map]]) }));

  test.each([
    [0, 0],
    [9, 72],
  ])('finds element %i in place', (index, at) => {
    mem.setU32(key, index);
    expect(p.run(key)).toBe(base + at);
  });

  test.each([10, 0xffffffff, 0x80000000])('answers NULL for index %i', (index) => {
    mem.setU32(key, index);
    expect(p.run(key)).toBe(0);
  });

  test('asks the helper where elements are elsewhere', () => {
    const other = engine.load(code(text, { callMaps: new Map([[3, { ...map, base: 0 }]]) }));
    expect(other.run(key)).toBe(4);
  });
});

test('short functions are written in the place of their calls, as long as the whole stays short', () => {
  const engine = engineWith();
  const calls = (text: string, subprogs: number[]): boolean => {
    const p = engine.load(code(text, { subprogs }));
    const { offset, size } = p.ranges[0]!;
    // `call` of the first function behind the imports and the entry, or of the one after it.
    const body = p.image.subarray(offset, offset + size);
    return has(body, 0x10, 1) || has(body, 0x10, 2);
  };
  expect(calls('r6 = 1\ncall f\nr0 += r6\nexit\nf: r6 = 5\nr0 = r6\nexit', [0, 4])).toBe(false);
  expect(calls('call f\nexit\nf: *(u64 *)(r10 -8) = 1\nr0 = 1\nexit', [0, 2])).toBe(true);
  const many = 'call g\n'.repeat(10);
  expect(calls(`call f\nexit\nf: ${many}exit\ng: r0 = 1\nr0 = 2\nr0 = 3\nexit`, [0, 2, 13])).toBe(true);
});

test('twenty thousand calls of a function that needs registers of its own', () => {
  const engine = engineWith();
  const n = 20_000;
  const text = `r6 = 0\nr7 = 0\n${'call f\nr6 += r0\n'.repeat(n)}r0 = r6\nexit\nf: r6 = 1\nr7 = 2\nr8 = 3\nr9 = 4\nr0 = 1\nexit`;
  const p = engine.load(code(text, { subprogs: [0, 2 * n + 4] }));
  expect(p.run(0)).toBe(n);
  expect(engine.fault).toBe(null);
});

describe('long programs', () => {
  const engine = engineWith();
  const run = (text: string, ctx = 0): number => {
    const p = engine.load(code(text));
    const answer = p.run(ctx);
    expect(engine.fault).toBe(null);
    p.dispose();
    return answer;
  };

  test('thirty thousand instructions in a row', () => {
    expect(run(`r0 = 0\n${'r0 += 1\n'.repeat(30_000)}exit`)).toBe(30_000);
  });

  test('ten thousand jumps to one place', () => {
    const ladder = Array.from({ length: 10_000 }, (_, i) => `if r1 == ${i + 5} goto out\nr0 += 1\n`).join('');
    expect(run(`r0 = 0\n${ladder}out: exit`, 5000)).toBe(4995);
  });

  test('five thousand jumps to as many places, one inside the other', () => {
    const n = 5000;
    const jumps = Array.from({ length: n }, (_, i) => `if r1 == ${i} goto l${i}\n`).join('');
    const places = Array.from({ length: n }, (_, i) => `l${i}: r0 += 1\n`).join('');
    expect(run(`r0 = 0\n${jumps}exit\n${places}exit`, 4000)).toBe(1000);
  });

  test('two thousand loops, one inside the other', () => {
    const n = 2000;
    const heads = Array.from({ length: n }, (_, i) => `h${i}: r0 += 1\n`).join('');
    const tails = Array.from({ length: n }, (_, i) => `if r0 < ${n + i} goto h${n - 1 - i}\n`).join('');
    expect(run(`r0 = 0\n${heads}${tails}exit`)).toBeGreaterThanOrEqual(2 * n - 1);
  });

  test('a function that is larger than WebAssembly allows is interpreted', () => {
    // Stores to the stack: few instructions become longer ones.
    const insns = new Insns(550_000);
    insns.code.fill(0x7a);
    insns.dst.fill(10);
    insns.off.fill(-8);
    insns.imm.fill(0x7fffffff);
    insns.code.set([0x79, 0x95], insns.length - 2);
    insns.dst.fill(0, insns.length - 2);
    insns.src[insns.length - 2] = 10;
    const p = engine.load({ insns, subprogs: [0] });
    expect(p.run(0)).toBe(0x7fffffff);
    expect(p.image.length).toBe(0);
    p.dispose();
  });

  test('loops that are entered in many places', () => {
    const n = 300;
    const jumps = Array.from({ length: n }, (_, i) => `if r1 == ${i} goto l${i}\n`).join('');
    const places = Array.from(
      { length: n },
      (_, i) => `l${i}: r0 += 1\nif r0 == ${n + 5 + i} goto l${(i * 7) % n}\n`,
    ).join('');
    expect(run(`r0 = 0\n${jumps}${places}if r0 < 3 goto l0\nexit`, 100)).toBe(200);
  });
});
