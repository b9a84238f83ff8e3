/**
 * One statement of assembly -> one instruction. Both spellings are read, and a mixture of them.
 *
 * Where an operand has one size whatever its spelling, `r` and `w` mean the same: `w1 = *(u8 *)(r2 + 0)` is how LLVM
 * spells what Linux spells `r1 = *(u8 *)(r2 +0)`.
 */
import { ALU_OPERATORS, ATOMIC_WORDS, COMPARISONS, SIGNED_OPERATORS } from '../disasm/spelling.ts';
import {
  BPF_ABS,
  BPF_ADDR_PERCPU,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_END,
  BPF_FETCH,
  BPF_IND,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOV,
  BPF_NEG,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_TO_BE,
  BPF_TO_LE,
  BPF_W,
  BPF_X,
  BPF_XCHG,
  CALL,
  EXIT,
  LD_IMM64,
  sizeCode,
} from '../opcodes.ts';
import { type AsmNames, own, parseCall } from './call.ts';
import { type Draft, draft } from './draft.ts';
import type { Parser, Register } from './parser.ts';

const S32: readonly [bigint, bigint] = [-0x8000_0000n, 0x7fff_ffffn];
const ANY32: readonly [bigint, bigint] = [-0x8000_0000n, 0xffff_ffffn];
const S16: readonly [bigint, bigint] = [-0x8000n, 0x7fffn];

const ALU_BY_OPERATOR = new Map<string, { op: number; off: number }>();
for (const [op, text] of Object.entries(ALU_OPERATORS)) ALU_BY_OPERATOR.set(text, { op: Number(op), off: 0 });
for (const [op, text] of Object.entries(SIGNED_OPERATORS)) ALU_BY_OPERATOR.set(text, { op: Number(op), off: 1 });
const COMPARISON_OPS = new Map(Object.entries(COMPARISONS).map(([op, text]) => [text, Number(op)]));
const ATOMIC_BY_OPERATOR = new Map(Object.entries(ATOMIC_WORDS).map(([op, w]) => [w.operator, Number(op)]));
const ATOMIC_BY_WORD = new Map(Object.entries(ATOMIC_WORDS).map(([op, w]) => [w.word, Number(op)]));

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

