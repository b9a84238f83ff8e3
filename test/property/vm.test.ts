import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { type Outcome, runBytes } from '../support/run-code.ts';
import { countingProgram, tameProgram, wildProgram } from './vm-programs.ts';

const MEMORY = Uint8Array.from({ length: 64 }, (_, i) => i * 37);

/** What two runs have to agree about. */
function told(outcome: Outcome): string {
  const { r0, memory, fault } = outcome;
  return fault ? `${fault.kind} at ${fault.pc}, ${toHex(memory)}` : `0x${r0.toString(16)}, ${toHex(memory)}`;
}

test('any program, however broken, does the same on interpreter and JIT, and ends', () => {
  let faults = 0;
  let runs = 0;
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), (seed, length) => {
      const program = wildProgram(seed, length, MEMORY.length);
      const slow = runBytes(program, MEMORY, { mode: 'interpreter', checked: true, fuel: 300 });
      const fast = runBytes(program, MEMORY, { mode: 'jit', checked: true, fuel: 300 });
      expect(told(fast)).toBe(told(slow));
      runs++;
      if (slow.fault) faults++;
    }),
    { numRuns: 1500 },
  );
  // Both kinds of ends are met often, or the generator says nothing.
  expect(faults).toBeGreaterThan(runs / 10);
  expect(runs - faults).toBeGreaterThan(runs / 10);
}, 60_000);

test('what the JIT concludes about the size of numbers holds, whatever is counted', () => {
  let ends = 0;
  let runs = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const program = countingProgram(seed);
      const slow = runBytes(program, MEMORY, { mode: 'interpreter', checked: true, fuel: 500 });
      const fast = runBytes(program, MEMORY, { mode: 'jit', checked: true, fuel: 500 });
      expect(told(fast)).toBe(told(slow));
      runs++;
      if (slow.fault) return;
      ends++;
      expect(told(runBytes(program, MEMORY, { mode: 'jit' }))).toBe(told(slow));
    }),
    { numRuns: 1500 },
  );
  expect(ends).toBeGreaterThan(runs / 4);
}, 60_000);

test('a program that the verifier would take does the same with and without checks', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const program = tameProgram(seed);
      const checked = runBytes(program, MEMORY, { mode: 'interpreter', checked: true });
      expect(checked.fault).toBe(null);
      for (const options of [{ mode: 'interpreter' }, { mode: 'jit', checked: true }, { mode: 'jit' }] as const) {
        expect(told(runBytes(program, MEMORY, options))).toBe(told(checked));
      }
    }),
    { numRuns: 700 },
  );
}, 60_000);
