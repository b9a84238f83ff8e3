/**
 * Instructions in front of a program's own first one. Jumps and calls are relative, so the program itself stays as it
 * is; what moves is everything that names its places.
 */
import { view } from '../base/bytes.ts';
import type { ProgramSpec } from './spec.ts';

const SLOT = 8;

/** The program behind `prologue`, which ends by falling through to it, with the context in r1 as it found it. */
export function withPrologue(program: ProgramSpec, prologue: Uint8Array): ProgramSpec {
  if (prologue.length === 0) return program;
  const slots = prologue.length / SLOT;
  const insns = new Uint8Array(prologue.length + program.insns.length);
  insns.set(prologue);
  insns.set(program.insns, prologue.length);
  return {
    ...program,
    insns,
    references: program.references.map((reference) => ({ ...reference, pc: reference.pc + slots })),
    coreRelocations: program.coreRelocations.map((relocation) => ({ ...relocation, pc: relocation.pc + slots })),
    funcInfo: moved(program.funcInfo, 8, slots),
    lineInfo: moved(program.lineInfo, 16, slots),
  };
}

/** Records that begin with a place; the first one, of the function's beginning, stays there: it now begins sooner. */
function moved(records: Uint8Array, size: number, slots: number): Uint8Array {
  const out = records.slice();
  const dv = view(out);
  for (let at = 0; at + size <= out.length; at += size) {
    const pc = dv.getUint32(at, true);
    if (pc > 0) dv.setUint32(at, pc + slots, true);
  }
  return out;
}
