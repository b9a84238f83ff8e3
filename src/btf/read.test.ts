import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BtfError } from '../base/errors.ts';
import type { BtfType } from './btf.ts';
import { BtfBuilder } from './build.ts';
import { parseBtf } from './read.ts';

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);

/** A type of every kind, with references among `count` types. */
function anyType(count: number): fc.Arbitrary<BtfType> {
  const id = fc.nat(count);
  const u32 = fc.nat(0xffff_ffff);
  const size = fc.nat(0x10000);
  const list = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 5 });
  const kindFlag = fc.boolean();
  const structs = fc.record({ name, type: id, kindFlag }).chain((one) =>
    fc.record({
      kind: fc.constantFrom('struct' as const, 'union' as const),
      name: fc.constant(one.name),
      size,
      kindFlag: fc.constant(one.kindFlag),
      members: list(
        fc.record({
          name,
          type: id,
          bitOffset: one.kindFlag ? fc.nat(0xff_ffff) : u32,
          bitfieldSize: one.kindFlag ? fc.nat(255) : fc.constant(0),
        }),
      ),
    }),
  );
  const enums = fc.boolean().chain((signed) =>
    fc.record({
      kind: fc.constant('enum' as const),
      name,
      size,
      signed: fc.constant(signed),
      values: list(fc.record({ name, value: signed ? fc.integer() : u32 })),
    }),
  );
  const enums64 = fc.boolean().chain((signed) =>
    fc.record({
      kind: fc.constant('enum64' as const),
      name,
      size,
      signed: fc.constant(signed),
      values: list(
        fc.record({
          name,
          value: signed
            ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
            : fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        }),
      ),
    }),
  );
  return fc.oneof(
    fc.record({
      kind: fc.constant('int' as const),
      name,
      size,
      bits: fc.nat(255),
      bitOffset: fc.nat(255),
      signed: fc.boolean(),
      char: fc.boolean(),
      bool: fc.boolean(),
    }),
    fc.record({
      kind: fc.constantFrom('ptr', 'const', 'volatile', 'restrict'),
      name: fc.constant('' as const),
      type: id,
    }),
    fc.record({
      kind: fc.constant('array' as const),
      name: fc.constant('' as const),
      type: id,
      indexType: id,
      count: u32,
    }),
    structs,
    enums,
    enums64,
    fc.record({ kind: fc.constant('fwd' as const), name, isUnion: fc.boolean() }),
    fc.record({ kind: fc.constant('typedef' as const), name, type: id }),
    fc.record({ kind: fc.constant('type_tag' as const), name, type: id, kindFlag }),
    fc.record({ kind: fc.constant('func' as const), name, type: id, linkage: fc.nat(2) }),
    fc.record({
      kind: fc.constant('func_proto' as const),
      name: fc.constant('' as const),
      ret: id,
      params: list(fc.record({ name, type: id })),
    }),
    fc.record({ kind: fc.constant('var' as const), name, type: id, linkage: fc.nat(2) }),
    fc.record({
      kind: fc.constant('datasec' as const),
      name,
      size,
      vars: list(fc.record({ type: id, offset: u32, size: u32 })),
    }),
    fc.record({ kind: fc.constant('float' as const), name, size }),
    fc.record({ kind: fc.constant('decl_tag' as const), name, type: id, component: fc.integer(), kindFlag }),
  ) as fc.Arbitrary<BtfType>;
}

const blobs = fc.nat({ max: 12 }).chain((count) => fc.array(anyType(count), { minLength: count, maxLength: count }));

function built(types: readonly BtfType[]): Uint8Array {
  const builder = new BtfBuilder();
  for (const t of types) builder.add(t);
  return builder.build();
}

