/**
 * Makes a program smaller while it still shows the same: instructions are taken out (jumps over them are mended),
 * replaced by nothing or by a plain number, and constants made simple, until no single step helps.
 */
import { decode, encode, Insns } from '../../../src/isa/index.ts';

const JMP = 0x05;
const JMP32 = 0x06;
const CALL = 0x85;
const EXIT = 0x95;
const LD_IMM64 = 0x18;
const PSEUDO_FUNC = 4;
const PSEUDO_CALL = 1;
const GOTOL = 0x06;

/** `shows` is asked of candidates; `insns` shows it. `budget` questions at most. */
export async function shrinkInsns(
  insns: Uint8Array,
  shows: (insns: Uint8Array) => Promise<boolean>,
  budget = 2000,
): Promise<Uint8Array> {
  let best = decode(insns);
  let left = budget;
  const better = async (candidate: Insns | undefined): Promise<boolean> => {
    if (candidate === undefined || left-- <= 0 || !(await shows(encode(candidate)))) return false;
    best = candidate;
    return true;
  };
  for (let again = true; again && left > 0; ) {
    again = false;
    for (let chunk = best.length >> 1; chunk >= 1; chunk >>= 1) {
      for (let at = best.length - chunk; at >= 0 && left > 0; at -= chunk) {
        if (at + chunk <= best.length && (await better(without(best, at, chunk)))) again = true;
      }
    }
    for (let pc = 0; pc < best.length && left > 0; pc++) {
      for (const simpler of simplerAt(best, pc)) {
        if (await better(simpler)) {
          again = true;
          break;
        }
      }
    }
  }
  return encode(best);
}

/** The program without `count` slots from `at`; undefined where that would cut a 64-bit load in two. */
function without(insns: Insns, at: number, count: number): Insns | undefined {
  if (isSecondHalf(insns, at) || isSecondHalf(insns, at + count)) return undefined;
  const out = new Insns(insns.length - count);
  // Where each slot goes; what pointed at a slot that is gone points at the one after it.
  const place = (pc: number) => (pc <= at ? pc : pc < at + count ? at : pc - count);
  for (let pc = 0; pc < insns.length; pc++) {
    if (pc >= at && pc < at + count) continue;
    const to = place(pc);
    copySlot(insns, pc, out, to);
    const target = targetOf(insns, pc);
    if (target !== undefined) setTarget(out, to, place(target.pc) - to - 1, target.field);
  }
  return out;
}

function* simplerAt(insns: Insns, pc: number): Generator<Insns> {
  const code = insns.code[pc]!;
  if (code === 0 || code === EXIT || isSecondHalf(insns, pc)) return;
  if (code === LD_IMM64) {
    if (insns.src[pc] === 0 && insns.imm[pc] !== 0) yield changed(insns, pc, { imm: 0 });
    return;
  }
  const cls = code & 7;
  // A plain number where something was computed or loaded.
  const computes = cls === 1 || cls === 4 || cls === 7;
  if (computes && code !== 0xb7) yield changed(insns, pc, { code: 0xb7, src: 0, off: 0, imm: 0 });
  if (cls === 4) yield changed(insns, pc, { code: code | 7 });
  if (targetOf(insns, pc)?.field === 'off' && code !== JMP)
    yield changed(insns, pc, { code: JMP, dst: 0, src: 0, imm: 0 });
  if (code !== CALL && targetOf(insns, pc)?.field !== 'imm') {
    for (const imm of [0, 1]) if (insns.imm[pc] !== imm && insns.imm[pc] !== 0) yield changed(insns, pc, { imm });
  }
}

function changed(
  insns: Insns,
  pc: number,
  fields: { code?: number; dst?: number; src?: number; off?: number; imm?: number },
): Insns {
  const out = new Insns(insns.length);
  for (let i = 0; i < insns.length; i++) copySlot(insns, i, out, i);
  if (fields.code !== undefined) out.code[pc] = fields.code;
  if (fields.dst !== undefined) out.dst[pc] = fields.dst;
  if (fields.src !== undefined) out.src[pc] = fields.src;
  if (fields.off !== undefined) out.off[pc] = fields.off;
  if (fields.imm !== undefined) out.imm[pc] = fields.imm;
  return out;
}

function copySlot(from: Insns, pc: number, to: Insns, at: number): void {
  to.code[at] = from.code[pc]!;
  to.dst[at] = from.dst[pc]!;
  to.src[at] = from.src[pc]!;
  to.off[at] = from.off[pc]!;
  to.imm[at] = from.imm[pc]!;
}

function isSecondHalf(insns: Insns, pc: number): boolean {
  return pc > 0 && pc < insns.length && insns.code[pc - 1] === LD_IMM64 && insns.code[pc] === 0;
}

/** Where an instruction points at another one, and in which field it says so. */
function targetOf(insns: Insns, pc: number): { pc: number; field: 'off' | 'imm' } | undefined {
  const code = insns.code[pc]!;
  const cls = code & 7;
  const inImm = { pc: pc + 1 + insns.imm[pc]!, field: 'imm' } as const;
  if (code === LD_IMM64) return insns.src[pc] === PSEUDO_FUNC ? inImm : undefined;
  if (code === CALL) return insns.src[pc] === PSEUDO_CALL ? inImm : undefined;
  if (code === GOTOL) return inImm;
  if ((cls !== JMP && cls !== JMP32) || code === EXIT || (code & 0xf0) === 0x80) return undefined;
  return { pc: pc + 1 + insns.off[pc]!, field: 'off' };
}

function setTarget(insns: Insns, pc: number, distance: number, field: 'off' | 'imm'): void {
  if (field === 'off') insns.off[pc] = distance;
  else insns.imm[pc] = distance;
}
