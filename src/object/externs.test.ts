import { describe, expect, it } from 'vitest';
import { toHex } from '../base/bytes.ts';
import { writeKconfig } from './externs.ts';
import type { KconfigExtern } from './spec.ts';

const extern = (shape: KconfigExtern['shape'], size: number, signed = false): KconfigExtern => ({
  name: 'CONFIG_X',
  weak: false,
  typeId: 1,
  shape,
  size,
  align: size,
  signed,
  offset: 0,
});

describe('writeKconfig', () => {
  it.each([
    ['y', extern('bool', 1), '01'],
    ['n', extern('bool', 1), '00'],
    ['m', extern('tristate', 4), '02000000'],
    ['y', extern('char', 1), '79'],
    ['250', extern('int', 4), 'fa000000'],
    ['0x7fffffffffffffff', extern('int', 8), 'ffffffffffffff7f'],
    ['-2', extern('int', 4, true), 'feffffff'],
    ['"abc"', extern('string', 8), '6162630000000000'],
    ['"too long for it"', extern('string', 4), '746f6f00'],
    ['""', extern('string', 4), '00000000'],
  ])('writes %s', (text, e, bytes) => {
    const data = new Uint8Array(e.size).fill(e.shape === 'string' ? 0xff : 0);
    expect(writeKconfig(data, e, text)).toBe(true);
    expect(toHex(data)).toBe(bytes);
  });

  it.each([
    ['m', extern('bool', 1)],
    ['256', extern('int', 1)],
    ['-1', extern('int', 4)],
    ['128', extern('int', 1, true)],
    ['y', extern('int', 4)],
    ['abc', extern('string', 8)],
    ['7', extern('bool', 1)],
    ['', extern('int', 4)],
  ])('refuses %s where it does not fit', (text, e) => {
    expect(writeKconfig(new Uint8Array(e.size), e, text)).toBe(false);
  });
});
