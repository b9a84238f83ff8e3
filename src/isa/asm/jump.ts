/** Jumps: where to, and on what condition. */
import { COMPARISONS } from '../disasm/spelling.ts';
import { BPF_JMP, BPF_JMP32, BPF_X } from '../opcodes.ts';
import { type Draft, draft } from './draft.ts';
import { ANY32, bits32, S16, S32 } from './numbers.ts';
import type { Parser } from './parser.ts';

const COMPARISON_OPS = new Map(Object.entries(COMPARISONS).map(([op, text]) => [text, Number(op)]));

/** `+2`, `pc+2` or a label, with LLVM's `<name>` after it. */
export function target(p: Parser, insn: Draft, field: 'off' | 'imm'): Draft {
  const start = p.peek();
  const [min, max] = field === 'off' ? S16 : S32;
  const isRelative = start.text === 'pc' && /^[-+]$/.test(p.peek(1).text);
  if (isRelative) p.take();
  if (isRelative || start.kind !== 'word') insn[field] = Number(p.number(min, max, 'a jump distance'));
  else insn.label = { name: p.take().text, field, at: start.at };
  if (p.takeIf('<')) {
    while (!p.atEnd && !p.sees('>')) p.take();
    p.expect('>');
  }
  return insn;
}

export function conditional(p: Parser): Draft {
  const left = p.register();
  const comparison = p.take();
  const op = COMPARISON_OPS.get(comparison.text);
  if (op === undefined) p.failAt(comparison, `expected a comparison, found "${comparison.text}"`);
  const cls = left.wide ? BPF_JMP : BPF_JMP32;
  const right = p.sameBank(left);
  const insn =
    right === undefined
      ? draft(cls | op, { dst: left.number, imm: bits32(p.number(...ANY32, 'what is compared with')) })
      : draft(cls | op | BPF_X, { dst: left.number, src: right });
  p.expect('goto');
  return target(p, insn, 'off');
}
