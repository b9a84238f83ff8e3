/**
 * Comparison of states against brute force. A state of a few registers and stack slots over the numbers 0 to 7 stands
 * for a set of machine states, small enough to be listed. Whatever the comparison answers yes to must be so in the sets:
 * a mistake here is a program that walks on unproven ground.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { syncBounds } from '../../src/verifier/domain/bounds.ts';
import type { Env } from '../../src/verifier/env.ts';
import { type Likeness, Pruner } from '../../src/verifier/explore/prune.ts';
import type { Reg } from '../../src/verifier/state/reg.ts';
import { LiveState } from '../../src/verifier/state/state.ts';
import { SLOT_INVALID, SLOT_MISC, SLOT_SPILL, SLOT_ZERO } from '../../src/verifier/state/types.ts';

const REGS = 3;
const SLOTS = 2;
const UNIVERSE = [0, 1, 2, 3, 4, 5, 6, 7] as const;
/** What a cell holds where nothing was ever written. */
const UNWRITTEN = -1;

/** A register or a stack slot. `ids` that are not 0 are shared by cells that hold the same number. */
type Cell =
  | { readonly kind: 'nothing' | 'any-bytes' | 'zero-bytes' }
  | { readonly kind: 'number'; readonly set: readonly number[]; readonly loose: number; readonly id: number };

const numberCell = fc.record({
  kind: fc.constant('number' as const),
  set: fc.subarray([...UNIVERSE], { minLength: 1 }),
  loose: fc.nat(3),
  id: fc.nat(2),
});
const registerCell = fc.oneof({ weight: 5, arbitrary: numberCell }, fc.constant<Cell>({ kind: 'nothing' }));
const slotCell = fc.oneof(
  { weight: 3, arbitrary: numberCell },
  fc.constantFrom<Cell>({ kind: 'nothing' }, { kind: 'any-bytes' }, { kind: 'zero-bytes' }),
);
const cells = fc
  .tuple(
    fc.array(registerCell, { minLength: REGS, maxLength: REGS }),
    fc.array(slotCell, { minLength: SLOTS, maxLength: SLOTS }),
  )
  .map(([registers, slots]): readonly Cell[] => [...registers, ...slots]);
/** Which cells changed on the way from one state to the other: mostly few, so that many pairs are comparable. */
const pair = fc
  .tuple(cells, cells, fc.nat((1 << (REGS + SLOTS)) - 1), fc.nat((1 << (REGS + SLOTS)) - 1), fc.boolean())
  .map(([old, other, some, more, narrow]) => ({
    old,
    cur: old.map((cell, k): Cell => {
      if (some & more & (1 << k)) return other[k]!;
      if (!narrow || cell.kind !== 'number') return cell;
      return { ...cell, set: cell.set.slice(0, 1 + (some % cell.set.length)) };
    }),
    precise: some ^ more,
  }));

function setNumber(reg: Reg, cell: Cell & { kind: 'number' }, precise: boolean): void {
  const { set, loose } = cell;
  const all = set.map(BigInt);
  reg.markUnknown(precise);
  const mask = all.reduce((m, x) => m | (x ^ all[0]!), 0n);
  reg.varOff = loose & 1 ? { value: 0n, mask: 7n } : { value: all[0]! & ~mask, mask };
  if (!(loose & 2)) {
    reg.umin = BigInt(Math.min(...set));
    reg.umax = BigInt(Math.max(...set));
  }
  reg.id = cell.id;
  syncBounds(reg);
}

/** `precise`: bit k is cell k. */
function stateOf(all: readonly Cell[], precise: number): LiveState {
  const state = new LiveState();
  state.reset(0);
  const frame = state.frame;
  frame.growStack(SLOTS);
  all.forEach((cell, k) => {
    const isPrecise = (precise & (1 << k)) !== 0;
    if (k < REGS) {
      if (cell.kind === 'number') setNumber(frame.regs[k]!, cell, isPrecise);
      return;
    }
    const slot = k - REGS;
    if (cell.kind === 'number') setNumber(frame.spilled[slot]!, cell, isPrecise);
    const kinds = { nothing: SLOT_INVALID, 'any-bytes': SLOT_MISC, 'zero-bytes': SLOT_ZERO, number: SLOT_SPILL };
    frame.setKinds(slot, kinds[cell.kind]);
  });
  return state;
}

