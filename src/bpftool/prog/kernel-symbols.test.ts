import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namesAt } from './kernel-symbols.ts';

describe('names of kernel functions', () => {
  const text = [
    'ffffffff81000100 t first',
    'ffffffff81001000 T __bpf_call_base',
    'ffffffff81001010 T bpf_get_current_task',
    'ffffffff81001010 T an_alias',
    'ffffffffc0000000 t far_away\t[module]',
    '',
  ].join('\n');

  it('are found by their distance from the base, forwards and backwards', () => {
    expect([...namesAt(text, new Set([0x10, -0xf00, 0x999]))]).toEqual([
      [-0xf00, 'first'],
      [0x10, 'bpf_get_current_task'],
    ]);
  });

  it('are none where addresses are hidden', () => {
    expect(namesAt(text.replaceAll(/ffffffff[0-9a-f]{8}/g, '0000000000000000'), new Set([0])).size).toBe(0);
  });

  it('are none or some for any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (any, imm) => {
        expect(namesAt(any, new Set([imm])).size).toBeLessThan(2);
      }),
    );
  });
});
