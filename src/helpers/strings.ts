/** Helpers that compare text and read numbers out of it. */
import { EINVAL, ERANGE } from '../base/errno.ts';
import type { Addr, Memory } from '../base/memory.ts';
import type { Helper } from './helper.ts';

/** The difference of the first bytes that differ among the first `size`, or 0; a zero ends both. */
export const strncmp: Helper = {
  args: 'iii',
  ret: 'int',
  bind: (env) => (a, size, b) => {
    const { mem } = env;
    for (let i = 0; i < size! >>> 0; i++) {
      const x = mem.u8((a! >>> 0) + i);
      const y = mem.u8((b! >>> 0) + i);
      if (x !== y) return x < y ? -1 : 1;
      if (x === 0) break;
    }
    return 0;
  },
};

interface Parsed {
  readonly value: bigint;
  readonly negative: boolean;
  /** Bytes read, white space and sign included. */
  readonly length: number;
}

const U64_MAX = (1n << 64n) - 1n;
const BASES = [0, 8, 10, 16];
/** Digits that Linux looks at: the text of 64 bits in octal, with white space and a prefix, is shorter. */
const LONGEST = 64;

/** White space, a sign, `0x` or `0` where the base allows it, digits: -EINVAL without one, -ERANGE past 64 bits. */
function parse(mem: Memory, addr: Addr, size: number, base: number): Parsed | number {
  if (size === 0 || !BASES.includes(base)) return -EINVAL;
  const text = String.fromCharCode(...mem.read(addr, Math.min(size, LONGEST))).replace(/\0.*/s, '');
  const [, before = '', sign = '', rest = ''] = /^([\t-\r ]*)(-?)(.*)$/s.exec(text) ?? [];
  const prefix = prefixOf(rest, base);
  const digits = DIGITS[prefix.base]!.exec(rest.slice(prefix.length))![0];
  if (digits === '') return -EINVAL;
  let value = 0n;
  for (const digit of digits) value = value * BigInt(prefix.base) + BigInt(Number.parseInt(digit, 16));
  if (value > U64_MAX) return -ERANGE;
  return { value, negative: sign === '-', length: before.length + sign.length + prefix.length + digits.length };
}

const DIGITS: Readonly<Record<number, RegExp>> = { 8: /^[0-7]*/, 10: /^[0-9]*/, 16: /^[0-9a-f]*/i };

/** A base that is given takes `0x` whatever follows; one to be guessed takes it only before a digit. */
function prefixOf(text: string, base: number): { base: number; length: number } {
  if (base === 16) return { base, length: /^0x/i.test(text) ? 2 : 0 };
  if (base !== 0) return { base, length: 0 };
  if (/^0x[0-9a-f]/i.test(text)) return { base: 16, length: 2 };
  return { base: text.startsWith('0') ? 8 : 10, length: 0 };
}

/** What a flag may hold: the base in its low 5 bits. */
function baseOf(flags: number, flagsHi: number): number {
  return flagsHi === 0 && (flags & ~0x1f) === 0 ? flags : -1;
}

/** Writes the number to `result`, 0 where there is none, and answers how many bytes of text it took. */
function convert(isSigned: boolean): Helper {
  return {
    args: 'iiLi',
    ret: 'int',
    bind: (env) => (text, size, flags, flagsHi, result) => {
      env.mem.setU64(result! >>> 0, 0n);
      const parsed = parse(env.mem, text! >>> 0, size! >>> 0, baseOf(flags!, flagsHi!));
      if (typeof parsed === 'number') return parsed;
      if (parsed.negative && !isSigned) return -EINVAL;
      const value = parsed.negative ? -parsed.value : parsed.value;
      if (isSigned && BigInt.asIntN(64, value) !== value) return -ERANGE;
      env.mem.setU64(result! >>> 0, BigInt.asUintN(64, value));
      return parsed.length;
    },
  };
}

export const strtol = convert(true);
export const strtoul = convert(false);
