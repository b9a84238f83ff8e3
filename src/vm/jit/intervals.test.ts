import { expect, test } from 'vitest';
import { assemble } from '../../isa/index.ts';
import { operations } from '../operations.ts';
import { ProgramFacts } from './function-facts.ts';

const STACK = { start: 65_536, size: 512 };

/** Facts of a function that an unverified program begins with. */
function factsOf(text: string) {
  const ops = operations({ insns: assemble(text), subprogs: [0] });
  return { ops, ...new ProgramFacts(ops, new Map(), STACK, true).of(0) };
}

/** Whether the last access of a program is known to be inside the stack. */
function lastIsInStack(text: string): boolean {
  const { inStack, ops } = factsOf(`${text}\nr0 = 0\nexit`);
  const last = ops.op.findLastIndex((op) => (op & 7) === 1 || (op & 7) === 3);
  return inStack[last] === 1;
}

const loop = (first: string, count: string, end: string, off = -8): string =>
  `r0 = 0\nr2 = ${first}\nagain: r3 = r10\nr3 += ${off}\nr3 += r2\n${count}\n${end}\n*(u8 *)(r3 +0) = r0`;

test.each([
  ['r2 += 1', 'if r2 != 8 goto again', true],
  ['r2 += 1', 'if r2 < 8 goto again', true],
  ['r2 += 1', 'if r2 s< 8 goto again', true],
  ['w2 += 1', 'if w2 != 8 goto again', true],
  ['r2 += 1', 'if r2 < 9 goto again', false],
  ['r2 += 2', 'if r2 != 7 goto again', false],
  ['r2 += -1', 'if r2 != 8 goto again', false],
  ['r2 += 1', 'if r2 != r1 goto again', false],
  ['r4 = r2\nr2 += 1', 'if r4 < 7 goto again', true],
  ['w4 = w2\nw2 += 1', 'if w4 < 7 goto again', true],
  ['r4 = r2\nr2 += 1', 'if r4 < 8 goto again', false],
])('a counter that begins at 0: %s, %s', (count, end, known) => {
  expect(lastIsInStack(loop('0', count, end))).toBe(known);
});

test.each([
  ['r2 &= 7', true],
  ['r2 &= 8', false],
  ['r2 >>= 61', true],
  ['r2 >>= 60', false],
  ['w2 >>= 29', true],
  ['r2 %= 8', true],
  ['r2 = *(u8 *)(r10 -1)\nr2 /= 32', true],
  ['r2 = *(u8 *)(r10 -1)\nr2 /= 16', false],
  ['if r2 > 7 goto out', true],
  ['if r2 s> 7 goto out', false],
  ['if w2 > 7 goto out', false],
  ['w2 = w2\nif w2 > 7 goto out', true],
  ['r2 &= 3\nr2 |= 4', true],
  ['r2 &= 3\nr2 *= 2', true],
  ['r2 &= 3\nr2 <<= 1', true],
  ['r2 &= 3\nr2 -= 1', false],
  ['r2 &= 3\nr2 = -r2', false],
  ['r2 = 9\nif r1 == 0 goto on\nr2 = 4\non:', false],
  ['r2 = 7\nif r1 == 0 goto on\nr2 = 4\non:', true],
])('an argument of any size: %s', (text, known) => {
  const program = `${text}\nr3 = r10\nr3 += -8\nr3 += r2\n*(u8 *)(r3 +0) = 1\nout: r0 = 0\nexit`;
  const { inStack, ops } = factsOf(program);
  const store = ops.op.findLastIndex((op) => (op & 7) === 2);
  expect(inStack[store]).toBe(known ? 1 : 0);
});

test('a hundred loops, one inside the other, and a thousand behind one another are soon done', () => {
  const nested = ['r0 = 0', 'r1 = 0'];
  for (let i = 0; i < 100; i++) nested.push(`l${i}: r1 += 1`);
  for (let i = 99; i >= 0; i--) nested.push(`r0 += 1`, `if r0 != ${i * 3} goto l${i}`);
  factsOf([...nested, 'exit'].join('\n'));
  const row = ['r0 = 0'];
  for (let i = 0; i < 1000; i++) row.push(`m${i}: r0 += 1`, `if r0 != ${i} goto m${i}`);
  const { blocks } = factsOf([...row, 'exit'].join('\n'));
  expect(blocks.length).toBeGreaterThan(1000);
});