describe('parseBtf', () => {
  it('gives every type back as it was written', () => {
    fc.assert(
      fc.property(blobs, (types) => {
        const btf = parseBtf(built(types));
        expect(btf.count).toBe(types.length + 1);
        expect(types.map((_, i) => btf.type(i + 1))).toEqual(types);
      }),
    );
  });

  it('finds types by name, first ids first, and by kind', () => {
    fc.assert(
      fc.property(blobs, name, (types, wanted) => {
        const btf = parseBtf(built(types));
        const names = [wanted, ...types.map((t) => t.name)].filter((n) => n !== '');
        for (const n of names) {
          const ids = types.flatMap((t, i) => (t.name === n ? [i + 1] : []));
          expect(btf.findAll(n)).toEqual(ids);
          expect(btf.find(n)).toBe(ids[0] ?? 0);
          expect(btf.find(n, 'typedef')).toBe(ids.find((id) => types[id - 1]!.kind === 'typedef') ?? 0);
        }
      }),
    );
  });

  it('keeps ids and strings when a builder continues from it', () => {
    fc.assert(
      fc.property(blobs, (types) => {
        const bytes = built(types);
        const builder = BtfBuilder.from(parseBtf(bytes));
        expect(builder.build()).toEqual(bytes);
        expect(builder.int('one more', 4)).toBe(types.length + 1);
      }),
    );
  });

  it('has void as type 0 and nothing past the end', () => {
    const btf = parseBtf(built([]));
    expect(btf.type(0)).toEqual({ kind: 'void', name: '' });
    expect(btf.type(1)).toBeUndefined();
    expect(btf.type(-1)).toBeUndefined();
    expect(btf.find('')).toBe(0);
  });

  it('reads split BTF over its base', () => {
    const builder = new BtfBuilder();
    const int = builder.int('int', 4, 'signed');
    const base = parseBtf(builder.build());
    const more = new BtfBuilder({ base });
    const id = more.struct('later', 4, [['x', int, 0]]);
    more.typedef('int', int);
    const split = parseBtf(more.build(), { base });
    expect(id).toBe(2);
    expect(split.type(2)).toMatchObject({ kind: 'struct', name: 'later' });
    expect(split.type(1)).toBe(base.type(1));
    expect(split.find('int')).toBe(1);
    expect(split.findAll('int')).toEqual([1, 3]);
    expect(() => parseBtf(more.build())).toThrow(BtfError);
  });

  it('finds names with flavours', () => {
    const builder = new BtfBuilder();
    builder.struct('task', 4, []);
    builder.struct('task___old', 4, []);
    builder.struct('task___', 4, []);
    builder.struct('other___old', 4, []);
    expect(parseBtf(builder.build()).findFlavours?.('task')).toEqual([2, 3]);
  });

  const good = built([
    { kind: 'int', name: 'int', size: 4, bits: 32, bitOffset: 0, signed: true, char: false, bool: false },
    { kind: 'ptr', name: '', type: 1 },
    {
      kind: 'struct',
      name: 's',
      size: 4,
      kindFlag: false,
      members: [{ name: 'a', type: 1, bitOffset: 0, bitfieldSize: 0 }],
    },
  ]);
  const word = (at: number, value: number) => {
    const out = good.slice();
    new DataView(out.buffer).setUint32(at, value, true);
    return out;
  };

  it.each([
    ['no bytes', new Uint8Array(0), /needs a header of 24 bytes/],
    ['another magic', word(0, 0x0001_1234), /this is not BTF: its magic is 0x1234/],
    ['big-endian BTF', word(0, 0x0100_9feb), /big-endian/],
    ['another version', word(0, 0x0002_eb9f), /version 2 is not known/],
    ['a header longer than the file', word(4, 1000), /the header cannot have 1000 bytes/],
    ['types past the end', word(12, 0xffff_fff0), /the type section ends at/],
    ['strings past the end', word(20, 0xffff), /the string section ends at/],
    ['a name past the strings', word(24, 0xffff), /type \[1\] has a name at 65535/],
    ['an unknown kind', word(28, 0x1f00_0000), /type \[1\] is of unknown kind 31/],
    ['more members than bytes', word(56, 0x0400_ffff), /type \[3\] takes 786432 bytes/],
    ['a pointer to a type that is not there', word(48, 99), /type \[2\] refers to type 99 of 4/],
    ['a member of a type that is not there', word(68, 77), /type \[3\] refers to type 77 of 4/],
    ['a member with a name past the strings', word(64, 9999), /type \[3\] has a name at 9999/],
  ])('refuses %s, and says where', (_, bytes, message) => {
    expect(() => parseBtf(bytes)).toThrow(message);
    expect(() => parseBtf(bytes)).toThrow(BtfError);
  });

  it('gives a value or a BtfError for any bytes', () => {
    const mutated = fc.tuple(blobs.map(built), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated.map(apply)), (bytes) => {
        try {
          const btf = parseBtf(bytes);
          for (let id = 0; id < btf.count; id++) btf.type(id);
        } catch (error) {
          expect(error).toBeInstanceOf(BtfError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function apply([blob, changes]: [Uint8Array, [number, number][]]): Uint8Array {
  const out = blob.slice();
  for (const [at, value] of changes) out[at % out.length] = value;
  return out;
}
