import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arsh, div, lsh, mod, mul, neg, rsh, sdiv, smod } from './u64.ts';

const wide = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.bigInt({ min: 0n, max: 0xffffffffn }),
  fc.constantFrom(0n, 1n, 1n << 63n, (1n << 64n) - 1n, 0xffffffffn, 1n << 32n, (1n << 63n) - 1n),
  fc
    .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -1, max: 1 }))
    .map(([n, d]) => BigInt.asUintN(64, (1n << BigInt(n)) + BigInt(d))),
);

/** `op` on registers, as a bigint. */
function apply(op: Op, a: bigint, b: bigint): bigint {
  const regs = new Int32Array(4);
  const words = new BigUint64Array(regs.buffer);
  words[1] = a;
  const other = new Int32Array(BigUint64Array.of(b).buffer);
  op(regs, 2, other[0]!, other[1]!);
  return words[1];
}

const s = (x: bigint): bigint => BigInt.asIntN(64, x);
const u = (x: bigint): bigint => BigInt.asUintN(64, x);

type Op = (regs: Int32Array, at: number, lo: number, hi: number) => void;
const MODEL: readonly [Op, (a: bigint, b: bigint) => bigint][] = [
  [mul, (a, b) => u(a * b)],
  [div, (a, b) => (b === 0n ? 0n : a / b)],
  [mod, (a, b) => (b === 0n ? a : a % b)],
  [sdiv, (a, b) => (b === 0n ? 0n : u(s(a) / s(b)))],
  [smod, (a, b) => (b === 0n ? a : u(s(a) % s(b)))],
];

for (const [op, model] of MODEL) {
  test(`${op.name} agrees with bigints`, () => {
    fc.assert(
      fc.property(wide, wide, (a, b) => {
        expect(apply(op, a, b)).toBe(model(a, b));
      }),
      { numRuns: 3000 },
    );
  });
}

test('shifts and negation agree with bigints', () => {
  fc.assert(
    fc.property(wide, fc.integer({ min: 0, max: 63 }), (a, n) => {
      expect(apply((r, at) => lsh(r, at, n), a, 0n)).toBe(u(a << BigInt(n)));
      expect(apply((r, at) => rsh(r, at, n), a, 0n)).toBe(a >> BigInt(n));
      expect(apply((r, at) => arsh(r, at, n), a, 0n)).toBe(u(s(a) >> BigInt(n)));
      expect(apply((r, at) => neg(r, at), a, 0n)).toBe(u(-a));
    }),
    { numRuns: 1000 },
  );
});