/** The numbers that a register's ranges and bits allow: often more than those it was made of. */
function numbersOf(reg: Reg): readonly number[] {
  return UNIVERSE.filter((n) => {
    const x = BigInt(n);
    return (x & ~reg.mask) === reg.value && x >= reg.umin && x <= reg.umax && x >= reg.smin && x <= reg.smax;
  });
}

/** What the cell may hold in the machine. */
function choices(state: LiveState, cell: Cell, k: number): readonly number[] {
  if (cell.kind === 'nothing') return [UNWRITTEN];
  if (cell.kind === 'any-bytes') return UNIVERSE;
  if (cell.kind === 'zero-bytes') return [0];
  return numbersOf(k < REGS ? state.frame.regs[k]! : state.frame.spilled[k - REGS]!);
}

/** Every machine state that the cells stand for. */
function* machineStates(state: LiveState, all: readonly Cell[]): Generator<readonly number[]> {
  const allowed = all.map((cell, k) => choices(state, cell, k));
  const byId = new Map<number, number>();
  const held: number[] = [];
  function* from(k: number): Generator<readonly number[]> {
    if (k === all.length) {
      yield held;
      return;
    }
    const cell = all[k]!;
    const id = cell.kind === 'number' ? cell.id : 0;
    const known = id === 0 ? undefined : byId.get(id);
    for (const n of allowed[k]!) {
      if (known !== undefined && known !== n) continue;
      if (id !== 0) byId.set(id, n);
      held[k] = n;
      yield* from(k + 1);
    }
    if (id !== 0 && known === undefined) byId.delete(id);
  }
  yield* from(0);
}

/**
 * Answers whether a machine state is one of those that a program was proven safe from. Cells that nobody reads
 * (`nothing`), and numbers whose value did not matter (bit k of `matters` is 0), were proven with any content.
 */
function provenBy(
  state: LiveState,
  all: readonly Cell[],
  matters: number,
  mayReadUnwritten: boolean,
): (held: readonly number[]) => boolean {
  const any = [...UNIVERSE];
  const allowed = all.map((cell, k): readonly number[] => {
    if (cell.kind === 'nothing') return [UNWRITTEN, ...any];
    const anything = cell.kind === 'any-bytes' || (cell.kind === 'number' && !(matters & (1 << k)));
    if (!anything) return choices(state, cell, k);
    return k >= REGS && mayReadUnwritten ? [UNWRITTEN, ...any] : any;
  });
  const link = all.map((cell, k) => (cell.kind === 'number' && matters & (1 << k) ? cell.id : 0));
  return (held) =>
    held.every((n, k) => {
      const first = link[k] === 0 ? k : link.indexOf(link[k]!);
      return allowed[k]!.includes(n) && held[first] === n;
    });
}

function compare(old: LiveState, cur: LiveState, likeness: Likeness, allowUninitStack: boolean): boolean {
  const aux = { liveRegs: Uint16Array.of(0x7ff) };
  const env = { lastId: 100, allowUninitStack, aux } as unknown as Env;
  return new Pruner(env).equal(old, cur, likeness);
}

const ALL = (1 << (REGS + SLOTS)) - 1;

describe('comparison of states', () => {
  it.each<{ likeness: Likeness; uninit: boolean }>([
    { likeness: 'covers', uninit: false },
    { likeness: 'covers', uninit: true },
    { likeness: 'within', uninit: false },
    { likeness: 'within', uninit: true },
    { likeness: 'exact', uninit: false },
  ])(
    'answers yes only where every machine state was proven ($likeness, reads of unwritten stack: $uninit)',
    ({ likeness, uninit }) => {
      let answeredYes = 0;
      fc.assert(
        fc.property(pair, ({ old, cur, precise }) => {
          const a = stateOf(old, precise);
          const b = stateOf(cur, precise);
          if (!compare(a, b, likeness, uninit)) return;
          answeredYes++;
          const matters = likeness === 'covers' ? precise : ALL;
          const isProven = provenBy(a, old, matters, uninit);
          for (const held of machineStates(b, cur)) if (!isProven(held)) expect.fail(`not proven: ${held}`);
        }),
        { numRuns: 1500 },
      );
      expect(answeredYes).toBeGreaterThan(150);
    },
  );

  it('finds every state equal to itself', () => {
    fc.assert(
      fc.property(cells, fc.nat(ALL), fc.boolean(), (all, precise, uninit) => {
        for (const likeness of ['covers', 'within', 'exact'] as const) {
          expect(compare(stateOf(all, precise), stateOf(all, precise), likeness, uninit)).toBe(true);
        }
      }),
    );
  });
});
