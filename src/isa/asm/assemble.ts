/**
 * Text -> instructions.
 *
 *     r0 = *(u32 *)(r1 +4)      // the kernel's spelling and llvm-objdump's are both read
 *     if r0 == 7 goto out       // labels, pc+2 or +2
 *     r1 = map[counts]          // names are given with `names`
 *     call map_lookup_elem      // a helper's name or number, a label, a kfunc
 *   out: exit
 *
 * `r1 = NUMBER` without `ll` is a move where the number fits in 32 bits signed, else a 64-bit immediate; with `ll` always the latter.
 */

import { AsmError } from '../../base/errors.ts';
import { Insns } from '../insns.ts';
import { LD_IMM64 } from '../opcodes.ts';
import type { AsmNames } from './call.ts';
import type { Draft } from './draft.ts';
import { Parser } from './parser.ts';
import { parseStatement } from './statement.ts';
import { placeOf } from './tokens.ts';

/**
 * The instructions that `text` spells. An AsmError says what cannot be read, and its `where` is `line:column`.
 */
export function assemble(text: string, names: AsmNames = {}): Insns {
  const drafts: Draft[] = [];
  const labels = new Map<string, number>();
  let pc = 0;
  const p = new Parser(text);
  while (!p.atEndOfText) {
    if (p.atEnd) {
      p.take();
      continue;
    }
    if (p.peek().kind === 'word' && p.peek(1).text === ':') {
      const label = p.take();
      if (labels.has(label.text)) p.failAt(label, `the label "${label.text}" is there twice`);
      labels.set(label.text, pc);
      p.expect(':');
      continue;
    }
    const insn = parseStatement(p, names);
    if (!p.atEnd) p.fail(`expected the end of the statement, found ${p.found()}`);
    drafts.push(insn);
    pc += insn.code === LD_IMM64 ? 2 : 1;
  }
  return emit(drafts, pc, labels, text);
}

function emit(drafts: readonly Draft[], length: number, labels: ReadonlyMap<string, number>, text: string): Insns {
  const insns = new Insns(length);
  let pc = 0;
  for (const insn of drafts) {
    if (insn.label !== undefined) resolve(insn, insn.label, pc, labels, text);
    insns.code[pc] = insn.code;
    insns.dst[pc] = insn.dst;
    insns.src[pc] = insn.src;
    insns.off[pc] = insn.off;
    insns.imm[pc] = insn.imm;
    pc++;
    if (insn.code === LD_IMM64) insns.imm[pc++] = insn.high;
  }
  return insns;
}

function resolve(
  insn: Draft,
  label: NonNullable<Draft['label']>,
  pc: number,
  labels: ReadonlyMap<string, number>,
  text: string,
): void {
  const to = labels.get(label.name);
  const where = () => placeOf(text, label.at);
  if (to === undefined) throw new AsmError(`nothing is named "${label.name}"`, where());
  const distance = to - pc - 1;
  if (label.field === 'off' && (distance < -0x8000 || distance > 0x7fff)) {
    throw new AsmError(`"${label.name}" is ${distance} slots away, and a jump reaches 32767: use gotol`, where());
  }
  insn[label.field] = distance;
}
