/**
 * Whether results follow from a program alone. Root's programs may return addresses, and read stack that nobody wrote.
 * So the program is run once more as a function, deeper on a stack that was scribbled over: what changes then was
 * no result.
 *
 *     r6 = r1; call scribble; r1 = r6; call program; exit; program…; scribble…
 */
import type { ProgramCase } from '../../../src/bin/cases/case.ts';
import type { ProgramAnswer } from '../../../src/bin/cases/program.ts';
import { assemble, type Insns } from '../../../src/isa/index.ts';
import { changed, type Program, programOf, withProgram, withRoom } from './edit.ts';

const SLOTS = 56;
const ENTRY = 5;

export function scribbled(c: ProgramCase): ProgramCase {
  const program = programOf(c);
  const { length } = program.insns;
  const entry = assemble(`r6 = r1\ncall pc+${ENTRY - 2 + length}\nr1 = r6\ncall pc+1\nexit`);
  const stores = Array.from({ length: SLOTS }, (_, i) => `*(u64 *)(r10 -${8 * (i + 1)}) = ${-0x5a5a5a5b + i}`);
  const scribble = assemble(`${stores.join('\n')}\nr0 = 0\nexit`);
  const before = filled(withRoom(program, 0, ENTRY)!, 0, entry);
  return withProgram(c, filled(withRoom(before, ENTRY + length, scribble.length)!, ENTRY + length, scribble));
}

function filled(program: Program, at: number, from: Insns): Program {
  let out = program;
  for (let pc = 0; pc < from.length; pc++) {
    const [code, dst, src, off, imm] = [from.code[pc]!, from.dst[pc]!, from.src[pc]!, from.off[pc]!, from.imm[pc]!];
    out = changed(out, at + pc, { code, dst, src, off, imm });
  }
  return out;
}

export function sameResults(a: ProgramAnswer, b: ProgramAnswer): boolean {
  const results = ({ accept, runs, maps_after }: ProgramAnswer) => JSON.stringify([accept, runs, maps_after]);
  return results(a) === results(b);
}
