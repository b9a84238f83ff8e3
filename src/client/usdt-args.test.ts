import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../base/errors.ts';
import { USDT_SPEC_SIZE, usdtSpec } from './usdt-args.ts';

const X64 = 62;
const ARM64 = 183;

/** The first argument of a record: [value, kind, index, shift, register, signed, unused bits]. */
function first(text: string, machine: number): [bigint, ...number[]] {
  const dv = new DataView(usdtSpec(text, machine, 0n).buffer);
  const packed = dv.getUint32(8, true);
  return [
    dv.getBigInt64(0, true),
    packed & 0xff,
    (packed >> 8) & 0xfff,
    (packed >> 20) & 0xf,
    dv.getInt16(12, true),
    dv.getUint8(14),
    dv.getUint8(15),
  ];
}

describe('arguments of a static probe', () => {
  it.each([
    ['-4@$-9', X64, [-9n, 0, 0, 0, 0, 1, 32]],
    ['8@$0x10', X64, [16n, 0, 0, 0, 0, 0, 0]],
    ['8@%rdi', X64, [0n, 1, 0, 0, 112, 0, 0]],
    ['-4@%edi', X64, [0n, 1, 0, 0, 112, 1, 32]],
    ['1@%dil', X64, [0n, 1, 0, 0, 112, 0, 56]],
    ['2@%ax', X64, [0n, 1, 0, 0, 80, 0, 48]],
    ['1@%cl', X64, [0n, 1, 0, 0, 88, 0, 56]],
    ['4@%r10d', X64, [0n, 1, 0, 0, 56, 0, 32]],
    ['8@-16(%rbp)', X64, [-16n, 2, 0, 0, 32, 0, 0]],
    ['8@(%rsp)', X64, [0n, 2, 0, 0, 152, 0, 0]],
    ['-8@8(%r8,%rcx,8)', X64, [8n, 3, 88, 3, 72, 1, 0]],
    ['4@(%rax,%rbx)', X64, [0n, 3, 40, 0, 80, 0, 32]],
    ['8@x30', ARM64, [0n, 1, 0, 0, 240, 0, 0]],
    ['-4@w3', ARM64, [0n, 1, 0, 0, 24, 1, 32]],
    ['8@[sp, 16]', ARM64, [16n, 2, 0, 0, 248, 0, 0]],
    ['-1@[x7]', ARM64, [0n, 2, 0, 0, 56, 1, 56]],
    ['-4@-7', ARM64, [-7n, 0, 0, 0, 0, 1, 32]],
  ] as const)('%s is where the record says', (text, machine, expected) => {
    expect(first(text, machine)).toEqual(expected);
  });

  it('are counted, and stand beside the cookie', () => {
    const dv = new DataView(usdtSpec('8@x0 8@[sp, 8] -4@[x1]', ARM64, 77n).buffer);
    expect([dv.byteLength, dv.getBigUint64(192, true), dv.getUint16(200, true)]).toEqual([USDT_SPEC_SIZE, 77n, 3]);
    expect(new DataView(usdtSpec('', X64, 0n).buffer).getUint16(200, true)).toBe(0);
  });

  it.each(['8@%xmm0', '8@%ah', '8f@%rax', '3@%rax', '8@counter(%rip)', '%rax', '8@', '8@(%rax,%xmm1,2)'])(
    '%s is refused by name',
    (text) => {
      expect(() => usdtSpec(`8@%rax ${text}`, X64, 0n)).toThrow(`'${text}'`);
    },
  );

  it('of any text are a record or an UnsupportedError', () => {
    const word = fc.string({ unit: fc.constantFrom(...'-48@%$([,)]xrwaspdi0 16f#'.split('')), maxLength: 30 });
    fc.assert(
      fc.property(word, fc.constantFrom(X64, ARM64, 40), (text, machine) => {
        try {
          expect(usdtSpec(text, machine, 1n)).toHaveLength(USDT_SPEC_SIZE);
        } catch (error) {
          expect(error).toBeInstanceOf(UnsupportedError);
        }
      }),
    );
    expect(() => usdtSpec('1@$1 '.repeat(13), X64, 0n)).toThrow(/13 arguments/);
  });
});
