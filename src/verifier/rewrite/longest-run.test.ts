import { expect, test } from 'vitest';
import { socketFilter } from '../../../test/support/verifier-input.ts';
import { assemble, encode } from '../../isa/index.ts';
import type { VerifierResult } from '../program.ts';
import { verify } from '../verify.ts';

function verified(text: string): VerifierResult & { ok: true } {
  const result = verify(socketFilter(encode(assemble(text))));
  if (!result.ok) throw new Error(result.log);
  return result;
}

const LOOP = 'r0 = 0\nr6 = *(u32 *)(r1 +0)\nagain: r0 += 1\nif r6 > r0 goto +1\nr6 >>= 1\nif r0 < 10 goto again\nexit';

test('no run executes more instructions than were walked', () => {
  const { program, stats } = verified(LOOP);
  expect(program.longestRun).toBe(stats.processed);
  expect(stats.processed).toBeGreaterThanOrEqual(2 + 10 * 4 + 1);
});

test('nothing is known where a loop is walked until it repeats itself', () => {
  expect(verified('r0 = 0\nagain: may_goto out\ngoto again\nout: exit').program.longestRun).toBe(undefined);
});