/** `+2`, `pc+2` or a label, with LLVM's `<name>` after it. */
function target(p: Parser, insn: Draft, field: 'off' | 'imm'): Draft {
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

function conditional(p: Parser): Draft {
  const left = p.register();
  const comparison = p.take();
  const op = COMPARISON_OPS.get(comparison.text);
  if (op === undefined) p.failAt(comparison, `expected a comparison, found "${comparison.text}"`);
  const cls = left.wide ? BPF_JMP : BPF_JMP32;
  const right = sameBank(p, left);
  const insn =
    right === undefined
      ? draft(cls | op, { dst: left.number, imm: bits32(p.number(...ANY32, 'what is compared with')) })
      : draft(cls | op | BPF_X, { dst: left.number, src: right });
  p.expect('goto');
  return target(p, insn, 'off');
}

/** The number of a register of the same width as `left`, if a register comes next. */
function sameBank(p: Parser, left: Register): number | undefined {
  const start = p.peek();
  const right = p.tryRegister();
  if (right !== undefined && right.wide !== left.wide) {
    p.failAt(start, 'both registers must be r (64 bits) or both w (32 bits)');
  }
  return right?.number;
}

function assignment(p: Parser, dst: Register, names: AsmNames): Draft {
  const operator = p.take();
  const alu = ALU_BY_OPERATOR.get(operator.text);
  if (alu === undefined) p.failAt(operator, `expected an assignment, found "${operator.text}"`);
  if (alu.op === BPF_MOV) return value(p, dst, names);
  const cls = dst.wide ? BPF_ALU64 : BPF_ALU;
  const right = sameBank(p, dst);
  if (right !== undefined) return draft(cls | alu.op | BPF_X, { dst: dst.number, src: right, off: alu.off });
  const imm = bits32(p.number(...(dst.wide ? S32 : ANY32), 'an operand'));
  return draft(cls | alu.op, { dst: dst.number, imm, off: alu.off });
}

/** What stands after `rN =`. */
function value(p: Parser, dst: Register, names: AsmNames): Draft {
  const cls = dst.wide ? BPF_ALU64 : BPF_ALU;
  const right = sameBank(p, dst);
  if (right !== undefined) return draft(cls | BPF_MOV | BPF_X, { dst: dst.number, src: right });
  if (p.sees('*')) return load(p, dst);
  if (p.sees('(')) return signExtension(p, dst);
  if (p.sees('&')) return percpu(p, dst);
  if (p.sees('-') && p.peek(1).kind === 'word') {
    p.take();
    if (sameBank(p, dst) !== dst.number) p.fail('only a register itself can be negated into it');
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

/** `(s8)r2`. */
function signExtension(p: Parser, dst: Register): Draft {
  p.expect('(');
  const type = p.word('s8, s16 or s32');
  const bits = /^s(8|16|32)$/.exec(type.text)?.[1];
  if (bits === undefined || (bits === '32' && !dst.wide)) p.failAt(type, `"${type.text}" is no width to extend from`);
  p.expect(')');
  const src = sameBank(p, dst);
  if (src === undefined) p.fail(`expected a register, found ${p.found()}`);
  return draft((dst.wide ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_X, { dst: dst.number, src, off: Number(bits) });
}

/** `&(void __percpu *)(r2)`. */
function percpu(p: Parser, dst: Register): Draft {
  for (const text of ['&', '(', 'void', '__percpu', '*', ')', '(']) p.expect(text);
  const src = p.register().number;
  p.expect(')');
  return draft(BPF_ALU64 | BPF_MOV | BPF_X, { dst: dst.number, src, off: BPF_ADDR_PERCPU });
}

/** A value that begins with a word: a byte swap, an atomic operation, a map, a function. */
function named(p: Parser, dst: Register, names: AsmNames): Draft {
  const word = p.take();
  const swap = /^(be|le|bswap)(16|32|64)$/.exec(word.text);
  if (swap !== null) {
    if (p.register().number !== dst.number) p.failAt(word, 'a register is swapped in place');
    const cls = swap[1] === 'bswap' ? BPF_ALU64 : BPF_ALU;
    const order = swap[1] === 'be' ? BPF_TO_BE : BPF_TO_LE;
    return draft(cls | BPF_END | order, { dst: dst.number, imm: Number(swap[2]) });
  }
  switch (word.text) {
    case 'map':
      return mapReference(p, dst, names);
    case 'subprog': {
      p.expect('[');
      const insn = target(p, draft(LD_IMM64, { dst: dst.number, src: BPF_PSEUDO_FUNC }), 'imm');
      p.expect(']');
      return insn;
    }
    case 'btf': {
      p.expect('[');
      const imm = bits32(p.number(...ANY32, 'a BTF id'));
      const high = p.takeIf(':') ? bits32(p.number(...ANY32, 'a BTF descriptor')) : 0;
      p.expect(']');
      return draft(LD_IMM64, { dst: dst.number, src: BPF_PSEUDO_BTF_ID, imm, high });
    }
    case 'addr_space_cast':
      return addressSpaceCast(p, dst);
    case 'load_acquire': {
      p.expect('(');
      const from = typedPointer(p);
      p.expect(')');
      return draft(BPF_STX | BPF_ATOMIC | from.size, {
        dst: dst.number,
        src: from.base,
        off: from.off,
        imm: BPF_LOAD_ACQ,
      });
    }
    default:
      return fetching(p, dst, word.text) ?? p.failAt(word, `"${word.text}" is no value`);
  }
}

function addressSpaceCast(p: Parser, dst: Register): Draft {
  p.expect('(');
  const src = p.register().number;
  p.expect(',');
  const from = p.number(0n, 0xffffn, 'an address space');
  p.expect(',');
  const to = p.number(0n, 0xffffn, 'an address space');
  p.expect(')');
  const imm = bits32((from << 16n) | to);
  return draft(BPF_ALU64 | BPF_MOV | BPF_X, { dst: dst.number, src, off: BPF_ADDR_SPACE_CAST, imm });
}

/** `map[fd]`, `map[fd:5]`, `map[id:5]`, `map[idx:5]`, `map[name]`; then `[0]+8` for an address inside the first value. */
function mapReference(p: Parser, dst: Register, names: AsmNames): Draft {
  p.expect('[');
  const word = p.peek();
  let isIndex = false;
  let imm: number;
  if (word.kind === 'word' && p.peek(1).text !== ':') {
    const known = own(names.maps, p.take().text);
    if (known === undefined) p.failAt(word, `there is no map named "${word.text}"`);
    imm = known;
  } else {
    if (word.kind === 'word') {
      if (!['fd', 'id', 'idx'].includes(word.text)) p.fail('a map is named by fd, id, idx or its name');
      isIndex = p.take().text === 'idx';
      p.expect(':');
    }
    imm = bits32(p.number(...ANY32, 'a map'));
  }
  p.expect(']');
  if (!p.takeIf('[')) {
    return draft(LD_IMM64, { dst: dst.number, src: isIndex ? BPF_PSEUDO_MAP_IDX : BPF_PSEUDO_MAP_FD, imm });
  }
  p.number(0n, 0n, 'the element of a direct map value');
  p.expect(']');
  const high = bits32(p.number(0n, 0xffff_ffffn, 'an offset into the value'));
  const src = isIndex ? BPF_PSEUDO_MAP_IDX_VALUE : BPF_PSEUDO_MAP_VALUE;
  return draft(LD_IMM64, { dst: dst.number, src, imm, high });
}

/** `atomic64_fetch_add(…)`, `atomic_xchg(…)`, `cmpxchg_64(…)`: read-modify-write that answers the old value. */
function fetching(p: Parser, dst: Register, name: string): Draft | undefined {
  const match = /^(?:atomic(?:64)?_)?(?:fetch_(add|or|and|xor)|(xchg|cmpxchg)(_64|32_32)?)$/.exec(name);
  if (match === null) return undefined;
  const [, word, exchange, llvmWidth] = match;
  const start = p.peek();
  p.expect('(');
  const to = llvmWidth === undefined ? typedPointer(p) : { size: llvmWidth === '_64' ? BPF_DW : BPF_W, ...inside(p) };
  p.expect(',');
  if (exchange === 'cmpxchg') {
    if (p.register().number !== 0 || dst.number !== 0) p.failAt(start, 'cmpxchg compares with r0 and answers in r0');
    p.expect(',');
  }
  const src = p.register().number;
  p.expect(')');
  if (exchange !== 'cmpxchg' && src !== dst.number) {
    p.failAt(start, 'the old value replaces the operand, so both must be the same register');
  }
  const imm =
    exchange === 'cmpxchg' ? BPF_CMPXCHG : exchange === 'xchg' ? BPF_XCHG : ATOMIC_BY_WORD.get(word!)! | BPF_FETCH;
  return draft(BPF_STX | BPF_ATOMIC | to.size, { dst: to.base, src, off: to.off, imm });
}

/** `lock *(u64 *)(r10 -8) += r1`. */
function lock(p: Parser): Draft {
  p.expect('*');
  const to = typedPointer(p);
  const operator = p.take();
  const imm = ATOMIC_BY_OPERATOR.get(operator.text);
  if (imm === undefined) p.failAt(operator, `"${operator.text}" is no atomic operator`);
  return draft(BPF_STX | BPF_ATOMIC | to.size, { dst: to.base, src: p.register().number, off: to.off, imm });
}

function store(p: Parser): Draft {
  p.expect('*');
  const to = typedPointer(p);
  p.expect('=');
  const src = p.tryRegister();
  if (src !== undefined) return draft(BPF_STX | BPF_MEM | to.size, { dst: to.base, src: src.number, off: to.off });
  const range = to.size === BPF_DW ? S32 : ANY32;
  return draft(BPF_ST | BPF_MEM | to.size, { dst: to.base, off: to.off, imm: bits32(p.number(...range, 'a value')) });
}

/** `*(u32 *)(r1 +4)`, `*(s8 *)(r1 +4)`, `*(u8 *)skb[r3 + 4]`. */
function load(p: Parser, dst: Register): Draft {
  p.expect('*');
  const { size, isSigned } = pointerType(p);
  if (p.takeIf('skb')) {
    if (dst.number !== 0 || isSigned || size === BPF_DW) p.fail('a packet load is r0 = *(u8 *), *(u16 *) or *(u32 *)');
    p.expect('[');
    const src = p.tryRegister();
    const hasOffset = src === undefined || !p.sees(']');
    if (src !== undefined && p.sees('+') && p.peek(1).text === '-') p.take();
    const imm = hasOffset ? bits32(p.number(...S32, 'an offset into the packet')) : 0;
    p.expect(']');
    return draft(BPF_LD | size | (src === undefined ? BPF_ABS : BPF_IND), { src: src?.number ?? 0, imm });
  }
  const from = address(p);
  const mode = isSigned ? BPF_MEMSX : BPF_MEM;
  return draft(BPF_LDX | mode | size, { dst: dst.number, src: from.base, off: from.off });
}

function typedPointer(p: Parser): { size: number; base: number; off: number } {
  const start = p.peek();
  const { size, isSigned } = pointerType(p);
  if (isSigned) p.failAt(start, 'a store has no sign');
  return { size, ...address(p) };
}

/** `(u64 *)`. */
function pointerType(p: Parser): { size: number; isSigned: boolean } {
  p.expect('(');
  const type = p.word('u8, u16, u32 or u64');
  const match = /^([us])(8|16|32|64)$/.exec(type.text);
  if (match === null || type.text === 's64') return p.failAt(type, `"${type.text}" is no size of memory`);
  p.expect('*');
  p.expect(')');
  return { size: sizeCode((Number(match[2]) / 8) as 1 | 2 | 4 | 8), isSigned: match[1] === 's' };
}

/** `(r10 -8)`. */
function address(p: Parser): { base: number; off: number } {
  p.expect('(');
  const place = inside(p);
  p.expect(')');
  return place;
}

/** `r10 -8`, without parentheses. */
function inside(p: Parser): { base: number; off: number } {
  const start = p.peek();
  const base = p.register();
  if (!base.wide) p.failAt(start, 'an address is an r register');
  const hasOffset = p.sees('+') || p.sees('-');
  return { base: base.number, off: hasOffset ? Number(p.number(...S16, 'an offset')) : 0 };
}

/** The low 32 bits as a signed number. */
function bits32(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}
