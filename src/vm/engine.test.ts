import { describe, expect, test } from 'vitest';
import { PROG_ARRAY_MAX_ENTRIES, PROG_ARRAY_STORAGE } from '../base/map-header.ts';
import { encode, Insns } from '../isa/index.ts';
import { type Callable, type Code, Engine, LinearMemory, type Runnable } from './index.ts';

type Insn = readonly [code: number, dst?: number, src?: number, off?: number, imm?: number];

/** A program of instructions as tuples; `subprogs` are the first slots of its functions. */
function program(insns: readonly Insn[], subprogs: readonly number[] = [0], extra: Partial<Code> = {}): Code {
  const out = new Insns(insns.length);
  insns.forEach(([code, dst = 0, src = 0, off = 0, imm = 0], pc) => {
    out.code[pc] = code;
    out.dst[pc] = dst;
    out.src[pc] = src;
    out.off[pc] = off;
    out.imm[pc] = imm;
  });
  expect(encode(out).length).toBe(insns.length * 8);
  return { insns: out, subprogs, ...extra };
}

const EXIT: Insn = [0x95];
const mov = (dst: number, imm: number): Insn => [0xb7, dst, 0, 0, imm];
const movReg = (dst: number, src: number): Insn => [0xbf, dst, src];
const call = (helper: number): Insn => [0x85, 0, 0, 0, helper];
const callFn = (distance: number): Insn => [0x85, 0, 1, 0, distance];
const TAIL_CALL = call(12);

function helper(args: string, ret: Callable['ret'], fn: (...args: number[]) => number): Callable {
  return { name: 'test', args, ret, call: fn };
}

/** A prog array in linear memory, as maps lay it out. */
function progArray(mem: LinearMemory, slots: readonly number[]): number {
  const map = mem.alloc(64);
  const storage = mem.alloc(slots.length * 4);
  mem.setU32(map + PROG_ARRAY_MAX_ENTRIES, slots.length);
  mem.setU32(map + PROG_ARRAY_STORAGE, storage);
  slots.forEach((slot, i) => {
    mem.setU32(storage + 4 * i, slot);
  });
  return map;
}

const setSlot = (mem: LinearMemory, map: number, index: number, slot: number): void =>
  mem.setU32(mem.u32(map + PROG_ARRAY_STORAGE) + 4 * index, slot);

const r0 = (engine: Engine, lo: number): bigint => (BigInt(engine.retHi >>> 0) << 32n) | BigInt(lo);

