/**
 * One statement of assembly -> one instruction. Both spellings are read, and a mixture of them.
 *
 * Where an operand has one size whatever its spelling, `r` and `w` mean the same: `w1 = *(u8 *)(r2 + 0)` is how LLVM
 * spells what Linux spells `r1 = *(u8 *)(r2 +0)`.
 */
import { ALU_OPERATORS, SIGNED_OPERATORS } from '../disasm/spelling.ts';
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_MOV,
  BPF_NEG,
  BPF_STORE_REL,
  BPF_STX,
  BPF_X,
  CALL,
  EXIT,
  LD_IMM64,
} from '../opcodes.ts';
import { type AsmNames, parseCall } from './call.ts';
import { type Draft, draft } from './draft.ts';
import { conditional, target } from './jump.ts';
import { load, lock, store, typedPointer } from './memory.ts';
import { ANY32, bits32, S32 } from './numbers.ts';
import type { Parser, Register } from './parser.ts';
import { named, percpu, signExtension } from './values.ts';

const ALU_BY_OPERATOR = new Map<string, { op: number; off: number }>();
for (const [op, text] of Object.entries(ALU_OPERATORS)) ALU_BY_OPERATOR.set(text, { op: Number(op), off: 0 });
for (const [op, text] of Object.entries(SIGNED_OPERATORS)) ALU_BY_OPERATOR.set(text, { op: Number(op), off: 1 });

/** The instruction that comes next. */
export function parseStatement(p: Parser, names: AsmNames): Draft {
  const register = p.tryRegister();
  if (register !== undefined) return assignment(p, register, names);
  if (p.sees('*')) return store(p);
  const word = p.word('an instruction');
  switch (word.text) {
    case 'exit':
      return draft(EXIT);
    case 'goto':
      return target(p, draft(BPF_JMP | BPF_JA), 'off');
    case 'gotol':
      return target(p, draft(BPF_JMP32 | BPF_JA), 'imm');
    case 'may_goto':
      return target(p, draft(BPF_JMP | BPF_JCOND), 'off');
    case 'if':
      return conditional(p);
    case 'call':
      return parseCall(p, names);
    case 'callx':
      return draft(CALL | BPF_X, { dst: p.register().number });
    case 'lock':
      return lock(p);
    case 'store_release': {
      p.expect('(');
      const to = typedPointer(p);
      p.expect(',');
      const src = p.register().number;
      p.expect(')');
      return draft(BPF_STX | BPF_ATOMIC | to.size, { dst: to.base, src, off: to.off, imm: BPF_STORE_REL });
    }
    default:
      return p.failAt(word, `"${word.text}" is no instruction`);
  }
}

function assignment(p: Parser, dst: Register, names: AsmNames): Draft {
  const operator = p.take();
  const alu = ALU_BY_OPERATOR.get(operator.text);
  if (alu === undefined) p.failAt(operator, `expected an assignment, found "${operator.text}"`);
  if (alu.op === BPF_MOV) return value(p, dst, names);
  const cls = dst.wide ? BPF_ALU64 : BPF_ALU;
  const right = p.sameBank(dst);
  if (right !== undefined) return draft(cls | alu.op | BPF_X, { dst: dst.number, src: right, off: alu.off });
  const imm = bits32(p.number(...(dst.wide ? S32 : ANY32), 'an operand'));
  return draft(cls | alu.op, { dst: dst.number, imm, off: alu.off });
}

/** What stands after `rN =`. */
function value(p: Parser, dst: Register, names: AsmNames): Draft {
  const cls = dst.wide ? BPF_ALU64 : BPF_ALU;
  const right = p.sameBank(dst);
  if (right !== undefined) return draft(cls | BPF_MOV | BPF_X, { dst: dst.number, src: right });
  if (p.sees('*')) return load(p, dst);
  if (p.sees('(')) return signExtension(p, dst);
  if (p.sees('&')) return percpu(p, dst);
  if (p.sees('-') && p.peek(1).kind === 'word') {
    p.take();
    if (p.sameBank(dst) !== dst.number) p.fail('only a register itself can be negated into it');
    return draft(cls | BPF_NEG, { dst: dst.number });
  }
  if (p.peek().kind === 'word') return named(p, dst, names);
  return immediate(p, dst);
}

function immediate(p: Parser, dst: Register): Draft {
  const start = p.peek();
  const imm = p.number(-(1n << 63n), (1n << 64n) - 1n, 'a value');
  const fits = dst.wide ? imm >= S32[0] && imm <= S32[1] : imm >= ANY32[0] && imm <= ANY32[1];
  const isLong = p.takeIf('ll');
  if (!dst.wide && (isLong || !fits)) p.failAt(start, 'a w register takes 32 bits');
  if (!isLong && fits) return draft((dst.wide ? BPF_ALU64 : BPF_ALU) | BPF_MOV, { dst: dst.number, imm: bits32(imm) });
  return draft(LD_IMM64, { dst: dst.number, imm: bits32(imm), high: bits32(imm >> 32n) });
}
