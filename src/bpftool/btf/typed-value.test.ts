import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import { type Btf, BtfBuilder, parseBtf } from '../../btf/index.ts';
import { JsonWriter } from '../json-writer.ts';
import { writeTyped } from './typed-value.ts';

function types(): { btf: Btf; struct: number; pointer: number; text: number } {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, 'signed');
  const char = builder.int('char', 1, 'signed');
  const pointer = builder.ptr(0);
  const text = builder.array(char, 4, int);
  const struct = builder.add({
    kind: 'struct',
    name: 's',
    size: 8,
    kindFlag: true,
    members: [
      { name: 'low', type: int, bitOffset: 0, bitfieldSize: 3 },
      { name: 'rest', type: int, bitOffset: 3, bitfieldSize: 12 },
      { name: 'whole', type: int, bitOffset: 32, bitfieldSize: 0 },
    ],
  });
  return { btf: parseBtf(builder.build()), struct, pointer, text };
}

function shown(btf: Btf, id: number, bytes: Uint8Array, plain: boolean): string {
  let out = '';
  writeTyped(new JsonWriter((part) => (out += part), false), btf, id, bytes, plain);
  return out;
}

describe('typed values', () => {
  const { btf, struct, pointer, text } = types();

  it('shows bit-fields as hex, bare for people and quoted in JSON', () => {
    const bytes = new Uint8Array([0xfd, 0x7f, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    expect(shown(btf, struct, bytes, true)).toBe('{"low":0x5,"rest":0xfff,"whole":-1}');
    expect(shown(btf, struct, bytes, false)).toBe('{"low":"0x5","rest":"0xfff","whole":-1}');
  });

  it('shows a null pointer as printf does, and as a number in JSON', () => {
    expect(shown(btf, pointer, new Uint8Array(8), true)).toBe('"(nil)"');
    expect(shown(btf, pointer, new Uint8Array([16, 0, 0, 0, 0, 0, 0, 0]), true)).toBe('"0x10"');
    expect(shown(btf, pointer, new Uint8Array(8), false)).toBe('0');
  });

  it('shows printable characters with an end as text, others as numbers', () => {
    expect(shown(btf, text, utf8('abc\0'), false)).toBe('"abc"');
    expect(shown(btf, text, utf8('abcd'), false)).toBe('[97,98,99,100]');
    expect(shown(btf, text, new Uint8Array([7, 0, 0, 0]), false)).toBe('[7,0,0,0]');
  });

  it('shows floats, in JSON also those that are no numbers, and sizes that JavaScript has not as hex', () => {
    const builder = new BtfBuilder();
    const ids = [2, 4, 8, 16].map((size) => builder.add({ kind: 'float', name: `f${size}`, size }));
    const floats = parseBtf(builder.build());
    const bytes = (value: number) => new Uint8Array(new Float64Array([value]).buffer);
    expect(shown(floats, ids[2]!, bytes(0.1), false)).toBe('0.1');
    expect(shown(floats, ids[2]!, bytes(Number.NaN), true)).toBe('NaN');
    expect(JSON.parse(shown(floats, ids[2]!, bytes(-Infinity), false))).toBe('-Infinity');
    expect(shown(floats, ids[1]!, new Uint8Array(new Float32Array([1.5]).buffer), false)).toBe('1.5');
    expect(shown(floats, ids[0]!, new Uint8Array([1, 2]), false)).toBe('"0x201"');
    expect(shown(floats, ids[3]!, new Uint8Array(16).fill(1, 8), true)).toBe('0x1010101010101010000000000000000');
  });

  it('refuses a type that is larger than its bytes', () => {
    expect(() => shown(btf, struct, new Uint8Array(4), false)).toThrow(BtfError);
  });

  it('gives text or a typed error for any id and bytes', () => {
    fc.assert(
      fc.property(fc.nat(10), fc.uint8Array({ maxLength: 16 }), fc.boolean(), (id, bytes, plain) => {
        try {
          shown(btf, id, bytes, plain);
        } catch (error) {
          expect(error).toBeInstanceOf(BtfError);
        }
      }),
    );
  });
});
