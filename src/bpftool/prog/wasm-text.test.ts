import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../base/errors.ts';
import { disassembleWasm, isWasm } from './wasm-text.ts';

/** (module (func (param i32) (result i32) (local i64) local.get 0 i32.const -1 i32.add)) */
const MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 10, 11, 1, 9, 1, 1, 0x7e, 0x20, 0,
  0x41, 0x7f, 0x6a, 0x0b,
]);

describe('WebAssembly as text', () => {
  it('shows each instruction with its place and its immediates', () => {
    expect(isWasm(MODULE)).toBe(true);
    const [fn, ...more] = disassembleWasm(MODULE);
    expect(more).toEqual([]);
    expect(fn?.lines.map(({ at, operation, operands }) => [at, operation, ...operands].join(' '))).toEqual([
      '1 local i64*1',
      '3 local.get 0',
      '5 i32.const -1',
      '7 i32.add',
      '8 end',
    ]);
  });

  it('gives lines or a typed error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, withHeader) => {
        const input = withHeader ? new Uint8Array([...MODULE.subarray(0, 20), ...bytes]) : bytes;
        try {
          disassembleWasm(input);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });
});
