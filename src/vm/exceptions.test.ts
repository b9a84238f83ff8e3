import { describe, expect, it } from 'vitest';
import { PROG_ARRAY_MAX_ENTRIES, PROG_ARRAY_STORAGE } from '../base/map-header.ts';
import { assemble } from '../isa/index.ts';
import { type Callable, type Code, Engine, LinearMemory } from './index.ts';

const THROW = 'call kfunc#1';
const MODES = [
  { mode: 'interpreter' },
  { mode: 'jit' },
  { mode: 'tiered' },
  { mode: 'interpreter', checked: true },
  { mode: 'jit', checked: true },
] as const;

/** Calls of kernel functions throw. */
function program(text: string, subprogs: readonly number[] = [0], more: Partial<Code> = {}): Code {
  const insns = assemble(text);
  const throws = new Set<number>();
  for (let pc = 0; pc < insns.length; pc++) if (insns.code[pc] === 0x85 && insns.src[pc] === 2) throws.add(pc);
  return { insns, subprogs, throws, ...more };
}

describe.each(MODES)('an exception ($mode, checked $checked)', (options) => {
  const answerOf = (engine: Engine, low: number): bigint => (BigInt(engine.retHi >>> 0) << 32n) | BigInt(low);

  it('makes its cookie the answer, out of whatever depth', () => {
    const engine = new Engine(new LinearMemory(), { helpers: new Map() });
    const code = program(
      `call pc+2\nr0 = 1\nexit\ncall pc+2\nr0 = 2\nexit\nr1 = 0x1122334455667788 ll\n${THROW}`,
      [0, 3, 6],
    );
    const p = engine.load(code, options);
    for (let i = 0; i < 3; i++) expect(answerOf(engine, p.run(0))).toBe(0x1122334455667788n);
    expect(engine.fault).toBeNull();
  });

  it('goes through the callback, where there is one', () => {
    const engine = new Engine(new LinearMemory(), { helpers: new Map() });
    const code = program(`r1 = 40\n${THROW}\nr0 = 0\nexit\nr0 = r1\nr0 += 2\nexit`, [0, 4], { exceptionCallback: 1 });
    const p = engine.load(code, options);
    expect(answerOf(engine, p.run(0))).toBe(42n);
  });

  it('does not count the callbacks that it left as running', () => {
    const mem = new LinearMemory();
    const call = (fn: number): number => engine.callback(fn, 0, 0, 0, 0, 0, 0, 0, 0);
    const helper: Callable = { name: 'call', args: 'i', ret: 'int', call: (fn) => call(fn!) };
    const engine: Engine = new Engine(mem, { helpers: new Map([[1, helper]]) });
    const p = engine.load(program(`r1 = subprog[+4]\ncall unknown#1\nr0 = 0\nexit\nr1 = 7\n${THROW}`, [0, 5]), options);
    for (let i = 0; i < 20; i++) expect(p.run(0)).toBe(7);
  });

  it('of a program that was tail-called ends that one only', () => {
    const mem = new LinearMemory();
    const engine = new Engine(mem, { helpers: new Map() });
    const map = mem.alloc(64);
    const storage = mem.alloc(4);
    mem.setU32(map + PROG_ARRAY_MAX_ENTRIES, 1);
    mem.setU32(map + PROG_ARRAY_STORAGE, storage);
    const thrower = engine.load(program(`r1 = 5\n${THROW}`), options);
    mem.setU32(storage, thrower.slot);
    // Its second function is left by the tail call; the first goes on and adds 100.
    const text = `call pc+2\nr0 += 100\nexit\nr2 = ${map}\nr3 = 0\ncall bpf_tail_call#12\nr0 = 1\nexit`;
    const p = engine.load({ insns: assemble(text), subprogs: [0, 3] }, options);
    expect(p.run(0)).toBe(105);
    expect(engine.fault).toBeNull();
  });
});
