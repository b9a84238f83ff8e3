import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assemble } from '../../isa/index.ts';
import { type Code, Engine, type EngineOptions, LinearMemory } from '../index.ts';

const code = (text: string): Code => ({ insns: assemble(text), subprogs: [0] });
const load = (text: string, options: EngineOptions = {}) =>
  new Engine(new LinearMemory(), { helpers: new Map() }).load(code(text), options);

/** Whether the first function has a br_table. */
function hasTable(text: string): boolean {
  const { image, ranges } = load(text);
  const { offset, size } = ranges[0]!;
  return WebAssembly.validate(image as Uint8Array<ArrayBuffer>) && image.subarray(offset, offset + size).includes(0x0e);
}

const JUMPS = ['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<='];

/** A tree of comparisons of a register, from numbers; its leaves add something to r0 and go to `done`, or back to `again`. */
function treeOf(choices: readonly number[], register: string): string {
  const lines: string[] = [];
  let next = 0;
  let labels = 0;
  const take = (below: number): number => choices[next++ % choices.length]! % below;
  const grow = (depth: number): void => {
    if (depth === 0 || take(8) === 0) {
      lines.push(`r0 *= 31`, `r0 += ${take(100)}`, take(3) === 0 ? 'goto again' : 'goto done');
      return;
    }
    const label = `t${labels++}`;
    lines.push(`if ${register} ${JUMPS[take(JUMPS.length)]} ${take(17)} goto ${label}`);
    grow(depth - 1);
    lines.push(`${label}:`);
    grow(depth - 1);
  };
  grow(4);
  return lines.join('\n');
}

test('a tree of comparisons does what it did, whatever it compares', () => {
  let tables = 0;
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { minLength: 40, maxLength: 40 }),
      fc.constantFrom('r2 &= 15', 'w2 &= 15', 'w2 &= 17', 'r2 &= 3'),
      fc.constantFrom('r2', 'w2'),
      (choices, cut, register) => {
        const text = `r0 = 1\nr6 = r1\nr7 = 0\nagain: r7 += 1\nif r7 > 3 goto done\nr6 += 5\nr2 = r6\n${cut}\n${treeOf(choices, register)}\ndone: exit`;
        if (hasTable(text)) tables++;
        const [fast, slow] = [load(text), load(text, { mode: 'interpreter' })];
        for (let n = 0; n < 20; n++) expect(fast.run(n)).toBe(slow.run(n));
      },
    ),
    { numRuns: 150 },
  );
  expect(tables).toBeGreaterThan(20);
});

test('there is a table only where each number has its place in it', () => {
  const tree = (cut: string): string =>
    `r0 = 0\nr2 = *(u32 *)(r1 +0)\n${cut}\n${[1, 2, 3, 4, 5, 6].map((n) => `if r2 == ${n} goto l${n}`).join('\n')}\nexit\n${[1, 2, 3, 4, 5, 6].map((n) => `l${n}: r0 += ${n * n}\nexit`).join('\n')}`;
  expect(hasTable(tree('r2 &= 7'))).toBe(true);
  expect(hasTable(tree('r2 = *(u8 *)(r1 +0)\nr2 &= 63'))).toBe(true);
  expect(hasTable(tree('r2 &= 64'))).toBe(false);
  expect(hasTable(tree('r2 &= -8'))).toBe(false);
  expect(hasTable(tree('r2 &= 7\nr2 += 1'))).toBe(false);
  expect(hasTable(tree('r3 = 7'))).toBe(false);
});
