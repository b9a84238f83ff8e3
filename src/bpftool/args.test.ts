import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Args, parseNumber } from './args.ts';
import { CommandError, ShowUsage } from './failure.ts';

describe('Args', () => {
  it('takes a keyword that the word begins', () => {
    const args = new Args(['k', 'val', 'x']);
    expect(args.take('key')).toBe(true);
    expect(args.take('key')).toBe(false);
    expect(args.take('value')).toBe(true);
    expect(args.left).toBe(1);
  });

  it('asks for the usage when words run out', () => {
    expect(() => new Args([]).next()).toThrow(ShowUsage);
  });

  it('names the word that needs more after it', () => {
    const args = new Args(['create', 'x', 'y'], 1);
    expect(() => args.need(7)).toThrow(new CommandError("'create' needs at least 7 arguments, 2 found"));
  });
});

describe('parseNumber', () => {
  it.each([
    ['12', 12n],
    ['0x1F', 31n],
    ['010', 8n],
    ['0', 0n],
    ['', 0n],
    [' 7', 7n],
    ['+3', 3n],
    ['-1', 0xffff_ffff_ffff_ffffn],
    ['99999999999999999999999', 0xffff_ffff_ffff_ffffn],
  ])('reads %j as strtoul(3) does', (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  it.each(['12x', 'x', '0x', '08', '1 2', '--1'])('has no number for %j', (text) => {
    expect(parseNumber(text)).toBeUndefined();
  });

  it('answers a number or nothing for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = parseNumber(text);
        expect(value === undefined || (value >= 0n && value < 2n ** 64n)).toBe(true);
      }),
    );
  });
});
