/** Instructions -> text that `assemble` reads back exactly. */
import { type DisasmHooks, disassemble } from '../disasm/kernel.ts';
import { imm64Of, signed } from '../disasm/spelling.ts';
import type { Insns } from '../insns.ts';
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  CALL,
  slotsOf,
} from '../opcodes.ts';

/**
 * One line an instruction, in the kernel's spelling except that 64-bit immediates say what they stand for. What no
 * spelling shows is not kept: fields that an instruction does not use.
 */
export function toAssembly(insns: Insns): string {
  const hooks: DisasmHooks = { imm64: (pc) => exactImm64(insns, pc) };
  let text = '';
  for (let pc = 0; pc < insns.length; pc += slotsOf(insns.code[pc]!)) {
    text += `${disassemble(insns, pc, hooks)}${fdArrayIndex(insns, pc)}\n`;
  }
  return text;
}

function exactImm64(insns: Insns, pc: number): string {
  const imm = insns.imm[pc]!;
  const high = insns.imm[pc + 1] ?? 0;
  const inValue = `[0]+${high >>> 0}`;
  switch (insns.src[pc]) {
    case BPF_PSEUDO_MAP_FD:
      return `map[fd:${imm}]`;
    case BPF_PSEUDO_MAP_VALUE:
      return `map[fd:${imm}]${inValue}`;
    case BPF_PSEUDO_MAP_IDX:
      return `map[idx:${imm}]`;
    case BPF_PSEUDO_MAP_IDX_VALUE:
      return `map[idx:${imm}]${inValue}`;
    case BPF_PSEUDO_BTF_ID:
      return `btf[${imm}:${high}]`;
    case BPF_PSEUDO_FUNC:
      return `subprog[${signed(imm)}]`;
    default:
      return `0x${imm64Of(imm, high).toString(16)} ll`;
  }
}

/** A kfunc of a module names the module's BTF by its place in fd_array. */
function fdArrayIndex(insns: Insns, pc: number): string {
  const isKfunc = insns.code[pc] === CALL && insns.src[pc] === BPF_PSEUDO_KFUNC_CALL;
  return isKfunc && insns.off[pc] !== 0 ? `@${insns.off[pc]}` : '';
}
