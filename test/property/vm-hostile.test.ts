/** Programs that nobody verified: whatever they try, they stay in the kernel's memory, end, and the process lives. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Callable, Engine, type EngineOptions, LinearMemory, type Runnable } from '../../src/vm/index.ts';
import { codeOf } from '../support/run-code.ts';
import { Writer, wildProgram } from './vm-programs.ts';

interface World {
  mem: LinearMemory;
  engine: Engine;
  ctx: number;
  /** Somebody else's: nothing may change it. */
  secret: number;
  load(bytes: Uint8Array, options?: EngineOptions): Runnable;
}

const CTX_SIZE = 64;

function world(options: EngineOptions, helpers: Record<number, (engine: Engine) => Callable> = {}): World {
  const mem = new LinearMemory({ limit: 1 << 20 });
  const table = new Map<number, Callable>();
  const engine = new Engine(mem, { helpers: table });
  for (const [id, make] of Object.entries(helpers)) table.set(Number(id), make(engine));
  const ctx = mem.alloc(CTX_SIZE);
  const secret = mem.alloc(4096);
  mem.fill(secret, 4096, 0x5a);
  engine.regions = [
    { start: ctx, size: CTX_SIZE / 2, writable: true },
    { start: ctx + CTX_SIZE / 2, size: CTX_SIZE / 2, writable: false },
  ];
  return { mem, engine, ctx, secret, load: (bytes, more) => engine.load(codeOf(bytes), { ...options, ...more }) };
}

const write = (fn: (w: Writer) => void): Uint8Array => {
  const w = new Writer();
  fn(w);
  return w.bytes();
};

const writeAll = (...insns: Parameters<Writer['put']>[]): Uint8Array =>
  write((w) => {
    for (const insn of insns) w.put(...insn);
  });

const MODES = [
  { mode: 'interpreter', checked: true, fuel: 2000 },
  { mode: 'jit', checked: true, fuel: 2000 },
] as const satisfies EngineOptions[];

