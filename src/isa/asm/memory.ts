/** Operands in memory: loads, stores, packet loads, atomics. */
import { ATOMIC_WORDS } from '../disasm/spelling.ts';
import {
  BPF_ABS,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_IND,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MEMSX,
  BPF_ST,
  BPF_STX,
  BPF_W,
  BPF_XCHG,
  sizeCode,
} from '../opcodes.ts';
import { type Draft, draft } from './draft.ts';
import { ANY32, bits32, S16, S32 } from './numbers.ts';
import type { Parser, Register } from './parser.ts';

const ATOMIC_BY_OPERATOR = new Map(Object.entries(ATOMIC_WORDS).map(([op, w]) => [w.operator, Number(op)]));
const ATOMIC_BY_WORD = new Map(Object.entries(ATOMIC_WORDS).map(([op, w]) => [w.word, Number(op)]));

/** `atomic64_fetch_add(…)`, `atomic_xchg(…)`, `cmpxchg_64(…)`: read-modify-write that answers the old value. */
export function fetching(p: Parser, dst: Register, name: string): Draft | undefined {
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
export function lock(p: Parser): Draft {
  p.expect('*');
  const to = typedPointer(p);
  const operator = p.take();
  const imm = ATOMIC_BY_OPERATOR.get(operator.text);
  if (imm === undefined) p.failAt(operator, `"${operator.text}" is no atomic operator`);
  return draft(BPF_STX | BPF_ATOMIC | to.size, { dst: to.base, src: p.register().number, off: to.off, imm });
}

export function store(p: Parser): Draft {
  p.expect('*');
  const to = typedPointer(p);
  p.expect('=');
  const src = p.tryRegister();
  if (src !== undefined) return draft(BPF_STX | BPF_MEM | to.size, { dst: to.base, src: src.number, off: to.off });
  const range = to.size === BPF_DW ? S32 : ANY32;
  return draft(BPF_ST | BPF_MEM | to.size, { dst: to.base, off: to.off, imm: bits32(p.number(...range, 'a value')) });
}

/** `*(u32 *)(r1 +4)`, `*(s8 *)(r1 +4)`, `*(u8 *)skb[r3 + 4]`. */
export function load(p: Parser, dst: Register): Draft {
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

export function typedPointer(p: Parser): { size: number; base: number; off: number } {
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
