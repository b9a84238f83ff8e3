import { describe, expect, it } from 'vitest';
import { hexRows } from './hex.ts';
import { localTime } from './time.ts';

describe('bytes as rows', () => {
  it('puts sixteen in a row with two blanks in the middle', () => {
    const bytes = Uint8Array.from({ length: 18 }, (_, i) => i);
    expect(hexRows(bytes)).toBe('00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f\n10 11');
  });
});

describe('local time', () => {
  it('carries its zone', () => {
    const at = Date.UTC(2026, 10, 22, 10, 43, 50);
    expect(localTime(at, 0)).toBe('2026-11-22T10:43:50+0000');
    expect(localTime(at, 330)).toBe('2026-11-22T16:13:50+0530');
    expect(localTime(at, -210)).toBe('2026-11-22T07:13:50-0330');
  });
});