describe.each(['interpreter', 'jit', 'tiered'] as const)('%s', (mode) => {
  test('answers 64 bits in two halves', () => {
    const engine = new Engine(new LinearMemory(), { helpers: new Map() });
    const p = engine.load(program([[0x18, 0, 0, 0, -2], [0, 0, 0, 0, 0x12345678], EXIT]), { mode });
    expect(r0(engine, p.run(0))).toBe(0x12345678fffffffen);
  });

  test('runs on many contexts at once, or on one again and again', () => {
    const mem = new LinearMemory();
    const engine = new Engine(mem, { helpers: new Map() });
    // Answers the u32 in the context, which it then counts up.
    const p = engine.load(program([[0x61, 0, 1, 0], [0xbf, 2, 0], [0x07, 2, 0, 0, 1], [0x63, 1, 2, 0], EXIT]), {
      mode,
    });
    const contexts = mem.alloc(64);
    const answers = mem.alloc(64);
    for (let i = 0; i < 4; i++) mem.setU32(contexts + 16 * i, 100 * i);
    expect(p.runBatch(contexts, 16, 4, answers)).toBe(300);
    expect([0, 4, 8, 12].map((at) => mem.u32(answers + at))).toEqual([0, 100, 200, 300]);
    expect(p.runBatch(contexts, 0, 10)).toBe(10);
    expect(p.runBatch(contexts, 16, 0)).toBe(0);
    expect(mem.u32(contexts)).toBe(11);
  });

  test('counts tail calls anew for each run of a batch', () => {
    const mem = new LinearMemory();
    const engine = new Engine(mem, { helpers: new Map() });
    const map = progArray(mem, [0]);
    const count: Insn[] = [
      [0x61, 0, 1, 0],
      [0x07, 0, 0, 0, 1],
      [0x63, 1, 0, 0],
    ];
    const again: Insn[] = [[0x18, 2, 0, 0, map], [0], mov(3, 0), TAIL_CALL];
    const p = engine.load(program([...count, ...again, mov(0, 7), EXIT]), { mode });
    setSlot(mem, map, 0, p.slot);
    const ctx = mem.alloc(16);
    expect(p.runBatch(ctx, 0, 3)).toBe(7);
    expect(mem.u32(ctx)).toBe(3 * 34);
  });

  test('hands helpers halves and takes what they answer by its kind', () => {
    const seen: number[][] = [];
    const mem = new LinearMemory();
    const engine: Engine = new Engine(mem, {
      helpers: new Map([
        [1, helper('iL', 'int', (...args) => -4 - seen.push(args))],
        [2, helper('', 'ptr', () => -16)],
        [
          3,
          helper('', 'u64', () => {
            engine.retHi = 7;
            return 9;
          }),
        ],
        [4, helper('LLLLL', 'void', (...args) => seen.push(args))],
      ]),
    });
    const run = (id: number): bigint => {
      const p = engine.load(
        program([mov(1, -1), [0x18, 2, 0, 0, 5], [0, 0, 0, 0, 6], mov(3, 3), mov(4, 4), mov(5, -5), call(id), EXIT]),
        { mode },
      );
      return r0(engine, p.run(0));
    };
    expect(run(1)).toBe(0xfffffffffffffffbn);
    expect(run(2)).toBe(0xfffffff0n);
    expect(run(3)).toBe(0x700000009n);
    expect(run(4)).toBe(0n);
    expect(seen).toEqual([
      [-1, 5, 6],
      [-1, -1, 5, 6, 3, 0, 4, 0, -5, -1],
    ]);
    expect(run(99)).toBe(0n);
    expect(engine.fault).toEqual({ kind: 'illegal-instruction', pc: 6 });
  });

  test('a helper may make the memory grow while a program runs', () => {
    const mem = new LinearMemory();
    const engine = new Engine(mem, { helpers: new Map([[1, helper('', 'ptr', () => mem.alloc(4 << 20))]]) });
    const p = engine.load(program([call(1), [0x7a, 0, 0, 8, 77], [0x79, 0, 0, 8], EXIT]), { mode });
    expect(p.run(0)).toBe(77);
  });

  test('calls back into functions of the running program', () => {
    const mem = new LinearMemory();
    const engine: Engine = new Engine(mem, {
      helpers: new Map([
        [
          1,
          helper('ii', 'int', (fn, n) => {
            let sum = 0;
            for (let i = 0; i < n!; i++) sum += engine.callback(fn!, i, 0, 10, 0, 0, 0, 0, 0);
            return sum;
          }),
        ],
      ]),
    });
    // r1 = &sub; r2 = 4; call 1; exit; sub: r0 = r1 + r2
    const insns: Insn[] = [[0x18, 1, 4, 0, 4], [0], mov(2, 4), call(1), EXIT, movReg(0, 1), [0x0f, 0, 2], EXIT];
    const p = engine.load(program(insns, [0, 5]), { mode });
    expect(p.run(0)).toBe(0 + 1 + 2 + 3 + 40);
    p.dispose();
    expect(() => engine.callback(1, 0, 0, 0, 0, 0, 0, 0, 0)).toThrow();
  });

  test('each function has its own stack, and callers keep r6 to r9', () => {
    const engine = new Engine(new LinearMemory(), { helpers: new Map() });
    const insns: Insn[] = [
      mov(6, 40),
      [0x7a, 10, 0, -8, 1],
      movReg(1, 10),
      callFn(3),
      [0x79, 1, 10, -8],
      [0x0f, 0, 1],
      EXIT,
      // Writes its own slot, and the caller's through r1.
      [0x7a, 10, 0, -8, 100],
      [0x7a, 1, 0, -8, 2],
      mov(6, 0),
      [0x79, 0, 10, -8],
      EXIT,
    ];
    const p = engine.load(program(insns, [0, 7]), { mode });
    expect(p.run(0)).toBe(102);
  });

  test('reads the packet through packetLoad and ends with 0 behind its end', () => {
    const mem = new LinearMemory();
    const engine: Engine = new Engine(mem, {
      helpers: new Map(),
      packetLoad: helper('iii', 'u64', (ctx, offset, size) => {
        engine.retHi = offset! + size! > 8 ? 1 : 0;
        return ctx! + offset! * 16 + size!;
      }),
    });
    const load = (insn: Insn): Runnable =>
      engine.load(program([movReg(6, 1), mov(2, 3), insn, [0x07, 0, 0, 0, 1], EXIT]), { mode });
    expect(load([0x28, 0, 0, 0, 4]).run(1000)).toBe(1000 + 64 + 2 + 1);
    expect(load([0x50, 0, 2, 0, 2]).run(1000)).toBe(1000 + 80 + 1 + 1);
    expect(load([0x20, 0, 0, 0, 5]).run(1000)).toBe(0);
  });

  test('a load that may fault answers 0 outside of the memory', () => {
    const engine = new Engine(new LinearMemory(), { helpers: new Map() });
    const addresses: [number, number][] = [
      [0, 0],
      [8, 0],
      [-8, -1],
      [0x7ffffff0, 0],
      [0x10000, 1],
    ];
    for (const opcode of [0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91]) {
      for (const [lo, hi] of addresses) {
        const code = program([mov(0, 5), [0x18, 1, 0, 0, lo], [0, 0, 0, 0, hi], [opcode, 0, 1, 4], EXIT], [0], {
          faultable: new Set([3]),
        });
        const p = engine.load(code, { mode });
        expect(r0(engine, p.run(0))).toBe(0n);
        expect(engine.fault).toBe(null);
        p.dispose();
      }
      const there = engine.mem.alloc(16);
      engine.mem.setU64(there, 0xfedcba9876543281n);
      const plain = program([[0x18, 1, 0, 0, there], [0], [opcode, 0, 1], EXIT]);
      const wanted = r0(engine, engine.load(plain, { mode }).run(0));
      expect(r0(engine, engine.load({ ...plain, faultable: new Set([2]) }, { mode }).run(0))).toBe(wanted);
    }
  });

  test('tail calls go on in the next program, at most 33 times, and fall through where there is none', () => {
    const mem = new LinearMemory();
    const engine = new Engine(mem, { helpers: new Map() });
    const map = progArray(mem, [0, 0]);
    const counter = mem.alloc(8);
    // Counts, calls slot `index`, and answers 7 when that falls through.
    const link = (index: number): Code =>
      program([
        [0x18, 6, 0, 0, counter],
        [0],
        [0x79, 7, 6],
        [0x07, 7, 0, 0, 1],
        [0x7b, 6, 7],
        [0x18, 2, 0, 0, map],
        [0],
        mov(3, index),
        TAIL_CALL,
        mov(0, 7),
        EXIT,
      ]);
    expect(engine.load(link(0), { mode }).run(0)).toBe(7);
    expect(engine.load(link(2), { mode }).run(0)).toBe(7);
    expect(engine.load(link(-1), { mode }).run(0)).toBe(7);
    expect(mem.u64(counter)).toBe(3n);
    mem.setU64(counter, 0n);
    const self = engine.load(link(1), { mode });
    setSlot(mem, map, 1, self.slot);
    expect(self.run(0)).toBe(7);
    expect(mem.u64(counter)).toBe(34n);
    // The other kind of program in the same chain.
    const other = engine.load(program([movReg(0, 1), [0x07, 0, 0, 0, 5], EXIT]), {
      mode: mode === 'jit' ? 'interpreter' : 'jit',
    });
    setSlot(mem, map, 0, other.slot);
    expect(engine.load(link(0), { mode }).run(100)).toBe(105);
  });

  test('a tail call out of a function answers to its caller, whose stack is as it was', () => {
    const mem = new LinearMemory();
    const engine = new Engine(mem, { helpers: new Map() });
    const map = progArray(mem, [0]);
    const insns: Insn[] = [
      [0x79, 2, 1],
      [0x7b, 10, 2, -8],
      [0x55, 2, 0, 1, 0],
      [0x05, 0, 0, 6],
      // ctx is not 0: make it one less, call the function, add what the stack slot holds.
      [0x07, 2, 0, 0, -1],
      [0x7b, 1, 2],
      callFn(6),
      [0x79, 2, 10, -8],
      [0x0f, 0, 2],
      EXIT,
      mov(0, 1000),
      EXIT,
      EXIT,
      [0x18, 2, 0, 0, map],
      [0],
      mov(3, 0),
      TAIL_CALL,
      mov(0, -1),
      EXIT,
    ];
    for (const checked of [false, true]) {
      const p = engine.load(program(insns, [0, 13]), { mode, checked });
      setSlot(mem, map, 0, p.slot);
      const ctx = mem.alloc(8);
      engine.regions = [{ start: ctx, size: 8, writable: true }];
      mem.setU64(ctx, 5n);
      expect(p.run(ctx)).toBe(1000 + 5 + 4 + 3 + 2 + 1);
      expect(engine.fault).toBe(null);
    }
  });

  test('a program runs inside another, but not inside itself', () => {
    const mem = new LinearMemory();
    const answers: unknown[] = [];
    const programs: Runnable[] = [];
    const engine: Engine = new Engine(mem, {
      helpers: new Map([
        [
          1,
          helper('i', 'int', (which) => {
            const answer = programs[which!]!.run(0);
            answers.push([answer, engine.fault?.kind]);
            return answer;
          }),
        ],
      ]),
    });
    programs.push(
      engine.load(program([[0x7a, 10, 0, -8, 3], mov(1, 1), call(1), [0x79, 1, 10, -8], [0x0f, 0, 1], EXIT]), { mode }),
    );
    programs.push(
      engine.load(program([[0x7a, 10, 0, -8, 9], mov(1, 0), call(1), [0x07, 0, 0, 0, 20], EXIT]), { mode }),
    );
    expect(programs[0]!.run(0)).toBe(23);
    expect(answers).toEqual([
      [0, 'reentry'],
      [20, undefined],
    ]);
    expect(engine.fault).toBe(null);
  });

  test('a tail call inside a nested run leaves the stack of what waits alone', () => {
    const mem = new LinearMemory();
    const programs: Runnable[] = [];
    const engine = new Engine(mem, { helpers: new Map([[1, helper('', 'int', () => programs[1]!.run(1))]]) });
    const map = progArray(mem, [0]);
    // With ctx 0: writes 5 to its stack, runs the other, answers the slot. With ctx 1: writes 6 and ends.
    programs.push(
      engine.load(
        program([
          [0x55, 1, 0, 4, 0],
          [0x7a, 10, 0, -8, 5],
          call(1),
          [0x79, 0, 10, -8],
          EXIT,
          [0x7a, 10, 0, -8, 6],
          mov(0, 0),
          EXIT,
        ]),
        { mode },
      ),
    );
    programs.push(engine.load(program([[0x18, 2, 0, 0, map], [0], mov(3, 0), TAIL_CALL, EXIT]), { mode }));
    setSlot(mem, map, 0, programs[0]!.slot);
    expect(programs[0]!.run(0)).toBe(5);
  });

  test('frees what a program held', () => {
    const mem = new LinearMemory();
    const engine = new Engine(mem, { helpers: new Map() });
    const before = mem.used;
    const slots = new Set<number>();
    for (let i = 0; i < 300; i++) {
      const p = engine.load(program([mov(0, i), EXIT]), { mode });
      slots.add(p.slot);
      expect(p.run(0)).toBe(i);
      p.dispose();
    }
    expect(mem.used).toBe(before);
    expect(slots.size).toBe(1);
    expect(slots.has(0)).toBe(false);
    const p = engine.load(program([EXIT]), { mode });
    p.dispose();
    p.dispose();
    expect(() => p.run(0)).toThrow('was disposed');
  });

  test('says so when there is no room for a stack', () => {
    const mem = new LinearMemory({ limit: 1000 });
    const engine = new Engine(mem, { helpers: new Map() });
    engine.load(program([EXIT]), { mode });
    expect(() => engine.load(program([EXIT]), { mode })).toThrow('no room for the stack');
  });

  test('may_goto gives up at its budget', () => {
    const engine = new Engine(new LinearMemory(), { helpers: new Map() });
    // Counts until may_goto is taken.
    const p = engine.load(program([mov(0, 0), [0xe5, 0, 0, 2], [0x07, 0, 0, 0, 1], [0x05, 0, 0, -3], EXIT]), { mode });
    expect(p.run(0)).toBe(8 * 1024 * 1024);
  });
});

test('the interpreter shows every step', () => {
  const engine = new Engine(new LinearMemory(), { helpers: new Map() });
  const steps: [number, number][] = [];
  const p = engine.load(program([mov(0, 1), [0x07, 0, 0, 0, 2], EXIT]), {
    mode: 'interpreter',
    onStep: (pc, regs) => steps.push([pc, regs[0]!]),
  });
  p.run(0);
  expect(steps).toEqual([
    [0, 0],
    [1, 1],
    [2, 3],
  ]);
});
