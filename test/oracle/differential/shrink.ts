/**
 * Makes a program smaller while it still shows the same: instructions are taken out (jumps over them are mended),
 * replaced by nothing or by a plain number, and constants made simple, until no single step helps.
 */
import { changed, isSecondHalf, type Program, targetOf, without } from './edit.ts';

const JMP = 0x05;
const CALL = 0x85;
const EXIT = 0x95;
const LD_IMM64 = 0x18;
const MOV64_K = 0xb7;

/** `shows` is asked of candidates; `program` shows it. `budget` questions at most. */
export async function shrink(
  program: Program,
  shows: (program: Program) => Promise<boolean>,
  budget = 2000,
): Promise<Program> {
  let best = program;
  let left = budget;
  const better = async (candidate: Program | undefined): Promise<boolean> => {
    if (candidate === undefined || left-- <= 0 || !(await shows(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let again = true; again && left > 0; ) {
    again = false;
    for (let chunk = best.insns.length >> 1; chunk >= 1; chunk >>= 1) {
      for (let at = best.insns.length - chunk; at >= 0 && left > 0; at -= chunk) {
        if (at + chunk <= best.insns.length && (await better(without(best, at, chunk)))) again = true;
      }
    }
    for (let pc = 0; pc < best.insns.length && left > 0; pc++) {
      for (const simpler of simplerAt(best, pc)) {
        if (await better(simpler)) {
          again = true;
          break;
        }
      }
    }
  }
  return best;
}

function* simplerAt(program: Program, pc: number): Generator<Program> {
  const { insns } = program;
  const code = insns.code[pc]!;
  if (code === 0 || code === EXIT || isSecondHalf(insns, pc)) return;
  if (code === LD_IMM64) {
    if (insns.src[pc] === 0 && insns.imm[pc] !== 0) yield changed(program, pc, { imm: 0 });
    return;
  }
  const cls = code & 7;
  // A plain number where something was computed or loaded.
  const computes = cls === 1 || cls === 4 || cls === 7;
  if (computes && code !== MOV64_K) yield changed(program, pc, { code: MOV64_K, src: 0, off: 0, imm: 0 });
  if (cls === 4) yield changed(program, pc, { code: code | 7 });
  const field = targetOf(insns, pc)?.field;
  if (field === 'off' && code !== JMP) yield changed(program, pc, { code: JMP, dst: 0, src: 0, imm: 0 });
  if (code !== CALL && field !== 'imm') {
    for (const imm of [0, 1]) if (insns.imm[pc] !== imm && insns.imm[pc] !== 0) yield changed(program, pc, { imm });
  }
}
