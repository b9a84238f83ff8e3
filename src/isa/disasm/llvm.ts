/**
 * One instruction as `llvm-objdump -d` prints it.
 *
 * Numbers are hexadecimal with their sign outside, 32-bit registers are `w` wherever an instruction uses 32 bits, and
 * 64-bit immediates end in ` ll`. Observed on LLVM 19 with `--mcpu=v4`, which later versions have as their default.
 */
import type { Insns } from '../insns.ts';
import {
  BPF_ABS,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_END,
  BPF_FETCH,
  BPF_IND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOV,
  BPF_NEG,
  BPF_ST,
  BPF_STORE_REL,
  BPF_TO_BE,
  BPF_X,
  BPF_XCHG,
  byteSize,
  CALL,
  classOf,
  EXIT,
  isCondJump,
  isGoto,
  isMayGoto,
  jumpDistance,
  LD_IMM64,
  modeOf,
  opOf,
  sizeOf,
  sourceOf,
} from '../opcodes.ts';
import { ALU_OPERATORS, ATOMIC_WORDS, COMPARISONS, imm64Of, SIGNED_OPERATORS } from './spelling.ts';

export interface LlvmHooks {
  /** What follows a jump's distance, without the angle brackets: `LBB0_3` in `goto +0x5 <LBB0_3>`. */
  label?(targetPc: number): string | undefined;
}

const UNKNOWN = '<unknown>';

/** The instruction at `pc`; `<unknown>` for what LLVM does not decode. Callers step by `slotsOf`. */
export function disassembleLlvm(insns: Insns, pc: number, hooks?: LlvmHooks): string {
  const code = insns.code[pc]!;
  switch (classOf(code)) {
    case BPF_ALU:
    case BPF_ALU64:
      return arithmetic(insns, pc);
    case BPF_JMP:
    case BPF_JMP32:
      return jump(insns, pc, hooks);
    case BPF_LD:
      return legacyLoad(insns, pc);
    case BPF_LDX:
      return load(insns, pc);
    case BPF_ST:
      return modeOf(code) === BPF_MEM ? `${place(insns, pc)} = ${hex(insns.imm[pc]!)}` : UNKNOWN;
    default:
      return store(insns, pc);
  }
}

function arithmetic(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  const src = insns.src[pc]!;
  const off = insns.off[pc]!;
  const imm = insns.imm[pc]!;
  const wide = classOf(code) === BPF_ALU64;
  const bank = wide ? 'r' : 'w';
  const dst = insns.dst[pc]!;
  const op = opOf(code);
  if (op === BPF_END) {
    if (imm !== 16 && imm !== 32 && imm !== 64) return UNKNOWN;
    const order = wide ? 'bswap' : sourceOf(code) === BPF_TO_BE ? 'be' : 'le';
    return `r${dst} = ${order}${imm} r${dst}`;
  }
  if (op === BPF_NEG) return `${bank}${dst} = -${bank}${dst}`;
  const operator = off === 1 && SIGNED_OPERATORS[op] ? SIGNED_OPERATORS[op] : ALU_OPERATORS[op];
  if (operator === undefined) return UNKNOWN;
  if (sourceOf(code) !== BPF_X) return `${bank}${dst} ${operator} ${hex(imm)}`;
  if (op !== BPF_MOV || off === 0) return `${bank}${dst} ${operator} ${bank}${src}`;
  if (wide && off === BPF_ADDR_SPACE_CAST) {
    return `r${dst} = addr_space_cast(r${src}, ${hex(imm >>> 16)}, ${hex(imm & 0xffff)})`;
  }
  if (off === 8 || off === 16 || (wide && off === 32)) return `${bank}${dst} = (s${off})${bank}${src}`;
  return UNKNOWN;
}

