import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EINVAL, ENOSPC } from '../../base/errno.ts';
import { parseFormat } from './parse.ts';
import { type FormatSource, renderFormat } from './render.ts';

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const text = (b: Uint8Array) => String.fromCharCode(...b);

const SOURCE: FormatSource = {
  text: (_where, addr, size) => (addr === 0n ? null : bytes('x'.repeat(Number(addr % 600n))).subarray(0, size - 1)),
  bytes: (addr, size) => (addr === 0n ? null : Uint8Array.from({ length: size }, (_, i) => i)),
  symbol: (addr) => (addr === 1n ? 'main+0x4/0x20' : undefined),
};

function show(format: string, args: bigint[], size = 1000): string | number {
  const pieces = parseFormat(bytes(format), args.length);
  if (typeof pieces === 'number') return pieces;
  const shown = renderFormat(pieces, BigUint64Array.from(args), SOURCE, size);
  return typeof shown === 'number' ? shown : text(shown.text);
}

describe('formats', () => {
  const rows: [string, bigint[], string | number][] = [
    ['100%%', [], '100%'],
    ['%d %u', [0xffff_ffffn, 0xffff_ffffn], '-1 4294967295'],
    ['%lx', [0x1234_5678_9abcn], '123456789abc'],
    ['[%5d|%-5d|%05d|%+d]', [42n, 42n, 42n, 42n], '[   42|42   |00042|+42]'],
    ['%px %20px', [0x1000n, 0x1000n], '0000000000001000                 1000'],
    ['%p', [0n], '0000000000000000'],
    ['%ps %pS', [1n, 1n], 'main main+0x4/0x20'],
    ['%pB', [0x99n], '0x99'],
    ['%pI4 %pi4', [1n, 1n], '0.1.2.3 000.001.002.003'],
    ['%pI6', [1n], '0001:0203:0405:0607:0809:0a0b:0c0d:0e0f'],
    ['%s.', [3n], 'xxx.'],
    ['%5s.', [0n], '     .'],
    ['%c%c', [72n, 105n], 'Hi'],
    ['%d', [], -EINVAL],
    ['%5', [1n], -EINVAL],
    ['%sx', [1n], -EINVAL],
    ['%.3d', [1n], -EINVAL],
    ['%pJ', [1n], -EINVAL],
    ['\x01', [], -EINVAL],
    ['caf\xe9', [], -EINVAL],
  ];
  for (const [format, args, expected] of rows) {
    test(`${JSON.stringify(format)} with ${args.length} arguments`, () => {
      expect(show(format, args)).toBe(expected);
    });
  }

  test('what does not fit of the arguments is cut, then refused', () => {
    expect(show('%s%s', [400n, 400n])).toBe('x'.repeat(400 + 110));
    expect(show('%s%s%s', [400n, 400n, 1n])).toBe(-ENOSPC);
  });

  test('the same address has the same hash, another has another', () => {
    expect(show('%p', [0xffff_8880_0000_1000n])).toBe(show('%p', [0xffff_8880_0000_1000n]));
    expect(show('%p', [0xffff_8880_0000_1000n])).not.toBe(show('%p', [0xffff_8880_0000_2000n]));
    expect(show('%p', [0xffff_8880_0000_1000n])).toMatch(/^00000000[0-9a-f]{8}$/);
  });

  test('any bytes are a format or -EINVAL, and any format is shown within its room', () => {
    const format = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ maxLength: 40, unit: fc.constantFrom(...'%0-+ 123pdsxXuilckKIBS46.|') }).map(bytes),
    );
    const args = fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { maxLength: 12 });
    fc.assert(
      fc.property(format, args, fc.nat(200), (raw, values, size) => {
        const pieces = parseFormat(raw, values.length);
        if (typeof pieces === 'number') {
          expect(pieces).toBe(-EINVAL);
          return;
        }
        expect(pieces.filter((p) => !(p instanceof Uint8Array)).length).toBeLessThanOrEqual(values.length);
        const shown = renderFormat(pieces, BigUint64Array.from(values), SOURCE, size);
        if (typeof shown === 'number') expect(shown).toBe(-ENOSPC);
        else expect(shown.text.length).toBeLessThanOrEqual(Math.max(size - 1, 0));
      }),
      { numRuns: 500 },
    );
  });
});
