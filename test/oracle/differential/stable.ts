/**
 * Whether results follow from a program alone. Root's programs may return addresses, and read stack that nobody wrote.
 * So the program is run once more as a function, deeper on a stack that was scribbled over: what changes then was
 * no result.
 *
 *     r6 = r1; call scribble; r1 = r6; call program; exit; program…; scribble…
 */
import { concat } from '../../../src/base/bytes.ts';
import type { ProgramCase } from '../../../src/bin/cases/case.ts';
import type { ProgramAnswer } from '../../../src/bin/cases/program.ts';
import { assemble, encode } from '../../../src/isa/index.ts';
import { bytesOf, withInsns } from './program-case.ts';

const SLOTS = 56;
const ENTRY = 5;

export function scribbled(c: ProgramCase): ProgramCase {
  const program = bytesOf(c);
  const entry = encode(assemble(`r6 = r1\ncall pc+${ENTRY - 2 + program.length / 8}\nr1 = r6\ncall pc+1\nexit`));
  const stores = Array.from({ length: SLOTS }, (_, i) => `*(u64 *)(r10 -${8 * (i + 1)}) = ${-0x5a5a5a5b + i}`);
  const scribble = encode(assemble(`${stores.join('\n')}\nr0 = 0\nexit`));
  return withInsns(c, concat([entry, program, scribble]));
}

export function sameResults(a: ProgramAnswer, b: ProgramAnswer): boolean {
  const results = ({ accept, runs, maps_after }: ProgramAnswer) => JSON.stringify([accept, runs, maps_after]);
  return results(a) === results(b);
}
