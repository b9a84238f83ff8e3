import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BPF_ADD,
  BPF_AND,
  BPF_ARSH,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  BPF_LSH,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from '../../src/isa/index.ts';
import { alu, swapBytes } from '../../src/verifier/domain/alu.ts';
import { signExtend64, syncBounds, truncate, zeroExtend32 } from '../../src/verifier/domain/bounds.ts';
import { isTaken, learn, negated } from '../../src/verifier/domain/compare.ts';
import { mulBits } from '../../src/verifier/domain/multiply.ts';
import * as t from '../../src/verifier/domain/tnum.ts';
import { LANES } from '../../src/verifier/state/layout.ts';
import { Lanes, Reg } from '../../src/verifier/state/reg.ts';
import { SCALAR } from '../../src/verifier/state/types.ts';

const u64 = (x: bigint) => BigInt.asUintN(64, x);
const s64 = (x: bigint) => BigInt.asIntN(64, x);
const u32 = (x: bigint) => BigInt.asUintN(32, x);
const s32 = (x: bigint) => BigInt.asIntN(32, x);

const lanes = () => new Lanes(new Int32Array(4 * LANES));

/** Whether `x` is one of the numbers that `r` may be. */
function holds(r: Reg, x: bigint): boolean {
  const v = u64(x);
  return (
    (v & ~r.mask) === r.value &&
    v >= r.umin &&
    v <= r.umax &&
    s64(v) >= r.smin &&
    s64(v) <= r.smax &&
    u32(v) >= BigInt(r.u32min) &&
    u32(v) <= BigInt(r.u32max) &&
    s32(v) >= BigInt(r.s32min) &&
    s32(v) <= BigInt(r.s32max)
  );
}

