import { expect, test } from 'vitest';
import { assemble, encode } from '../../isa/index.ts';
import { BPF_PROG_TYPE_SOCKET_FILTER } from '../../uapi/generated/constants.ts';
import type { VerifierResult } from '../program.ts';
import { verify } from '../verify.ts';

function verified(text: string): VerifierResult & { ok: true } {
  const result = verify({
    insns: encode(assemble(text)),
    name: 'x',
    progType: BPF_PROG_TYPE_SOCKET_FILTER,
    attachType: 0,
    flags: 0,
    gplCompatible: true,
    mapByFd: () => undefined,
    kernelBtf: () => {
      throw new Error('not needed');
    },
    logLevel: 0,
  });
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
