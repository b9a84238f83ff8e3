import { describe, expect, it } from 'vitest';
import { socketFilter } from '../../../test/support/verifier-input.ts';
import { assemble, encode } from '../../isa/index.ts';
import { verify } from '../verify.ts';

const MiB = 1 << 20;

/** A socket filter of these instructions: errno, what was walked, and the memory it left behind, in bytes. */
function cost(text: string) {
  const before = process.memoryUsage().arrayBuffers;
  const result = verify(socketFilter(encode(assemble(text))));
  const bytes = process.memoryUsage().arrayBuffers - before;
  return { errno: result.ok ? 0 : result.errno, stats: result.stats, bytes };
}

/** Functions that call one another, `frames` deep, each with a stack full of unknown numbers; the innermost has `body`. */
function nested(frames: number, body: string): string {
  let text = '';
  for (let f = 0; f < frames; f++) {
    text += `f${f}:\ncall get_prandom_u32\n`;
    for (let n = 1; n <= 64; n++) text += `*(u64 *)(r10 - ${n * 8}) = r0\n`;
    text += f === frames - 1 ? body : `call f${f + 1}\n`;
    text += 'r0 = 0\nexit\n';
  }
  return text;
}

/** Goes round and round, and never is where it was. */
const COUNT = 'r6 = 0\nround:\nr6 += 1\nr7 = r6\nr7 += 1\nr8 = r7\nr8 += 1\nif r6 < 500000 goto round\n';
/** As COUNT, and leaves a branch behind each time. */
const FORK = 'r6 = 0\nround:\nr6 += 1\ncall get_prandom_u32\nif r0 > 5 goto done\ngoto round\ndone:\n';
/** Never comes back, and has a state kept as often as can be. */
const LONG = `r6 = 0\n${`${'r6 += 1\n'.repeat(6)}goto pc+0\ngoto pc+0\n`.repeat(20_000)}`;

describe('memory', () => {
  it('is bounded by the branches that may wait, though each holds eight full stacks', () => {
    const { errno, bytes } = cost(nested(8, FORK));
    // EFAULT: the sequence of 8193 jumps is too complex.
    expect(errno).toBe(14);
    expect(bytes).toBeLessThan(800 * MiB);
  });

  it('is bounded over a million instructions that go round', () => {
    const { errno, stats, bytes } = cost(nested(8, COUNT));
    expect(errno).toBe(7);
    expect(stats.processed).toBe(1_000_001);
    expect(bytes).toBeLessThan(800 * MiB);
  });

  it('runs out before the machine does where every eighth instruction keeps eight full stacks', () => {
    const { errno, stats, bytes } = cost(nested(8, LONG));
    expect(errno).toBe(12);
    expect(stats.processed).toBeLessThan(160_000);
    expect(bytes).toBeLessThan(1200 * MiB);
  });
});
