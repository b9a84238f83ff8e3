import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BtfError } from '../../base/errors.ts';
import { BtfBuilder } from '../build.ts';
import { parseBtf } from '../read.ts';
import { decodeValue } from './decode.ts';
import { encodeValue } from './encode.ts';
import { type BtfValue, readBits, writeBits } from './value.ts';

const b = new BtfBuilder();
const u8 = b.int('unsigned char', 1);
const s16 = b.int('short', 2, 'signed');
const u32 = b.int('unsigned int', 4);
const s32 = b.int('int', 4, 'signed');
const u64 = b.int('unsigned long', 8);
const s64 = b.int('long', 8, 'signed');
const bool = b.int('_Bool', 1, 'bool');
const char = b.int('char', 1, 'signed');
const float = b.add({ kind: 'float', name: 'float', size: 4 });
const double = b.add({ kind: 'float', name: 'double', size: 8 });
const color = b.add({
  kind: 'enum',
  name: 'color',
  size: 4,
  signed: true,
  values: [
    { name: 'RED', value: 0 },
    { name: 'GREEN', value: -1 },
  ],
});
const big = b.add({
  kind: 'enum64',
  name: 'big',
  size: 8,
  signed: false,
  values: [{ name: 'HUGE', value: 1n << 63n }],
});
const text = b.array(char, 8, u32);
const bytes = b.array(u8, 4, u32);
const numbers = b.array(s16, 3, u32);
const pointer = b.ptr(0);
const word = b.add({
  kind: 'union',
  name: '',
  size: 4,
  kindFlag: false,
  members: [
    { name: 'word', type: u32, bitOffset: 0, bitfieldSize: 0 },
    { name: 'bytes', type: bytes, bitOffset: 0, bitfieldSize: 0 },
  ],
});
const bits = b.add({
  kind: 'struct',
  name: 'bits',
  size: 4,
  kindFlag: true,
  members: [
    { name: 'a', type: u32, bitOffset: 0, bitfieldSize: 1 },
    { name: 'b', type: u32, bitOffset: 1, bitfieldSize: 3 },
    { name: 'c', type: s32, bitOffset: 4, bitfieldSize: 12 },
    { name: 'd', type: color, bitOffset: 16, bitfieldSize: 2 },
  ],
});
const outer = b.struct('outer', 32, [
  ['id', u64, 0],
  ['', word, 8],
  ['name', text, 12],
  ['bits', bits, 20],
  ['p', pointer, 24],
]);
const variable = b.add({ kind: 'var', name: 'count', type: u32, linkage: 1 });
const other = b.add({ kind: 'var', name: 'flag', type: bool, linkage: 0 });
const section = b.add({
  kind: 'datasec',
  name: '.data',
  size: 8,
  vars: [
    { type: variable, offset: 0, size: 4 },
    { type: other, offset: 4, size: 1 },
  ],
});
const loop = b.nextId;
b.struct('loop', 4, [['me', loop, 0]]);
const flexible = b.struct('flexible', 4, [
  ['count', u32, 0],
  ['items', b.array(s16, 0, u32), 4],
]);
const line = b.struct('line', 1, [
  ['length', u8, 0],
  ['text', b.array(char, 0, u32), 1],
]);
const btf = parseBtf(b.build());

const SAMPLES: readonly (readonly [what: string, type: number, value: BtfValue])[] = [
  ['a byte', u8, 255],
  ['a negative short', s16, -2],
  ['a u32', u32, 0xffff_ffff],
  ['a u64', u64, (1n << 64n) - 1n],
  ['a negative long', s64, -1n],
  ['a bool', bool, true],
  ['a float', float, 1.5],
  ['a double', double, Math.PI],
  ['an enum by name', color, 'GREEN'],
  ['an enum by number', color, 7],
  ['a 64-bit enum', big, 'HUGE'],
  ['a text', text, 'comm'],
  ['bytes', bytes, Uint8Array.of(1, 2, 3, 4)],
  ['numbers', numbers, [1, -1, 300]],
  ['a pointer', pointer, 0xffff_8880_0000_1000n],
  ['bit-fields', bits, { a: 1, b: 5, c: -3, d: 'GREEN' }],
  [
    'a struct',
    outer,
    {
      id: 7n,
      word: 0x0403_0201,
      bytes: Uint8Array.of(1, 2, 3, 4),
      name: 'x',
      bits: { a: 0, b: 7, c: 1, d: 'RED' },
      p: 0n,
    },
  ],
  ['a data section', section, { count: 3, flag: true }],
];

