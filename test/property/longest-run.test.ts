import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode } from '../../src/isa/index.ts';
import { verify } from '../../src/verifier/index.ts';
import { Engine, LinearMemory } from '../../src/vm/index.ts';
import { socketFilter } from '../support/verifier-input.ts';
import { tameProgram } from './vm-programs.ts';

test('no run of a verified program executes more instructions than its longest', () => {
  let loops = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const result = verify(socketFilter(tameProgram(seed)));
      if (!result.ok) throw new Error(result.log);
      const { insns, subprogs, longestRun } = result.program;
      const mem = new LinearMemory({ limit: 1 << 22 });
      const engine = new Engine(mem, { helpers: new Map() });
      let steps = 0;
      const onStep = (): void => void steps++;
      const code = { insns: decode(insns), subprogs: subprogs.map(({ start }) => start) };
      engine.load(code, { mode: 'interpreter', onStep }).run(mem.alloc(256));
      expect(steps).toBeLessThanOrEqual(longestRun!);
      if (steps > code.insns.length) loops++;
    }),
    { numRuns: 300 },
  );
  expect(loops).toBeGreaterThan(100);
}, 60_000);
