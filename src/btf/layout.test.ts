import { describe, expect, it } from 'vitest';
import { BtfError } from '../base/errors.ts';
import { BtfBuilder } from './build.ts';
import { alignOf, pointedArrayCount, sizeOf, skipModifiers } from './layout.ts';
import { parseBtf } from './read.ts';

function types(make: (b: BtfBuilder) => void) {
  const builder = new BtfBuilder();
  make(builder);
  return parseBtf(builder.build());
}

describe('layout', () => {
  const btf = types((b) => {
    b.int('int', 4, 'signed'); // 1
    b.typedef('pid_t', 1); // 2
    b.add({ kind: 'const', name: '', type: 2 }); // 3
    b.array(3, 5, 1); // 4
    b.ptr(4); // 5
    b.struct('s', 16, [
      ['a', 1, 0],
      ['p', 5, 8],
    ]); // 6
    b.array(6, 3, 1); // 7
    b.struct('packed', 12, [
      ['a', 1, 0],
      ['p', 5, 4],
    ]); // 8
    b.add({ kind: 'var', name: 'v', type: 7, linkage: 1 }); // 9
    b.add({ kind: 'fwd', name: 'f', isUnion: false }); // 10
    b.add({ kind: 'float', name: 'double', size: 8 }); // 11
  });

  it('sees through typedefs and qualifiers', () => {
    expect(skipModifiers(btf, 3)).toBe(1);
    expect(skipModifiers(btf, 6)).toBe(6);
  });

  it.each([
    [1, 4],
    [3, 4],
    [4, 20],
    [5, 8],
    [7, 48],
    [9, 48],
    [11, 8],
  ])('sizeOf type [%i] is %i', (id, size) => {
    expect(sizeOf(btf, id)).toBe(size);
  });

  it.each([
    [4, 4],
    [5, 8],
    [6, 8],
    [8, 1],
    [10, 1],
  ])('alignOf type [%i] is %i', (id, align) => {
    expect(alignOf(btf, id)).toBe(align);
  });

  it('reads numbers of map definitions', () => {
    expect(pointedArrayCount(btf, 5)).toBe(5);
    expect(pointedArrayCount(btf, 1)).toBeUndefined();
  });

  it('says what has no size', () => {
    expect(() => sizeOf(btf, 0)).toThrow(/has no size: it is void/);
    expect(() => sizeOf(btf, 10)).toThrow(/has no size: it is fwd/);
    expect(() => sizeOf(btf, 99)).toThrow(/has no size: it is missing/);
  });

  it('comes to an end where types contain themselves', () => {
    const loops = types((b) => {
      b.typedef('a', 2);
      b.typedef('b', 1);
      b.array(3, 2, 3);
      b.struct('s', 4, [['me', 4, 0]]);
    });
    expect(() => sizeOf(loops, 1)).toThrow(BtfError);
    expect(() => sizeOf(loops, 3)).toThrow(BtfError);
    expect(sizeOf(loops, 4)).toBe(4);
    expect(alignOf(loops, 4)).toBe(1);
  });

  it('refuses sizes beyond 32 bits', () => {
    const huge = types((b) => {
      b.int('int', 4);
      b.array(1, 0xffff_ffff, 1);
      b.array(2, 0xffff_ffff, 1);
    });
    expect(() => sizeOf(huge, 3)).toThrow(/too many/);
  });
});
