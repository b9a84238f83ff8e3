/**
 * The words of a command, read from left to right.
 *
 * A keyword matches when what was typed begins it (`k` is `key`); whoever asks first wins.
 */
import { fail, ShowUsage } from './failure.ts';

/** Whether `typed` is the beginning of `keyword`. */
export function isPrefix(typed: string, keyword: string): boolean {
  return keyword.startsWith(typed);
}

export class Args {
  readonly words: readonly string[];
  #at: number;

  constructor(words: readonly string[], at = 0) {
    this.words = words;
    this.#at = at;
  }

  /** How many words are left. */
  get left(): number {
    return this.words.length - this.#at;
  }

  /** The next word, or undefined. */
  peek(): string | undefined {
    return this.words[this.#at];
  }

  /** The next word, consumed. None left: the usage text. */
  next(): string {
    const word = this.words[this.#at];
    if (word === undefined) throw new ShowUsage();
    this.#at++;
    return word;
  }

  /** Whether the next word stands for `keyword`. */
  is(keyword: string): boolean {
    const word = this.peek();
    return word !== undefined && isPrefix(word, keyword);
  }

  /** Consumes the next word if it stands for `keyword`. */
  take(keyword: string): boolean {
    if (!this.is(keyword)) return false;
    this.#at++;
    return true;
  }

  /** At least `count` words must follow the one just read. */
  need(count: number, status?: number): void {
    if (this.left < count) {
      fail(`'${this.words[this.#at - 1] ?? ''}' needs at least ${count} arguments, ${this.left} found`, status);
    }
  }

  /** The word that nobody knows: `what is 'x'?` */
  bad(): never {
    fail(`what is '${this.peek() ?? this.words[this.#at - 1] ?? ''}'?`);
  }
}

/**
 * A number as strtoul(3) reads it with base 0: blanks, a sign, `0x` hexadecimal, `0` octal, else decimal. Undefined
 * where something is left over. Cut to 64 bits.
 */
export function parseNumber(text: string): bigint | undefined {
  const m = /^[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))$/.exec(text);
  if (!m) return text === '' ? 0n : undefined;
  const magnitude = m[2] !== undefined ? BigInt(`0x${m[2]}`) : m[3] !== undefined ? octal(m[3]) : BigInt(m[4] ?? '0');
  if (magnitude > 0xffff_ffff_ffff_ffffn) return 0xffff_ffff_ffff_ffffn;
  return BigInt.asUintN(64, m[1] === '-' ? -magnitude : magnitude);
}

function octal(digits: string): bigint {
  return digits === '0' ? 0n : BigInt(`0o${digits.slice(1)}`);
}

/** The next word as an unsigned 32-bit number: `can't parse X as WHAT` where it is none. */
export function parseU32(args: Args, what: string): number {
  const word = args.next();
  const value = parseNumber(word);
  if (value === undefined) fail(`can't parse ${word} as ${what}`);
  return Number(BigInt.asUintN(32, value));
}
