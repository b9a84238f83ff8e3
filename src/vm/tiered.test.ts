import { describe, expect, test, vi } from 'vitest';
import { assemble } from '../isa/index.ts';
import { type Code, Engine, LinearMemory, type Runnable } from './index.ts';
import { operations } from './operations.ts';
import { runsToInterpret } from './tiered.ts';

const code = (text: string, subprogs: readonly number[] = [0]): Code => ({ insns: assemble(text), subprogs });
const runsOf = (text: string, subprogs?: readonly number[]): number =>
  runsToInterpret(operations(code(text, subprogs)), [0]);

/** Adds one to the u32 in the context and answers it. */
const COUNT = 'r0 = *(u32 *)(r1 + 0)\nr0 += 1\n*(u32 *)(r1 + 0) = r0\nexit';

describe('how many runs are interpreted', () => {
  test('a few dozen of a program that runs from its beginning to its end', () => {
    expect(runsOf(COUNT)).toBe(32);
    expect(runsOf('r0 = 0\nif r1 == 0 goto out\nr0 = 1\nout: exit')).toBe(32);
  });

  test('none where there is a loop of which nothing is known, also one of a function', () => {
    expect(runsOf('r0 = 0\nagain: r0 += 1\nif r0 < 10 goto again\nexit')).toBe(0);
    expect(runsOf('call pc+1\nexit\nr0 = 0\nagain: r0 += 1\nif r0 < 10 goto again\nexit', [0, 2])).toBe(0);
  });

  test('as many as fit where it is known how long a run is', () => {
    const loop = operations(code('r0 = 0\nagain: r0 += 1\nif r0 < 10 goto again\nexit'));
    expect(runsToInterpret(loop, [0], 22)).toBe(5);
    expect(runsToInterpret(loop, [0], 1000)).toBe(0);
    expect(runsToInterpret(operations(code(COUNT)), [0], 1000)).toBe(32);
  });

  test('none where functions are called back', () => {
    const ops = operations(code('r0 = 0\nexit\nr0 = 0\nexit', [0, 2]));
    expect(runsToInterpret(ops, [0, 1])).toBe(0);
  });

  test('the fewer, the more often functions are called; none where one calls itself', () => {
    const calls = (times: number): string => Array.from({ length: times }, (_, i) => `call pc+${times - i}`).join('\n');
    const nothing = 'r0 = 0\n'.repeat(100);
    expect(runsOf(`${calls(2)}\nexit\n${nothing}exit`, [0, 3])).toBe(16);
    expect(runsOf(`${calls(100)}\nexit\n${nothing}exit`, [0, 101])).toBe(0);
    expect(runsOf('call pc+1\nexit\ncall pc-1\nexit', [0, 2])).toBe(0);
  });
});

test('a program counts on where it is compiled, and is not compiled before', () => {
  const mem = new LinearMemory();
  const engine = new Engine(mem, { helpers: new Map() });
  const compile = vi.spyOn(engine.modules, 'get');
  const ctx = mem.alloc(4);
  const program = engine.load(code(COUNT), { mode: 'tiered' });
  for (let run = 1; run <= 32; run++) expect(program.run(ctx)).toBe(run);
  expect(compile).not.toHaveBeenCalled();
  for (let run = 33; run <= 40; run++) expect(program.run(ctx)).toBe(run);
  expect(compile).toHaveBeenCalledOnce();
});

const EARLY: readonly [string, (program: Runnable) => unknown][] = [
  ['many runs are asked for at once', (program) => program.runBatch(0, 0, 2)],
  ['it is for a prog array', (program) => program.slot],
  ['its machine code is asked for', (program) => program.image],
];
test.each(EARLY)('it is compiled early where %s', (_, ask) => {
  const engine = new Engine(new LinearMemory(), { helpers: new Map() });
  const compile = vi.spyOn(engine.modules, 'get');
  const program = engine.load(code('r0 = 7\nexit'), { mode: 'tiered' });
  ask(program);
  expect(program.run(0)).toBe(7);
  expect(compile).toHaveBeenCalledOnce();
});
