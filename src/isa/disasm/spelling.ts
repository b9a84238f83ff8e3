/** The words that both spellings share: operators of arithmetic and comparison, and names of sizes. */
import {
  BPF_ADD,
  BPF_AND,
  BPF_ARSH,
  BPF_DIV,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from '../opcodes.ts';

/** Operation -> assignment operator, unsigned where there are two. */
export const ALU_OPERATORS: Readonly<Record<number, string>> = {
  [BPF_ADD]: '+=',
  [BPF_SUB]: '-=',
  [BPF_MUL]: '*=',
  [BPF_DIV]: '/=',
  [BPF_OR]: '|=',
  [BPF_AND]: '&=',
  [BPF_LSH]: '<<=',
  [BPF_RSH]: '>>=',
  [BPF_MOD]: '%=',
  [BPF_XOR]: '^=',
  [BPF_MOV]: '=',
  [BPF_ARSH]: 's>>=',
};

/** Operation -> assignment operator where `off` is 1. */
export const SIGNED_OPERATORS: Readonly<Record<number, string>> = {
  [BPF_DIV]: 's/=',
  [BPF_MOD]: 's%=',
};

export const COMPARISONS: Readonly<Record<number, string>> = {
  [BPF_JEQ]: '==',
  [BPF_JGT]: '>',
  [BPF_JGE]: '>=',
  [BPF_JSET]: '&',
  [BPF_JNE]: '!=',
  [BPF_JSGT]: 's>',
  [BPF_JSGE]: 's>=',
  [BPF_JLT]: '<',
  [BPF_JLE]: '<=',
  [BPF_JSLT]: 's<',
  [BPF_JSLE]: 's<=',
};

/** `imm` of a read-modify-write atomic without BPF_FETCH -> operator, and the word of its fetching form. */
export const ATOMIC_WORDS: Readonly<Record<number, { operator: string; word: string }>> = {
  [BPF_ADD]: { operator: '+=', word: 'add' },
  [BPF_OR]: { operator: '|=', word: 'or' },
  [BPF_AND]: { operator: '&=', word: 'and' },
  [BPF_XOR]: { operator: '^=', word: 'xor' },
};

/** A number with its sign, as printf's %+d. */
export const signed = (n: number): string => (n < 0 ? `${n}` : `+${n}`);

/** 32 bits as `0x…`. */
export const hex32 = (n: number): string => `0x${(n >>> 0).toString(16)}`;

/** The value of a two-slot immediate, unsigned. */
export function imm64Of(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** Two lower-case digits. */
export const hex2 = (n: number): string => n.toString(16).padStart(2, '0');