/** Numbers near where ranges begin and end, and any others. */
const number64 = fc.oneof(
  fc.bigInt({ min: -40n, max: 40n }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc
    .tuple(fc.constantFrom(7n, 8n, 15n, 16n, 31n, 32n, 33n, 62n, 63n), fc.bigInt({ min: -3n, max: 3n }))
    .map(([bit, near]) => (1n << bit) + near),
);

/** Knowledge that all the numbers of a sample have in common: by construction it holds each of them. */
function know(lane: Lanes, record: number, sample: readonly bigint[]): Reg {
  const r = new Reg(lane, record);
  r.markUnknown();
  const xs = sample.map(u64);
  let value = xs[0]!;
  let mask = 0n;
  for (const x of xs) mask |= x ^ value;
  value &= ~mask;
  r.varOff = { value, mask };
  const by = (f: (x: bigint) => bigint, pick: (a: bigint, b: bigint) => boolean) =>
    xs.map(f).reduce((a, b) => (pick(a, b) ? a : b));
  const less = (a: bigint, b: bigint) => a < b;
  const more = (a: bigint, b: bigint) => a > b;
  r.umin = by(u64, less);
  r.umax = by(u64, more);
  r.smin = by(s64, less);
  r.smax = by(s64, more);
  r.u32min = Number(by(u32, less));
  r.u32max = Number(by(u32, more));
  r.s32min = Number(by(s32, less));
  r.s32max = Number(by(s32, more));
  return r;
}

const sample = fc.array(number64, { minLength: 1, maxLength: 5 });

const OPS: [string, number, (a: bigint, b: bigint, bits: bigint) => bigint][] = [
  ['add', BPF_ADD, (a, b) => a + b],
  ['sub', BPF_SUB, (a, b) => a - b],
  ['mul', BPF_MUL, (a, b) => a * b],
  ['and', BPF_AND, (a, b) => a & b],
  ['or', BPF_OR, (a, b) => a | b],
  ['xor', BPF_XOR, (a, b) => a ^ b],
  ['neg', BPF_NEG, (a) => -a],
  ['lsh', BPF_LSH, (a, b, bits) => a << (u64(b) & (bits - 1n))],
  ['rsh', BPF_RSH, (a, b, bits) => (bits === 64n ? u64(a) : u32(a)) >> (u64(b) & (bits - 1n))],
  ['arsh', BPF_ARSH, (a, b, bits) => (bits === 64n ? s64(a) : s32(a)) >> (u64(b) & (bits - 1n))],
];

describe('arithmetic on what is known about numbers', () => {
  for (const [name, op, run] of OPS) {
    it(`${name}: the result of every pair of numbers is one of those allowed`, () => {
      fc.assert(
        fc.property(sample, sample, fc.boolean(), (as, bs, is32) => {
          const l = lanes();
          const a = know(l, 0, as);
          const b = know(l, 1, op >= BPF_LSH && op !== BPF_XOR && op !== BPF_NEG ? [bs[0]!] : bs);
          alu(op, is32, a, op === BPF_NEG ? a : b);
          expect(a.type).toBe(SCALAR);
          for (const x of as) {
            for (const y of op >= BPF_LSH && op !== BPF_XOR ? [bs[0]!] : bs) {
              const got = run(u64(x), u64(y), is32 ? 32n : 64n);
              expect(holds(a, is32 ? u32(got) : got)).toBe(true);
            }
          }
        }),
        { numRuns: 400 },
      );
    });
  }

  it('truncation, extension, byte order and settling keep every number', () => {
    fc.assert(
      fc.property(sample, fc.constantFrom(1, 2, 4), (xs, size) => {
        const bits = size * 8;
        const settled = know(lanes(), 0, xs);
        syncBounds(settled);
        const cut = know(lanes(), 0, xs);
        truncate(cut, size);
        const extended = know(lanes(), 0, xs);
        signExtend64(extended, size);
        const low = know(lanes(), 0, xs);
        zeroExtend32(low);
        const swapped = know(lanes(), 0, xs);
        swapBytes(swapped, 8, true);
        for (const x of xs) {
          expect(holds(settled, x)).toBe(true);
          expect(holds(cut, BigInt.asUintN(bits, u64(x)))).toBe(true);
          expect(holds(extended, BigInt.asIntN(bits, u64(x)))).toBe(true);
          expect(holds(low, u32(x))).toBe(true);
          const bytes = u64(x).toString(16).padStart(16, '0').match(/../g)!.reverse().join('');
          expect(holds(swapped, BigInt(`0x${bytes}`))).toBe(true);
        }
      }),
      { numRuns: 600 },
    );
  });
});

const COMPARES: [number, (a: bigint, b: bigint, s: (x: bigint) => bigint) => boolean][] = [
  [BPF_JEQ, (a, b) => a === b],
  [BPF_JNE, (a, b) => a !== b],
  [BPF_JGT, (a, b) => a > b],
  [BPF_JGE, (a, b) => a >= b],
  [BPF_JLT, (a, b) => a < b],
  [BPF_JLE, (a, b) => a <= b],
  [BPF_JSGT, (a, b, s) => s(a) > s(b)],
  [BPF_JSGE, (a, b, s) => s(a) >= s(b)],
  [BPF_JSLT, (a, b, s) => s(a) < s(b)],
  [BPF_JSLE, (a, b, s) => s(a) <= s(b)],
  [BPF_JSET, (a, b) => (a & b) !== 0n],
];

describe('comparisons of what is known about numbers', () => {
  it('a settled answer is the answer for every pair, and each branch keeps the pairs that go there', () => {
    fc.assert(
      fc.property(sample, sample, fc.boolean(), fc.constantFrom(...COMPARES), (as, bs, is32, [op, holdsFor]) => {
        const cut = is32 ? u32 : u64;
        const signed = is32 ? s32 : s64;
        const answer = isTaken(op, is32, know(lanes(), 0, as), know(lanes(), 1, bs));
        const yes = [know(lanes(), 0, as), know(lanes(), 1, bs)] as const;
        const no = [know(lanes(), 0, as), know(lanes(), 1, bs)] as const;
        learn(op, is32, ...yes);
        learn(negated(op), is32, ...no);
        for (const x of as) {
          for (const y of bs) {
            const is = holdsFor(cut(u64(x)), cut(u64(y)), signed);
            if (answer >= 0) expect(answer).toBe(is ? 1 : 0);
            const [a, b] = is ? yes : no;
            expect(holds(a, x)).toBe(true);
            expect(holds(b, y)).toBe(true);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** What the verifier makes of two factors. */
function product(a: t.Tnum, b: t.Tnum): t.Tnum {
  const l = lanes();
  const [x, y] = [know(l, 0, [0n]), know(l, 1, [0n])];
  x.varOff = a;
  y.varOff = b;
  mulBits(x, y);
  return x.varOff;
}

/** Long multiplication of tristate numbers as one writes it down, in bigints. */
function longProduct(a: t.Tnum, b: t.Tnum): t.Tnum {
  const sum = (x: t.Tnum, y: t.Tnum): t.Tnum => {
    const value = x.value + y.value;
    const mask = u64(((x.mask + y.mask + value) ^ value) | x.mask | y.mask);
    return { value: u64(value) & ~mask, mask };
  };
  const either = (x: t.Tnum, y: t.Tnum): t.Tnum => {
    const mask = x.mask | y.mask | (x.value ^ y.value);
    return { value: x.value & y.value & ~mask, mask };
  };
  let out: t.Tnum = { value: 0n, mask: 0n };
  for (let bit = 0n; bit < 64n; bit++) {
    const shifted = { value: u64(b.value << bit), mask: u64(b.mask << bit) };
    if ((a.value >> bit) & 1n) out = sum(out, shifted);
    else if ((a.mask >> bit) & 1n) out = either(out, sum(out, shifted));
  }
  return out;
}

it('a product in halves is the product in one', () => {
  const tnum = fc
    .tuple(number64, number64)
    .map(([value, mask]) => ({ value: u64(value) & ~u64(mask), mask: u64(mask) }));
  fc.assert(
    fc.property(tnum, tnum, (a, b) => {
      expect(product(a, b)).toEqual(longProduct(a, b));
    }),
    { numRuns: 3000 },
  );
});

describe('tristate numbers of four bits, all of them', () => {
  const all: t.Tnum[] = [];
  for (let mask = 0n; mask < 16n; mask++) {
    for (let value = 0n; value < 16n; value++) if ((value & mask) === 0n) all.push({ value, mask });
  }
  const members = (x: t.Tnum) => {
    const out: bigint[] = [];
    for (let n = 0n; n < 16n; n++) if ((n & ~x.mask) === x.value) out.push(n);
    return out;
  };
  const within = (x: t.Tnum, n: bigint) => (u64(n) & ~x.mask) === x.value;

  it('differences, products and bit operations hold every result', () => {
    for (const a of all) {
      for (const b of all) {
        const results = [t.tnumSub(a, b), product(a, b), t.tnumAnd(a, b), t.tnumOr(a, b), t.tnumXor(a, b)];
        let meet = false;
        for (const x of members(a)) {
          for (const y of members(b)) {
            const got = [x - y, x * y, x & y, x | y, x ^ y];
            if (!results.every((r, k) => within(r, got[k]!))) throw new Error(`${JSON.stringify(got.map(String))}`);
            if (x === y) meet = true;
          }
        }
        expect(t.tnumOverlap(a, b)).toBe(meet);
        expect(t.tnumIn(a, b)).toBe(members(b).every((y) => within(a, y)));
      }
    }
  });

  it('the next member after a number is found', () => {
    for (const a of all) {
      for (let x = 0n; x < 16n; x++) {
        const above = members(a).find((m) => m > x) ?? a.value | a.mask;
        expect(t.tnumStep(a, x)).toBe(above);
      }
    }
  });

  it('a range is held by its tnum', () => {
    for (let min = 0n; min < 16n; min++) {
      for (let max = min; max < 16n; max++) {
        const r = t.tnumRange(min, max);
        for (let x = min; x <= max; x++) expect(within(r, x)).toBe(true);
      }
    }
  });
});
