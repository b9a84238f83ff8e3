/** Ranges and bits against brute force: sets of a few numbers, and every number that the operation makes of them. */
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
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from '../../isa/index.ts';
import { LANES } from '../state/layout.ts';
import { Lanes, Reg } from '../state/reg.ts';
import { alu } from './alu.ts';
import { signExtend64, syncBounds, truncate } from './bounds.ts';
import { isTaken, learn, negated } from './compare.ts';

const u = (x: bigint, bits = 64) => BigInt.asUintN(bits, x);
const s = (x: bigint, bits = 64) => BigInt.asIntN(bits, x);
const least = (all: readonly bigint[]) => all.reduce((a, b) => (b < a ? b : a));
const most = (all: readonly bigint[]) => all.reduce((a, b) => (b > a ? b : a));

/** Around the places where something overflows. */
const number = fc
  .tuple(fc.constantFrom(0n, 1n << 31n, 1n << 32n, 1n << 63n, -(1n << 31n)), fc.bigInt(-300n, 300n), fc.nat(3))
  .map(([base, near, shift]) => u(base + (near >> BigInt(shift))));
const numbers = fc.uniqueArray(number, { minLength: 1, maxLength: 5 });

/** What is known where it is one of `all`; `loose`: less than that. */
function regOf(all: readonly bigint[], loose: number): Reg {
  const r = new Reg(new Lanes(new Int32Array(LANES)), 0);
  r.markUnknown();
  if (!(loose & 1)) {
    const mask = all.reduce((m, x) => m | (x ^ all[0]!), 0n);
    r.varOff = { value: all[0]! & ~mask, mask };
  }
  if (!(loose & 2)) {
    r.umin = least(all);
    r.umax = most(all);
  }
  if (!(loose & 4)) {
    r.smin = least(all.map((x) => s(x)));
    r.smax = most(all.map((x) => s(x)));
  }
  syncBounds(r);
  return r;
}

function holds(r: Reg, x: bigint): boolean {
  const low = u(x, 32);
  const signedLow = s(x, 32);
  return (
    (x & ~r.mask) === r.value &&
    x >= r.umin &&
    x <= r.umax &&
    s(x) >= r.smin &&
    s(x) <= r.smax &&
    low >= BigInt(r.u32min) &&
    low <= BigInt(r.u32max) &&
    signedLow >= BigInt(r.s32min) &&
    signedLow <= BigInt(r.s32max)
  );
}

const OPS: Record<number, (a: bigint, b: bigint, bits: number) => bigint> = {
  [BPF_ADD]: (a, b) => a + b,
  [BPF_SUB]: (a, b) => a - b,
  [BPF_MUL]: (a, b) => a * b,
  [BPF_AND]: (a, b) => a & b,
  [BPF_OR]: (a, b) => a | b,
  [BPF_XOR]: (a, b) => a ^ b,
  [BPF_LSH]: (a, b, bits) => a << (b % BigInt(bits)),
  [BPF_RSH]: (a, b, bits) => u(a, bits) >> (b % BigInt(bits)),
  [BPF_ARSH]: (a, b, bits) => s(a, bits) >> (b % BigInt(bits)),
};
const JUMPS: Record<number, (a: bigint, b: bigint, bits: number) => boolean> = {
  [BPF_JEQ]: (a, b) => a === b,
  [BPF_JNE]: (a, b) => a !== b,
  [BPF_JSET]: (a, b) => (a & b) !== 0n,
  [BPF_JGT]: (a, b) => a > b,
  [BPF_JGE]: (a, b) => a >= b,
  [BPF_JLT]: (a, b) => a < b,
  [BPF_JLE]: (a, b) => a <= b,
  [BPF_JSGT]: (a, b, bits) => s(a, bits) > s(b, bits),
  [BPF_JSGE]: (a, b, bits) => s(a, bits) >= s(b, bits),
  [BPF_JSLT]: (a, b, bits) => s(a, bits) < s(b, bits),
  [BPF_JSLE]: (a, b, bits) => s(a, bits) <= s(b, bits),
};
const keyOf = (table: object) => fc.constantFrom(...Object.keys(table).map(Number));
const runs = { numRuns: 1500 };

describe('what is known about numbers', () => {
  it('keeps every number it stands for when ranges and bits teach one another', () => {
    fc.assert(
      fc.property(numbers, fc.nat(7), (all, loose) => {
        const r = regOf(all, loose);
        for (const x of all) expect(holds(r, x)).toBe(true);
      }),
      runs,
    );
  });

  it('holds every result of arithmetic, in 64 and in 32 bits', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.nat(7), keyOf(OPS), fc.boolean(), (as, bs, loose, op, is32) => {
        const bits = is32 ? 32 : 64;
        const r = regOf(as, loose);
        const shifts = op === BPF_LSH || op === BPF_RSH || op === BPF_ARSH;
        const operands = shifts ? [bs[0]! % BigInt(bits)] : bs;
        alu(op, is32, r, regOf(operands, loose));
        for (const a of as) for (const b of operands) expect(holds(r, u(OPS[op]!(a, b, bits), bits))).toBe(true);
      }),
      runs,
    );
  });

  it('settles a comparison only where all numbers agree, and learns nothing that is not so', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.nat(7), keyOf(JUMPS), fc.boolean(), (as, bs, loose, op, is32) => {
        const bits = is32 ? 32 : 64;
        const answers = as.flatMap((a) => bs.map((b) => ({ a, b, yes: JUMPS[op]!(u(a, bits), u(b, bits), bits) })));
        const taken = isTaken(op, is32, regOf(as, loose), regOf(bs, loose));
        for (const { yes } of answers) if (taken >= 0) expect(yes).toBe(taken === 1);
        if (taken >= 0) return;
        for (const yes of [true, false]) {
          const a = regOf(as, loose);
          const b = regOf(bs, loose);
          learn(yes ? op : negated(op), is32, a, b);
          for (const pair of answers) {
            if (pair.yes === yes) expect(holds(a, pair.a) && holds(b, pair.b)).toBe(true);
          }
        }
      }),
      runs,
    );
  });

  it('cuts and extends signs as the machine does', () => {
    fc.assert(
      fc.property(numbers, fc.nat(7), fc.constantFrom(1, 2, 4), (all, loose, size) => {
        const cut = regOf(all, loose);
        truncate(cut, size);
        const extended = regOf(all, loose);
        signExtend64(extended, size);
        for (const x of all) {
          expect(holds(cut, u(x, size * 8))).toBe(true);
          expect(holds(extended, u(s(x, size * 8)))).toBe(true);
        }
      }),
      runs,
    );
  });
});
