import { describe, expect, it } from 'vitest';
import { comparableLines, lastMessage, processedOf, withoutAddresses } from './log.ts';

const STATISTICS = 'processed 7 insns (limit 1000000) max_states_per_insn 1 total_states 2 peak_states 3 mark_read 0\n';

describe('what cases keep of a log', () => {
  it('is the last line that says something', () => {
    expect(lastMessage(`0: (95) exit\nR0 !read_ok\n${STATISTICS}`)).toBe('R0 !read_ok');
    expect(lastMessage(`R0 !read_ok\nverification time 3 usec\nstack depth 8\n${STATISTICS}`)).toBe('R0 !read_ok');
    expect(lastMessage('')).toBe('');
  });

  it('is what a message says before the statistics that it runs into', () => {
    expect(lastMessage(`expected prog array map for tail call${STATISTICS}`)).toBe(
      'expected prog array map for tail call',
    );
  });

  it('is the endless loop, not the states that show it', () => {
    expect(lastMessage(`infinite loop detected at insn 4\ncur state: R0=1\nold state: R0=1\n${STATISTICS}`)).toBe(
      'infinite loop detected at insn 4',
    );
  });

  it('is the statistics as numbers, the last where there are several', () => {
    expect(processedOf(`${STATISTICS.replace('7', '5')}${STATISTICS}`)).toEqual([7, 1000000, 1, 2, 3, 0]);
    expect(processedOf('R0 !read_ok\n')).toBeUndefined();
  });

  it('has no addresses, source lines or times', () => {
    expect(withoutAddresses('R1=0xffff888012345678 r1 = 0xPTR')).toBe('R1=0xPTR r1 = 0xPTR');
    expect(comparableLines('0: (95) exit\n; return 0; @ a.c:1\nverification time 3 usec\n')).toEqual(['0: (95) exit']);
  });
});