function jump(insns: Insns, pc: number, hooks: LlvmHooks | undefined): string {
  const code = insns.code[pc]!;
  const imm = insns.imm[pc]!;
  if (code === CALL) return `call ${hex(imm)}`;
  if (code === (CALL | BPF_X)) return `callx r${insns.dst[pc]}`;
  if (code === EXIT) return 'exit';
  const distance = jumpDistance(code, insns.off[pc]!, imm);
  const label = hooks?.label?.(pc + 1 + distance);
  const target = `${distance < 0 ? '' : '+'}${hex(distance)}${label === undefined ? '' : ` <${label}>`}`;
  if (isGoto(code)) return `${classOf(code) === BPF_JMP ? 'goto' : 'gotol'} ${target}`;
  if (isMayGoto(code)) return `may_goto ${target}`;
  if (!isCondJump(code)) return UNKNOWN;
  const bank = classOf(code) === BPF_JMP ? 'r' : 'w';
  const right = sourceOf(code) === BPF_X ? `${bank}${insns.src[pc]}` : hex(imm);
  return `if ${bank}${insns.dst[pc]} ${COMPARISONS[opOf(code)]} ${right} goto ${target}`;
}

function legacyLoad(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  if (code === LD_IMM64) {
    const value = BigInt.asIntN(64, imm64Of(insns.imm[pc]!, insns.imm[pc + 1] ?? 0));
    return `r${insns.dst[pc]} = ${hex(value)} ll`;
  }
  if (sizeOf(code) === BPF_DW) return UNKNOWN;
  if (modeOf(code) === BPF_ABS) return `r0 = *(${sizeName(code)} *)skb[${hex(insns.imm[pc]!)}]`;
  if (modeOf(code) === BPF_IND) return `r0 = *(${sizeName(code)} *)skb[r${insns.src[pc]}]`;
  return UNKNOWN;
}

function load(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  const from = address(insns.src[pc]!, insns.off[pc]!);
  if (modeOf(code) === BPF_MEM) return `${bankOf(code)}${insns.dst[pc]} = *(${sizeName(code)} *)${from}`;
  if (modeOf(code) !== BPF_MEMSX || sizeOf(code) === BPF_DW) return UNKNOWN;
  return `r${insns.dst[pc]} = *(s${byteSize(code) * 8} *)${from}`;
}

function store(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  if (modeOf(code) === BPF_MEM) return `${place(insns, pc)} = ${bankOf(code)}${insns.src[pc]}`;
  return modeOf(code) === BPF_ATOMIC ? atomic(insns, pc) : UNKNOWN;
}

function atomic(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  const imm = insns.imm[pc]!;
  const to = address(insns.dst[pc]!, insns.off[pc]!);
  const bank = bankOf(code);
  const src = `${bank}${insns.src[pc]}`;
  const pointer = `(${sizeName(code)} *)${to}`;
  if (imm === BPF_LOAD_ACQ) {
    return `${bank}${insns.dst[pc]} = load_acquire((${sizeName(code)} *)${address(insns.src[pc]!, insns.off[pc]!)})`;
  }
  if (imm === BPF_STORE_REL) return `store_release(${pointer}, ${src})`;
  if (byteSize(code) < 4) return UNKNOWN;
  const width = sizeOf(code) === BPF_DW ? '_64' : '32_32';
  if (imm === BPF_CMPXCHG) return `${bank}0 = cmpxchg${width}${to.slice(0, -1)}, ${bank}0, ${src})`;
  if (imm === BPF_XCHG) return `${src} = xchg${width}${to.slice(0, -1)}, ${src})`;
  const words = ATOMIC_WORDS[imm & ~BPF_FETCH];
  if (words === undefined) return UNKNOWN;
  if ((imm & BPF_FETCH) === 0) return `lock *${pointer} ${words.operator} ${src}`;
  return `${src} = atomic_fetch_${words.word}(${pointer}, ${src})`;
}

/** `(r10 - 0x8)`. */
function address(register: number, off: number): string {
  return `(r${register} ${off < 0 ? '-' : '+'} ${hex(Math.abs(off))})`;
}

/** The memory operand of a store. */
function place(insns: Insns, pc: number): string {
  return `*(${sizeName(insns.code[pc]!)} *)${address(insns.dst[pc]!, insns.off[pc]!)}`;
}

/** Registers that hold a memory operand of up to 4 bytes are spelled `w`. */
const bankOf = (code: number): 'r' | 'w' => (sizeOf(code) === BPF_DW ? 'r' : 'w');
const sizeName = (code: number): string => `u${byteSize(code) * 8}`;
const hex = (n: number | bigint): string => (n < 0 ? `-0x${(-n).toString(16)}` : `0x${n.toString(16)}`);