describe('a struct that ends with a flexible array', () => {
  it('has as many elements as the bytes hold, and takes as many as are given', () => {
    const value = { count: 2, items: [7, -8] };
    const encoded = encodeValue(btf, flexible, value);
    expect(encoded).toEqual(Uint8Array.of(2, 0, 0, 0, 7, 0, 0xf8, 0xff));
    expect(decodeValue(btf, flexible, encoded)).toEqual(value);
    expect(decodeValue(btf, flexible, encoded.subarray(0, 7))).toEqual({ count: 2, items: [7] });
    expect(decodeValue(btf, flexible, encoded.subarray(0, 4))).toEqual({ count: 2, items: [] });
    expect(encodeValue(btf, flexible, { count: 1 })).toEqual(Uint8Array.of(1, 0, 0, 0));
    expect(() => encodeValue(btf, flexible, { items: [1, 'x'] })).toThrow('value.items[1] is a number');
    expect(() => encodeValue(btf, flexible, { items: 5 })).toThrow('value.items is an array');
  });

  it('may hold a text, or bytes', () => {
    expect(decodeValue(btf, line, Uint8Array.of(3, 104, 105, 0, 0))).toEqual({ length: 3, text: 'hi' });
    expect(encodeValue(btf, line, { length: 2, text: 'hi' })).toEqual(Uint8Array.of(2, 104, 105));
    expect(encodeValue(btf, line, { length: 1, text: Uint8Array.of(9) })).toEqual(Uint8Array.of(1, 9));
  });
});

describe('decodeValue and encodeValue', () => {
  it.each(SAMPLES)('agree on %s', (_, type, value) => {
    expect(decodeValue(btf, type, encodeValue(btf, type, value))).toEqual(value);
  });

  it('put back any bytes of a struct without text and padding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (raw) => {
        raw[2]! &= 3;
        raw[3] = 0;
        expect(encodeValue(btf, bits, decodeValue(btf, bits, raw))).toEqual(raw);
      }),
    );
  });

  it('give members of anonymous members to the struct around them', () => {
    expect(encodeValue(btf, outer, { word: 0x01020304 })[8]).toBe(4);
    expect(Object.keys(decodeValue(btf, outer, new Uint8Array(32)))).toEqual([
      'id',
      'word',
      'bytes',
      'name',
      'bits',
      'p',
    ]);
  });

  it('take missing members as zero, and raw bytes for anything', () => {
    expect(encodeValue(btf, outer, {})).toEqual(new Uint8Array(32));
    expect(encodeValue(btf, u32, Uint8Array.of(1, 2, 3, 4))).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it.each([
    ['a number that is too large', u8, 256, 'value takes 0 to 255, not 256'],
    ['a negative number for an unsigned type', u32, -1, 'value takes 0 to'],
    ['half a number', u32, 1.5, 'value is a whole number, not 1.5'],
    ['a text for a number', u32, 'one', 'value is a number, not a string'],
    ['an unknown constant', color, 'BLUE', "without a constant 'BLUE'"],
    ['a text that is too long', text, 'more than eight', 'has room for 8 bytes'],
    ['too many elements', numbers, [1, 2, 3, 4], 'has 3 elements, and 4 are given'],
    ['an unknown member', outer, { nope: 1 }, "value has no member 'nope'"],
    ['a bit-field that is too large', outer, { bits: { b: 8 } }, 'value.bits.b takes 0 to 7, not 8'],
    ['an unknown variable', section, { nope: 1 }, "value has no variable 'nope'"],
    ['bytes of another length', u32, Uint8Array.of(1), 'takes 4 bytes, and 1 are given'],
  ] as const)('refuse %s, and say where', (_, type, value, message) => {
    expect(() => encodeValue(btf, type, value as BtfValue)).toThrow(message);
    expect(() => encodeValue(btf, type, value as BtfValue)).toThrow(BtfError);
  });

  it('refuse fewer bytes than the type has, and types without values', () => {
    expect(() => decodeValue(btf, u32, new Uint8Array(3))).toThrow(/has 4 bytes, and there are 3/);
    expect(() => decodeValue(btf, 0, new Uint8Array(3))).toThrow(BtfError);
    expect(() => decodeValue(btf, loop, new Uint8Array(4))).toThrow(/contains itself/);
    expect(() => encodeValue(btf, loop, { me: { me: {} } })).not.toThrow();
  });
});

describe('bits', () => {
  it('are read back where they were written, and nothing beside them changes', () => {
    const field = fc.record({ from: fc.nat(70), count: fc.integer({ min: 1, max: 64 }) });
    fc.assert(
      fc.property(
        field,
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        ({ from, count }, n, raw) => {
          const before = readBits(raw, 0, 128);
          const out = raw.slice();
          writeBits(out, from, count, n);
          expect(readBits(out, from, count)).toBe(BigInt.asUintN(count, n));
          writeBits(out, from, count, readBits(raw, from, count));
          expect(readBits(out, 0, 128)).toBe(before);
        },
      ),
    );
  });
});
