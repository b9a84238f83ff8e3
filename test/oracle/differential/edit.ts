/**
 * Changes to a case's program that keep what is tied to places in it: jumps and calls lead where they led, references
 * to maps and kernel functions stay with their instruction, and functions keep their types.
 */
import { toHex, view } from '../../../src/base/bytes.ts';
import type { CaseReloc, ProgramCase } from '../../../src/bin/cases/case.ts';
import { decode, encode, Insns } from '../../../src/isa/index.ts';

const JMP = 0x05;
const JMP32 = 0x06;
const CALL = 0x85;
const EXIT = 0x95;
const LD_IMM64 = 0x18;
const PSEUDO_FUNC = 4;
const PSEUDO_CALL = 1;
const GOTOL = 0x06;
const RECORD = 8;

export function bytesOf(c: ProgramCase): Uint8Array {
  return Uint8Array.from(c.insns.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

export interface Program {
  readonly insns: Insns;
  readonly relocs: readonly CaseReloc[];
  /** Where functions start, and the BTF ids of their types. */
  readonly functions: readonly { start: number; type: number }[];
}

export function programOf(c: ProgramCase): Program {
  const records = view(Uint8Array.from(c.func_info?.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)));
  const functions: { start: number; type: number }[] = [];
  for (let at = 0; at + RECORD <= records.byteLength; at += RECORD) {
    functions.push({ start: records.getUint32(at, true), type: records.getUint32(at + 4, true) });
  }
  return { insns: decode(bytesOf(c)), relocs: c.relocs ?? [], functions };
}

/** The same case with another program. Functions that it does not have any more have no types. */
export function withProgram(c: ProgramCase, { insns, relocs, functions }: Program): ProgramCase {
  const changed = { ...c, insns: toHex(encode(insns)), relocs: [...relocs] };
  const first = functions[0];
  if (first === undefined) return changed;
  const starts = functionStarts(insns);
  const types = starts.map((start) => functions.find((f) => f.start === start)?.type ?? first.type);
  const records = new Uint32Array(starts.flatMap((start, i) => [start, types[i]!]));
  return { ...changed, func_info: toHex(new Uint8Array(records.buffer)) };
}

/** Where functions start: what is called, and what has its address taken. */
export function functionStarts(insns: Insns): number[] {
  const starts = new Set([0]);
  for (let pc = 0; pc < insns.length; pc++) {
    const target = targetOf(insns, pc);
    if (target?.isFunction && target.pc > 0 && target.pc < insns.length) starts.add(target.pc);
    if (insns.code[pc] === LD_IMM64) pc++;
  }
  return [...starts].sort((a, b) => a - b);
}

/** The program without `count` slots from `at`; undefined where that would cut a 64-bit load in two. */
export function without(program: Program, at: number, count: number): Program | undefined {
  const { insns } = program;
  if (at + count > insns.length || isSecondHalf(insns, at) || isSecondHalf(insns, at + count)) return undefined;
  // Where each slot goes; what pointed at a slot that is gone points at the one after it.
  const place = (pc: number) => (pc <= at ? pc : pc < at + count ? at : pc - count);
  const isGone = (pc: number) => pc >= at && pc < at + count;
  return moved(program, insns.length - count, place, isGone);
}

/** The program with room for `count` slots at `at`, filled by `goto +0`. What led to `at` leads to what was there. */
export function withRoom(program: Program, at: number, count: number): Program | undefined {
  if (isSecondHalf(program.insns, at)) return undefined;
  const out = moved(
    program,
    program.insns.length + count,
    (pc) => (pc < at ? pc : pc + count),
    () => false,
  );
  for (let pc = at; pc < at + count; pc++) out.insns.code[pc] = JMP;
  return out;
}

function moved(
  { insns, relocs, functions }: Program,
  length: number,
  place: (pc: number) => number,
  isGone: (pc: number) => boolean,
): Program {
  const out = new Insns(length);
  for (let pc = 0; pc < insns.length; pc++) {
    if (isGone(pc)) continue;
    const to = place(pc);
    copySlot(insns, pc, out, to);
    const target = targetOf(insns, pc);
    if (target !== undefined) setTarget(out, to, place(target.pc) - to - 1, target.field);
  }
  return {
    insns: out,
    relocs: relocs.filter(({ insn }) => !isGone(insn)).map((reloc) => ({ ...reloc, insn: place(reloc.insn) })),
    functions: functions.map(({ start, type }) => ({ start: place(start), type })),
  };
}

export interface Fields {
  code?: number;
  dst?: number;
  src?: number;
  off?: number;
  imm?: number;
}

/** The program with other fields in one instruction. */
export function changed(program: Program, pc: number, fields: Fields): Program {
  const { insns } = program;
  const out = new Insns(insns.length);
  for (let i = 0; i < insns.length; i++) copySlot(insns, i, out, i);
  if (fields.code !== undefined) out.code[pc] = fields.code;
  if (fields.dst !== undefined) out.dst[pc] = fields.dst;
  if (fields.src !== undefined) out.src[pc] = fields.src;
  if (fields.off !== undefined) out.off[pc] = fields.off;
  if (fields.imm !== undefined) out.imm[pc] = fields.imm;
  return { ...program, insns: out };
}

/** The program with the instruction of `from` also at `at`; both are one slot, and nothing refers from `from`. */
export function copied(program: Program, from: number, at: number): Program {
  const { insns } = program;
  const target = targetOf(insns, from);
  const fields = {
    code: insns.code[from]!,
    dst: insns.dst[from]!,
    src: insns.src[from]!,
    off: insns.off[from]!,
    imm: insns.imm[from]!,
  };
  if (target) fields[target.field] = target.pc - at - 1;
  return changed(program, at, fields);
}

function copySlot(from: Insns, pc: number, to: Insns, at: number): void {
  to.code[at] = from.code[pc]!;
  to.dst[at] = from.dst[pc]!;
  to.src[at] = from.src[pc]!;
  to.off[at] = from.off[pc]!;
  to.imm[at] = from.imm[pc]!;
}

export function isSecondHalf(insns: Insns, pc: number): boolean {
  return pc > 0 && pc < insns.length && insns.code[pc - 1] === LD_IMM64 && insns.code[pc] === 0;
}

export interface Target {
  readonly pc: number;
  readonly field: 'off' | 'imm';
  readonly isFunction: boolean;
}

/** Where an instruction points at another one, and in which field it says so. */
export function targetOf(insns: Insns, pc: number): Target | undefined {
  const code = insns.code[pc]!;
  const cls = code & 7;
  const inImm = { pc: pc + 1 + insns.imm[pc]!, field: 'imm', isFunction: true } as const;
  if (code === LD_IMM64) return insns.src[pc] === PSEUDO_FUNC ? inImm : undefined;
  if (code === CALL) return insns.src[pc] === PSEUDO_CALL ? inImm : undefined;
  if (code === GOTOL) return { ...inImm, isFunction: false };
  if ((cls !== JMP && cls !== JMP32) || code === EXIT || (code & 0xf0) === 0x80) return undefined;
  return { pc: pc + 1 + insns.off[pc]!, field: 'off', isFunction: false };
}

function setTarget(insns: Insns, pc: number, distance: number, field: 'off' | 'imm'): void {
  if (field === 'off') insns.off[pc] = distance;
  else insns.imm[pc] = distance;
}
