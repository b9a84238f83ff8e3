/**
 * One instruction as Linux prints it: the verifier's log and `bpftool prog dump xlated`.
 *
 * Both put the opcode before it: `(b7) r0 = 1`. Spelling observed on Linux 6.18; where Linux does it: kernel/bpf/disasm.c.
 */

import type { Insns } from '../insns.ts';
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
  BPF_MAY_GOTO,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOV,
  BPF_NEG,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_ST,
  BPF_STORE_REL,
  BPF_TO_BE,
  BPF_X,
  BPF_XCHG,
  byteSize,
  CALL,
  classOf,
  EXIT,
  LD_IMM64,
  modeOf,
  opOf,
  sizeOf,
  sourceOf,
} from '../opcodes.ts';
import { BPF_FUNC_NAMES } from './helper-names.ts';
import {
  ALU_OPERATORS,
  ATOMIC_WORDS,
  COMPARISONS,
  hex2,
  hex32,
  imm64Of,
  SIGNED_OPERATORS,
  signed,
} from './spelling.ts';

/** What the caller knows better than the instruction does. Each may answer undefined: print what the slot says. */
export interface DisasmHooks {
  /**
   * The name a call prints: `bpf_map_lookup_elem` in `call bpf_map_lookup_elem#1`, the kernel function in
   * `call bpf_rcu_read_lock#1234`. For a call of this program's own function, what follows `call pc+27`: bpftool gives
   * `#bpf_prog_TAG_name`.
   */
  callName?(pc: number): string | undefined;
  /** What a 64-bit immediate prints after `=`: `0x0`, `map[id:5]`, `map[id:5][0]+4`, `subprog[+3]`. */
  imm64?(pc: number): string | undefined;
}

/**
 * The instruction at `pc`, without its opcode. The second slot of a 64-bit immediate has no text of its own: callers
 * step by `slotsOf`. An opcode that Linux does not know prints as `BUG_xx`.
 */
export function disassemble(insns: Insns, pc: number, hooks?: DisasmHooks): string {
  const code = insns.code[pc]!;
  switch (classOf(code)) {
    case BPF_ALU:
    case BPF_ALU64:
      return arithmetic(insns, pc);
    case BPF_JMP:
    case BPF_JMP32:
      return jump(insns, pc, hooks);
    case BPF_LD:
      return legacyLoad(insns, pc, hooks);
    case BPF_LDX:
      return load(insns, pc);
    case BPF_ST:
      return storeImm(insns, pc);
    default:
      return store(insns, pc);
  }
}

/** `(b7) r0 = 1`: the instruction with its opcode, as log lines and dumps show it. */
export function disassembleWithOpcode(insns: Insns, pc: number, hooks?: DisasmHooks): string {
  return `(${hex2(insns.code[pc]!)}) ${disassemble(insns, pc, hooks)}`;
}

function arithmetic(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  const dst = insns.dst[pc]!;
  const src = insns.src[pc]!;
  const off = insns.off[pc]!;
  const imm = insns.imm[pc]!;
  const wide = classOf(code) === BPF_ALU64;
  const bank = wide ? 'r' : 'w';
  const op = opOf(code);
  if (op === BPF_END) {
    const order = wide ? 'bswap' : sourceOf(code) === BPF_TO_BE ? 'be' : 'le';
    return `r${dst} = ${order}${imm} r${dst}`;
  }
  if (op === BPF_NEG) return `${bank}${dst} = -${bank}${dst}`;
  const operator = (off === 1 ? SIGNED_OPERATORS[op] : undefined) ?? ALU_OPERATORS[op];
  if (operator === undefined) return bugText(code);
  if (sourceOf(code) !== BPF_X) return `${bank}${dst} ${operator} ${imm}`;
  if (op !== BPF_MOV || off === 0) return `${bank}${dst} ${operator} ${bank}${src}`;
  if (wide && off === BPF_ADDR_SPACE_CAST) {
    return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
  }
  if (wide && off === BPF_ADDR_PERCPU) return `r${dst} = &(void __percpu *)(r${src})`;
  const extend = off === 8 || off === 16 || off === 32 ? `(s${off})` : '';
  return `${bank}${dst} = ${extend}${bank}${src}`;
}

