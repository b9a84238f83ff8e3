import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from './bytes.ts';

/** LEB128 as the specification reads it. */
function readLeb(bytes: Uint8Array, signed: boolean): bigint {
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if ((byte & 0x80) === 0) return signed && (byte & 0x40) !== 0 ? value - (1n << shift) : value;
  }
  throw new Error('the number does not end');
}

test('numbers are written in LEB128, as short as can be', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), fc.nat(63), (any, shift) => {
      const value = any >> BigInt(shift);
      const w = new ByteWriter();
      w.s64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
      expect(readLeb(w.take(), true)).toBe(value);
      const bits = (value < 0n ? ~value : value).toString(2).length + 1;
      expect(w.length).toBe(value === 0n || value === -1n ? 1 : Math.ceil(bits / 7));
      const narrow = Number(BigInt.asIntN(32, value));
      const s = new ByteWriter();
      s.s32(narrow);
      expect(readLeb(s.take(), true)).toBe(BigInt(narrow));
      const u = new ByteWriter();
      u.u32(narrow >>> 0);
      expect(readLeb(u.take(), false)).toBe(BigInt(narrow >>> 0));
    }),
    { numRuns: 2000 },
  );
});