describe.each(MODES)('$mode', (options) => {
  test('loops end when the fuel is out', () => {
    const { engine, load, ctx } = world(options);
    const forms = [
      write((w) => w.put(0x05, 0, 0, -1)),
      write((w) => w.put(0x06, 0, 0, 0, -1)),
      // Two entries into one loop.
      write((w) => {
        w.put(0x15, 1, 0, 1, 0);
        w.put(0x05, 0, 0, 1);
        w.put(0x05, 0, 0, 0);
        w.put(0x05, 0, 0, -2);
      }),
      write((w) => {
        w.put(0xe5, 0, 0, -1);
        w.put(0x05, 0, 0, -2);
      }),
    ];
    for (const form of forms) {
      load(form).run(ctx);
      expect(engine.fault?.kind).toBe('fuel');
    }
  });

  test('a long loop burns more, so that fuel bounds the time', () => {
    const { engine, load, ctx } = world(options);
    const loop = write((w) => {
      w.put(0xb7, 0, 0, 0, 0);
      w.put(0x07, 0, 0, 0, 1);
      for (let i = 0; i < 20_000; i++) w.put(0x07, 2, 0, 0, 1);
      w.put(0x63, 1, 0, 0);
      w.put(0x05, 0, 0, -20_003);
    });
    load(loop).run(ctx);
    expect(engine.fault?.kind).toBe('fuel');
    // 2000 units, 20 a round.
    expect(engine.mem.u32(ctx)).toBe(101);
  });

  test('recursion ends, of functions and of callbacks', () => {
    const { engine, load, ctx } = world(options, {
      1: (e) => ({ name: 'again', args: 'i', ret: 'int', call: (fn) => e.callback(fn!, 0, 0, 0, 0, 0, 0, 0, 0) }),
    });
    load(
      write((w) => {
        w.put(0x85, 0, 1, 0, 1);
        w.put(0x95);
        w.put(0x85, 0, 1, 0, -1);
        w.put(0x95);
      }),
    ).run(ctx);
    expect(engine.fault?.kind).toBe('stack');
    const callback = write((w) => {
      w.put(0x18, 1, 4, 0, 3);
      w.put(0);
      w.put(0x85, 0, 0, 0, 1);
      w.put(0x95);
      w.put(0x18, 1, 4, 0, -1);
      w.put(0);
      w.put(0x85, 0, 0, 0, 1);
      w.put(0x95);
    });
    load(callback, { fuel: 10_000_000 }).run(ctx);
    expect(engine.fault?.kind).toBe('stack');
    load(write((w) => w.put(0x95))).run(ctx);
    expect(engine.fault).toBe(null);
  });

  test('every address that is not its own is refused, for every width, and nothing changes', () => {
    const { engine, load, ctx, mem, secret } = world(options);
    const other = load(write((w) => w.put(0x95)));
    other.run(ctx);
    const bad: [number, number][] = [
      [0, 0],
      [8, 0],
      [secret, 0],
      [ctx, 1],
      [ctx, -1],
      [ctx - 1, 0],
      [ctx + CTX_SIZE, 0],
      [engine.control, 0],
      [-1, 0],
      [-8, -1],
      [mem.size - 4, 0],
      [mem.size, 0],
      [0x7fffffff, 0],
      [0, -0x80000000],
    ];
    const before = mem.read(secret, 4096);
    for (const [lo, hi] of bad) {
      for (const [code, imm] of [
        [0x61, 0],
        [0x69, 0],
        [0x71, 0],
        [0x79, 0],
        [0x81, 0],
        [0x63, 0],
        [0x6a, 0],
        [0x72, 0],
        [0x7b, 0],
        [0xdb, 0],
        [0xc3, 0xe1],
        [0xdb, 0xf1],
        [0xdb, 0x100],
        [0xdb, 0x110],
      ] as const) {
        const loads = (code & 7) === 1 || imm === 0x100;
        const p = load(
          write((w) => {
            w.imm64(2, lo, hi);
            w.put(code, loads ? 0 : 2, loads ? 2 : 0, 0, imm);
            w.put(0x95);
          }),
        );
        p.run(ctx);
        expect(engine.fault).toEqual({ kind: 'access', pc: 2 });
        p.dispose();
      }
    }
    expect(mem.read(secret, 4096)).toEqual(before);
  });

  test('a read-only region is read and not written, and an access may not straddle two regions', () => {
    const { engine, load, ctx } = world(options);
    const access = (code: number, off: number): string => {
      load(
        write((w) => {
          w.put(0xbf, 2, 1);
          w.put(code, code === 0x79 ? 0 : 2, code === 0x79 ? 2 : 0, off);
          w.put(0x95);
        }),
      ).run(ctx);
      return engine.fault?.kind ?? 'fine';
    };
    expect(access(0x79, 0)).toBe('fine');
    expect(access(0x7b, 24)).toBe('fine');
    expect(access(0x79, 32)).toBe('fine');
    expect(access(0x79, 56)).toBe('fine');
    expect(access(0x7b, 32)).toBe('access');
    expect(access(0x79, 28)).toBe('access');
    expect(access(0x79, 57)).toBe('access');
    expect(access(0x79, -1)).toBe('access');
  });

  test('the stack is its own, from its lowest byte to r10', () => {
    const { engine, load, ctx } = world(options);
    const at = (off: number): string => {
      load(
        write((w) => {
          w.put(0x7a, 10, 0, off, 1);
          w.put(0x95);
        }),
      ).run(ctx);
      return engine.fault?.kind ?? 'fine';
    };
    expect(at(-512)).toBe('fine');
    expect(at(-8)).toBe('fine');
    expect(at(-513)).toBe('access');
    expect(at(-7)).toBe('access');
    expect(at(0)).toBe('access');
  });

  test('the edges of regions are where they are, for every width, size of region and way to write the address', () => {
    const { engine, load, ctx } = world(options);
    const at = ctx + CTX_SIZE / 2;
    // A region that ends with the address space, and the ones that are too small for what is asked.
    const sizes = [0, 1, 2, 3, 4, 7, 8, 9, 16];
    for (const size of sizes) {
      engine.regions = [
        { start: at, size, writable: size % 2 === 0 },
        { start: 2 ** 32 - 8, size: 100, writable: true },
      ];
      for (const [code, width] of [
        [0x71, 1],
        [0x69, 2],
        [0x61, 4],
        [0x79, 8],
        [0x73, 1],
        [0x7b, 8],
      ] as const) {
        const store = (code & 7) === 3;
        for (let off = -9; off <= size; off++) {
          const p = load(
            write((w) => {
              w.imm64(2, at, 0);
              w.put(code, store ? 2 : 0, store ? 0 : 2, off);
              w.put(0x95);
            }),
          );
          p.run(ctx);
          const inside = off >= 0 && off + width <= size && (!store || size % 2 === 0);
          expect(engine.fault).toEqual(inside ? null : { kind: 'access', pc: 2 });
          p.dispose();
        }
      }
    }
    // Behind the last address there is nothing, least of all the first ones.
    for (const [lo, hi] of [
      [0, 1],
      [4, 1],
      [-4, 0],
      [0, 0],
    ] as const) {
      load(
        write((w) => {
          w.imm64(2, lo, hi);
          w.put(0x79, 0, 2);
          w.put(0x95);
        }),
      ).run(ctx);
      expect(engine.fault).toEqual({ kind: 'access', pc: 2 });
    }
  });

  test('what was checked once is checked again when the register, the width or the kind of access is another', () => {
    const { engine, load, ctx } = world(options);
    const forms: [number, Uint8Array][] = [
      // Read, then written, where only reading is allowed.
      [1, writeAll([0x79, 0, 1, 32], [0x7b, 1, 0, 32], [0x95])],
      // A byte, then eight from there on.
      [1, writeAll([0x71, 0, 1, 63], [0x79, 0, 1, 63], [0x95])],
      // The register moves, in each of the ways there are.
      [2, writeAll([0x79, 0, 1, 56], [0x07, 1, 0, 0, 8], [0x79, 0, 1, 56], [0x95])],
      [2, writeAll([0x79, 0, 1, 0], [0x79, 1, 1, 0], [0x79, 0, 1, 0], [0x95])],
      [2, writeAll([0x79, 0, 1, 0], [0xb4, 1, 0, 0, 0], [0x79, 0, 1, 0], [0x95])],
      [2, writeAll([0x79, 0, 1, 0], [0xdb, 1, 1, 0, 0xe1], [0x79, 0, 1, 0], [0x95])],
      [
        4,
        write((w) => {
          w.put(0xbf, 6, 1);
          w.put(0x79, 0, 1, 0);
          // The function reads its own r6, which is 0, and not the caller's.
          w.put(0x85, 0, 1, 0, 1);
          w.put(0x95);
          w.put(0x79, 0, 6, 0);
          w.put(0x95);
        }),
      ],
      // One of two ways past a check.
      [2, writeAll([0x15, 2, 0, 1, 0], [0x79, 0, 1, 56], [0x79, 0, 1, 57], [0x95])],
    ];
    for (const [pc, form] of forms) {
      load(form).run(ctx);
      expect(engine.fault).toEqual({ kind: 'access', pc });
    }
  });

  test('a function has its own registers and gives back those of its caller', () => {
    const { load, ctx } = world(options);
    const p = load(
      write((w) => {
        for (let reg = 1; reg < 10; reg++) w.put(0xb7, reg, 0, 0, 1 << reg);
        w.put(0xb7, 0, 0, 0, 1);
        w.put(0x85, 0, 1, 0, 10);
        for (let reg = 1; reg < 10; reg++) w.put(0x0f, 0, reg);
        w.put(0x95);
        // Answers r0 and r6 to r9, which are 0, and changes all the others.
        for (let reg = 6; reg < 10; reg++) w.put(0x0f, 0, reg);
        for (let reg = 1; reg < 10; reg++) w.put(0xb7, reg, 0, 0, -1);
        w.put(0x95);
      }),
    );
    expect(p.run(ctx)).toBe(0x3fe);
  });

  test('functions that do little are counted like others: they take fuel and may not nest too deep', () => {
    const { engine, load, ctx } = world(options);
    const chain = (depth: number): Uint8Array =>
      write((w) => {
        for (let i = 0; i < depth; i++) {
          w.put(0x85, 0, 1, 0, 1);
          w.put(0x95);
        }
        w.put(0xb7, 0, 0, 0, 5);
        w.put(0x95);
      });
    expect(load(chain(7)).run(ctx)).toBe(5);
    expect(engine.fault).toBe(null);
    load(chain(8)).run(ctx);
    expect(engine.fault).toEqual({ kind: 'stack', pc: 14 });
    load(chain(7), { fuel: 6 }).run(ctx);
    expect(engine.fault).toEqual({ kind: 'fuel', pc: 12 });
  });

  test('a lookup in an array goes to the helper where the map or the key are not what they should be', () => {
    const seen: string[] = [];
    const { engine, ctx, mem } = world(options, {
      1: () => ({
        name: 'map_lookup_elem',
        args: 'ii',
        ret: 'ptr',
        call: (map, key) => {
          seen.push(`${map! >>> 0} ${key! >>> 0}`);
          return 0;
        },
      }),
    });
    const [map, values] = [mem.alloc(64), mem.alloc(64)];
    const facts = { type: 2, addr: map, keySize: 4, valueSize: 8, maxEntries: 8, base: values, stride: 8 };
    const lookup = (mapLo: number, mapHi: number, keyLo: number, keyHi: number): number => {
      const bytes = write((w) => {
        w.imm64(1, mapLo, mapHi);
        w.imm64(2, keyLo, keyHi);
        w.put(0x85, 0, 0, 0, 1);
        w.put(0x95);
      });
      const p = engine.load({ ...codeOf(bytes), callMaps: new Map([[4, facts]]) }, options);
      const answer = p.run(ctx);
      p.dispose();
      return answer;
    };
    mem.setU32(ctx, 3);
    const inPlace = lookup(map, 0, ctx, 0);
    if (options.mode === 'jit') {
      expect(inPlace).toBe(values + 24);
      expect(seen).toEqual([]);
    }
    seen.length = 0;
    lookup(map, 1, ctx, 0);
    lookup(map + 1, 0, ctx, 0);
    lookup(map, 0, ctx, 1);
    lookup(map, 0, ctx + CTX_SIZE - 3, 0);
    lookup(map, 0, map, 0);
    expect(seen).toEqual([
      `${map} ${ctx}`,
      `${map + 1} ${ctx}`,
      `${map} ${ctx}`,
      `${map} ${ctx + CTX_SIZE - 3}`,
      `${map} ${map}`,
    ]);
    // What it answers is no region of the program's.
    const bytes = write((w) => {
      w.imm64(1, map, 0);
      w.imm64(2, ctx, 0);
      w.put(0x85, 0, 0, 0, 1);
      w.put(0x79, 0, 0);
      w.put(0x95);
    });
    engine.load({ ...codeOf(bytes), callMaps: new Map([[4, facts]]) }, options).run(ctx);
    expect(engine.fault).toEqual({ kind: 'access', pc: 5 });
  });

  test('a helper or a tail call that is handed nonsense ends the run, not the process', () => {
    const { engine, load, ctx, mem } = world(options, {
      1: () => ({
        name: 'touchy',
        args: 'i',
        ret: 'int',
        call: () => {
          throw new Error('no map there');
        },
      }),
      2: (e) => ({ name: 'reads', args: 'i', ret: 'int', call: (addr) => e.mem.u32(addr! >>> 0) }),
    });
    for (const helper of [1, 2, 12, 77]) {
      for (const [lo, hi] of [
        [-4, 0],
        [-4, -1],
        [mem.size - 2, 0],
      ] as const) {
        load(
          write((w) => {
            w.put(0xb7, 3, 0, 0, 5);
            w.imm64(2, lo, hi);
            w.put(0xbf, 1, 2);
            w.put(0x85, 0, 0, 0, helper);
            w.put(0x95);
          }),
        ).run(ctx);
        expect(engine.fault?.kind).toBe(helper === 77 ? 'illegal-instruction' : 'access');
      }
    }
    // A prog array that the program made up itself: its slots lead to no program.
    for (const slot of [1, 60, 63, 64, 1000, -1]) {
      const p = load(
        write((w) => {
          w.put(0x62, 1, 0, 12, 100);
          w.put(0x63, 1, 1, 20);
          w.put(0x62, 1, 0, 0, slot);
          w.put(0xbf, 2, 1);
          w.put(0xb7, 3, 0, 0, 0);
          w.put(0x85, 0, 0, 0, 12);
          w.put(0x95);
        }),
      );
      const programs = new Set([p.slot]);
      p.run(ctx);
      if (!programs.has(slot) && engine.fault !== null) expect(engine.fault.kind).toBe('access');
    }
  });

  test('random bytes are a program like any other', () => {
    const bytes = fc.uint8Array({ minLength: 8, maxLength: 400 }).map((b) => b.subarray(0, b.length & ~7));
    fc.assert(
      fc.property(bytes, (program) => {
        const { load, ctx, mem, secret, engine } = world(options);
        load(program).run(ctx);
        expect(mem.read(secret, 4096).every((b) => b === 0x5a)).toBe(true);
        expect(mem.u32(ctx + CTX_SIZE / 2)).toBe(0);
        expect(engine.fault === null || engine.fault.kind.length > 0).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

test('wild programs change nothing but their stack and their region', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const program = wildProgram(seed, 40, CTX_SIZE);
      for (const options of MODES) {
        const { load, ctx, mem, engine } = world(options);
        const p = load(program);
        const before = mem.read(0, mem.size);
        p.run(ctx);
        const after = mem.read(0, mem.size);
        // The control block is the engine's. Of the rest only bytes of one stack may be new.
        after.fill(0, engine.control, engine.control + 64);
        before.fill(0, engine.control, engine.control + 64);
        const stack = codeOf(program).subprogs.length * 512;
        const changed = [...after.keys()].filter((i) => after[i] !== before[i]);
        const own = changed.filter((i) => i < ctx || i >= ctx + CTX_SIZE / 2);
        if (own.length > 0) expect(own.at(-1)! - own[0]!).toBeLessThan(stack);
      }
    }),
    { numRuns: 60 },
  );
});

test('without checks, too, a wild address is a fault and not an exception', () => {
  for (const mode of ['interpreter', 'jit'] as const) {
    const { engine, load, ctx } = world({ mode });
    load(
      write((w) => {
        w.imm64(2, -16, 0);
        w.put(0x79, 0, 2);
        w.put(0x95);
      }),
    ).run(ctx);
    expect(engine.fault).toEqual({ kind: 'access', pc: -1 });
    load(write((w) => w.put(0x95))).run(ctx);
    expect(engine.fault).toBe(null);
  }
});