function jump(insns: Insns, pc: number, hooks: DisasmHooks | undefined): string {
  const code = insns.code[pc]!;
  const dst = insns.dst[pc]!;
  const off = insns.off[pc]!;
  const imm = insns.imm[pc]!;
  if (code === CALL) return call(insns, pc, hooks);
  if (code === EXIT) return 'exit';
  if (code === (BPF_JMP | BPF_JA)) return `goto pc${signed(off)}`;
  if (code === (BPF_JMP32 | BPF_JA)) return `gotol pc${signed(imm)}`;
  if (code === (BPF_JMP | BPF_JCOND) && insns.src[pc] === BPF_MAY_GOTO) return `may_goto pc${signed(off)}`;
  const comparison = COMPARISONS[opOf(code)];
  if (comparison === undefined) return bugText(code);
  const bank = classOf(code) === BPF_JMP ? 'r' : 'w';
  const right = sourceOf(code) === BPF_X ? `${bank}${insns.src[pc]}` : hex32(imm);
  return `if ${bank}${dst} ${comparison} ${right} goto pc${signed(off)}`;
}

function call(insns: Insns, pc: number, hooks: DisasmHooks | undefined): string {
  const src = insns.src[pc]!;
  const imm = insns.imm[pc]!;
  const named = hooks?.callName?.(pc);
  if (src === BPF_PSEUDO_CALL) return `call pc${signed(imm)}${named ?? ''}`;
  if (src === BPF_PSEUDO_KFUNC_CALL) return `call ${named ?? 'kernel-function'}#${imm}`;
  return `call ${named ?? (src === 0 ? BPF_FUNC_NAMES[imm] : undefined) ?? 'unknown'}#${imm}`;
}

function legacyLoad(insns: Insns, pc: number, hooks: DisasmHooks | undefined): string {
  const code = insns.code[pc]!;
  const imm = insns.imm[pc]!;
  if (code === LD_IMM64) return `r${insns.dst[pc]} = ${hooks?.imm64?.(pc) ?? plainImm64(insns, pc)}`;
  const mode = modeOf(code);
  if (mode === BPF_ABS) return `r0 = *(${sizeName(code)} *)skb[${imm}]`;
  if (mode === BPF_IND) return `r0 = *(${sizeName(code)} *)skb[r${insns.src[pc]} + ${imm}]`;
  return `BUG_ld_${hex2(code)}`;
}

function plainImm64(insns: Insns, pc: number): string {
  return `0x${imm64Of(insns.imm[pc]!, insns.imm[pc + 1] ?? 0).toString(16)}`;
}

function load(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  const mode = modeOf(code);
  if (mode !== BPF_MEM && mode !== BPF_MEMSX) return `BUG_ldx_${hex2(code)}`;
  const type = mode === BPF_MEMSX ? `s${byteSize(code) * 8}` : sizeName(code);
  return `r${insns.dst[pc]} = *(${type} *)(r${insns.src[pc]} ${signed(insns.off[pc]!)})`;
}

function storeImm(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  const mode = modeOf(code);
  // BPF_ST | 0xc0 is the speculation barrier that the verifier inserts.
  if (mode === BPF_ATOMIC) return 'nospec';
  if (mode !== BPF_MEM) return `BUG_st_${hex2(code)}`;
  return `${place(insns, pc)} = ${insns.imm[pc]}`;
}

function store(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  if (modeOf(code) === BPF_MEM) return `${place(insns, pc)} = r${insns.src[pc]}`;
  if (modeOf(code) === BPF_ATOMIC) return atomic(insns, pc);
  return bugText(code);
}

function atomic(insns: Insns, pc: number): string {
  const code = insns.code[pc]!;
  const dst = insns.dst[pc]!;
  const src = insns.src[pc]!;
  const imm = insns.imm[pc]!;
  const off = signed(insns.off[pc]!);
  const width = sizeOf(code) === BPF_DW ? '64' : '';
  const pointer = `(${sizeName(code)} *)(r${dst} ${off})`;
  if (imm === BPF_CMPXCHG) return `r0 = atomic${width}_cmpxchg(${pointer}, r0, r${src})`;
  if (imm === BPF_XCHG) return `r${src} = atomic${width}_xchg(${pointer}, r${src})`;
  if (imm === BPF_LOAD_ACQ) return `r${dst} = load_acquire((${sizeName(code)} *)(r${src} ${off}))`;
  if (imm === BPF_STORE_REL) return `store_release(${pointer}, r${src})`;
  const words = ATOMIC_WORDS[imm & ~BPF_FETCH];
  if (words === undefined) return bugText(code);
  if ((imm & BPF_FETCH) === 0) return `lock *${pointer} ${words.operator} r${src}`;
  return `r${src} = atomic${width}_fetch_${words.word}(${pointer}, r${src})`;
}

/** The memory operand of a store: `*(u64 *)(r10 -8)`. */
function place(insns: Insns, pc: number): string {
  return `*(${sizeName(insns.code[pc]!)} *)(r${insns.dst[pc]} ${signed(insns.off[pc]!)})`;
}

const sizeName = (code: number): string => `u${byteSize(code) * 8}`;
const bugText = (code: number): string => `BUG_${hex2(code)}`;
