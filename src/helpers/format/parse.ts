/**
 * The format strings that bpf_trace_printk, bpf_snprintf and bpf_seq_printf take: a subset of the kernel's printf.
 *
 *     %%   %[flags][width]{d i u x X}   with l or ll before it for 64 bits   %c   %s
 *     %p   %pK   %px   %ps   %pS   %pB   %pi4   %pI4   %pi6   %pI6   %pks   %pus
 *
 * Flags are any of `0`, `+`, `-` and space; there is no precision. The text must be printable ASCII or white space.
 */
import { EINVAL } from '../../base/errno.ts';

/** A piece of the output: bytes as they stand, or an argument and how it looks. */
export type Piece = Uint8Array | Conversion;

export interface Conversion {
  readonly kind: ConversionKind;
  readonly left: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  /** Undefined where none is given. */
  readonly width: number | undefined;
}

export type ConversionKind =
  | {
      readonly type: 'int';
      readonly bits: 32 | 64;
      readonly base: 10 | 16;
      readonly signed: boolean;
      readonly upper: boolean;
    }
  | { readonly type: 'char' }
  /** Text that the argument points to: in the kernel, in the task, or wherever the address says. */
  | { readonly type: 'string'; readonly where: 'kernel' | 'user' | 'either'; readonly padded: boolean }
  /** An address: hashed so that it tells nothing, or as it is. */
  | { readonly type: 'address'; readonly hashed: boolean }
  | { readonly type: 'symbol'; readonly offset: boolean; readonly padded: boolean }
  /** An internet address that the argument points to; `I` with dots and colons, `i` padded and without colons. */
  | { readonly type: 'ip'; readonly version: 4 | 6; readonly plain: boolean };

const PERCENT = 0x25;
/** Wider fields are cut to this; digits that overflow an int count as none. */
const MAX_WIDTH = (1 << 23) - 1;
const TAKES_FLAGS = '0+- ';

/** The pieces of `format` (its bytes up to the zero), which may use up to `maxArgs` arguments; or -EINVAL. */
export function parseFormat(format: Uint8Array, maxArgs: number): Piece[] | number {
  const pieces: Piece[] = [];
  let args = 0;
  let at = 0;
  while (at < format.length) {
    const literal = literalAt(format, at);
    if (literal < 0) return literal;
    if (literal > at) pieces.push(format.subarray(at, literal));
    at = literal;
    if (at === format.length) break;
    if (format[at + 1] === PERCENT) {
      pieces.push(format.subarray(at, at + 1));
      at += 2;
      continue;
    }
    if (args++ >= maxArgs) return -EINVAL;
    const parsed = conversionAt(format, at + 1);
    if (parsed === null) return -EINVAL;
    pieces.push(parsed.conversion);
    at = parsed.end;
  }
  return pieces;
}

/** Where the run of ordinary characters from `at` ends; -EINVAL at one that is not allowed. */
function literalAt(format: Uint8Array, at: number): number {
  let end = at;
  while (end < format.length && format[end] !== PERCENT) {
    if (!isText(format[end]!)) return -EINVAL;
    end++;
  }
  return end;
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || isSpace(byte);
}
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 9 && byte <= 13);
}
function isDigit(char: string): boolean {
  return char >= '0' && char <= '9';
}

/** The conversion whose flags begin at `start`, and where it ends. */
function conversionAt(format: Uint8Array, start: number): { conversion: Conversion; end: number } | null {
  const char = (i: number) => String.fromCharCode(format[i] ?? 0);
  let at = start;
  while (at < format.length && TAKES_FLAGS.includes(char(at))) at++;
  const flags = String.fromCharCode(...format.subarray(start, at));
  let width: number | undefined;
  while (isDigit(char(at))) width = (Math.imul(width ?? 0, 10) + Number(char(at++))) | 0;
  const spec = kindAt(at, char);
  if (spec === null) return null;
  const conversion = {
    kind: spec.kind,
    left: flags.includes('-'),
    plus: flags.includes('+'),
    space: flags.includes(' '),
    zero: flags.includes('0'),
    width: width === undefined ? undefined : Math.min(Math.max(width, 0), MAX_WIDTH),
  };
  return { conversion, end: spec.end };
}

type Spec = { kind: ConversionKind; end: number };

/** The kind of a conversion whose letters begin at `at`. */
function kindAt(at: number, char: (i: number) => string): Spec | null {
  switch (char(at)) {
    case 'p':
      return pointerAt(at + 1, char);
    case 's':
      return endsWord(char(at + 1)) ? { kind: { type: 'string', where: 'either', padded: true }, end: at + 1 } : null;
    case 'c':
      return { kind: { type: 'char' }, end: at + 1 };
    default:
      return integerAt(at, char);
  }
}

function integerAt(start: number, char: (i: number) => string): Spec | null {
  let at = start;
  while (char(at) === 'l' && at < start + 2) at++;
  const letter = char(at);
  if (!'iduxX'.includes(letter)) return null;
  const signed = letter === 'd' || letter === 'i';
  const base = letter === 'x' || letter === 'X' ? 16 : 10;
  return { kind: { type: 'int', bits: at > start ? 64 : 32, base, signed, upper: letter === 'X' }, end: at + 1 };
}

/** What follows `%p`. Letters and digits after the ones that mean something are swallowed, as the kernel does. */
function pointerAt(at: number, char: (i: number) => string): Spec | null {
  const first = char(at);
  if (endsWord(first)) return { kind: { type: 'address', hashed: true }, end: at };
  if ((first === 'k' || first === 'u') && char(at + 1) === 's') {
    const where = first === 'k' ? 'kernel' : 'user';
    return endsWord(char(at + 2)) ? { kind: { type: 'string', where, padded: false }, end: at + 2 } : null;
  }
  const kind = addressKind(first, char(at + 1));
  if (kind === null) return null;
  let end = at;
  while (/[0-9A-Za-z]/.test(char(end))) end++;
  return { kind, end };
}

function addressKind(first: string, second: string): ConversionKind | null {
  switch (first) {
    case 'x':
      return { type: 'address', hashed: false };
    case 'K':
      return { type: 'address', hashed: true };
    case 's':
      return { type: 'symbol', offset: false, padded: true };
    case 'S':
      return { type: 'symbol', offset: true, padded: true };
    case 'B':
      return { type: 'symbol', offset: true, padded: false };
    case 'i':
    case 'I':
      if (second !== '4' && second !== '6') return null;
      return { type: 'ip', version: second === '4' ? 4 : 6, plain: first === 'i' };
    default:
      return null;
  }
}

/** Whether `char` is none that could belong to a conversion: the end, white space or punctuation. */
function endsWord(char: string): boolean {
  return /[^0-9A-Za-z]/.test(char);
}
