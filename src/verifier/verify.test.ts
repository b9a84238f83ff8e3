import { describe, expect, it } from 'vitest';
import { socketFilter } from '../../test/support/verifier-input.ts';
import { verify } from './verify.ts';

describe('the log', () => {
  const text = (bytes: number[], logLevel = 2) => verify(socketFilter(Uint8Array.from(bytes), { logLevel }));

  it('shows what every instruction changed', () => {
    const result = text([0xb7, 0, 0, 0, 7, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
    expect(result.ok).toBe(true);
    expect(result.log).toBe(
      [
        'func#0 @0',
        'Live regs before insn:',
        '      0: .......... (b7) r0 = 7',
        '      1: 0......... (95) exit',
        '0: R1=ctx() R10=fp0',
        '0: (b7) r0 = 7                        ; R0=7',
        '1: (95) exit',
        'processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
        '',
      ].join('\n'),
    );
  });

  it('ends with the reason of a rejection', () => {
    const result = text([0x95, 0, 0, 0, 0, 0, 0, 0]);
    expect(result.ok).toBe(false);
    expect(result.log).toContain('\nR0 !read_ok\nprocessed 1 insns');
  });

  it('tells what it cost, and nothing but the reason before, at level 4', () => {
    const fill = [0x7a, 10, 0xf0, 0xff, 1, 0, 0, 0];
    expect(text([...fill, 0x95, 0, 0, 0, 0, 0, 0, 0], 4).log).toMatch(
      /^R0 !read_ok\nverification time \d+ usec\nstack depth 16\nprocessed 2 insns .*\n$/,
    );
    expect(text([...fill, 0xb7, 0, 0, 0, 7, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0], 4).log).toMatch(
      /^verification time \d+ usec\nstack depth 16\nprocessed 3 insns .*\n$/,
    );
  });
});
