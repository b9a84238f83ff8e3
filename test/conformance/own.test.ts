/** Our own instruction tests, on the interpreter and on the JIT, with and without checks. */
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { runBytes } from '../support/run-code.ts';
import { INSTRUCTIONS } from './instructions.ts';

const MODES = [
  { mode: 'interpreter' },
  { mode: 'interpreter', checked: true },
  { mode: 'jit' },
  { mode: 'jit', checked: true },
] as const;

describe.each(MODES)('%o', (options) => {
  test.each(INSTRUCTIONS.map((c) => [c.does, c] as const))('%s', (_does, c) => {
    const bytes = encode(assemble(c.text));
    const memory = fromHex(c.memory ?? '')!;
    const outcome = runBytes(bytes, memory, options);
    expect(outcome.fault).toBe(null);
    expect(outcome.r0).toBe(c.r0);
    expect(toHex(outcome.memory)).toBe(c.after ?? c.memory ?? '');
  });
});
