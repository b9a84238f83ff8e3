/** A cursor over tokens: what every statement parser is written with. */
import { AsmError } from '../../base/errors.ts';
import { placeOf, type Token, tokenize } from './tokens.ts';

export interface Register {
  readonly number: number;
  /** Whether it was spelled `r`; `w` is its lower half. */
  readonly wide: boolean;
}

export class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  /** Names at the beginning of a statement, before a colon. */
  readonly labels: ReadonlySet<string>;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
    this.labels = labelsOf(this.#tokens);
  }

  /** The token `ahead` places on; past the end, the last one. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)]!;
  }

  take(): Token {
    const token = this.peek();
    if (this.#next < this.#tokens.length - 1) this.#next++;
    return token;
  }

  /** Takes the next token if it reads `text`. */
  takeIf(text: string): boolean {
    if (!this.sees(text)) return false;
    this.take();
    return true;
  }

  sees(text: string): boolean {
    const token = this.peek();
    return token.kind !== 'end' && token.text === text;
  }

  expect(text: string): Token {
    if (!this.sees(text)) this.fail(`expected "${text}", found ${this.found()}`);
    return this.take();
  }

  /** Whether the statement is over. */
  get atEnd(): boolean {
    return this.peek().kind === 'end';
  }
  /** Whether the text is over. */
  get atEndOfText(): boolean {
    return this.atEnd && this.peek().text === '';
  }

  register(): Register {
    const register = this.tryRegister();
    if (register === undefined) this.fail(`expected a register, found ${this.found()}`);
    return register;
  }

  /** A register if one comes next. r11 to r15 are spelled too: an instruction can name them, and Linux refuses them. */
  tryRegister(): Register | undefined {
    const token = this.peek();
    const match = token.kind === 'word' ? /^([rw])(\d|1[0-5])$/.exec(token.text) : null;
    if (match === null) return undefined;
    this.take();
    return { number: Number(match[2]), wide: match[1] === 'r' };
  }

  /** The number of a register of the same width as `left`, if a register comes next. */
  sameBank(left: Register): number | undefined {
    const start = this.peek();
    const right = this.tryRegister();
    if (right !== undefined && right.wide !== left.wide) {
      this.failAt(start, 'both registers must be r (64 bits) or both w (32 bits)');
    }
    return right?.number;
  }

  word(what: string): Token {
    if (this.peek().kind !== 'word') this.fail(`expected ${what}, found ${this.found()}`);
    return this.take();
  }

  /** A number with its signs, in [min, max]. */
  number(min: bigint, max: bigint, what: string): bigint {
    const start = this.peek();
    const value = this.tryNumber();
    if (value === undefined) this.fail(`expected ${what}, found ${this.found()}`);
    if (value < min || value > max) this.failAt(start, `${what} must lie between ${min} and ${max}, not ${value}`);
    return value;
  }

  /** A number with its sign if one comes next. */
  tryNumber(): bigint | undefined {
    const first = this.peek();
    const isSigned = first.text === '-' || first.text === '+';
    const digits = this.peek(isSigned ? 1 : 0);
    if (digits.kind !== 'number') return undefined;
    if (isSigned) this.take();
    this.take();
    return first.text === '-' ? -digits.value : digits.value;
  }

  /** What comes next, for messages. */
  found(): string {
    const token = this.peek();
    return token.kind === 'end' ? 'the end of the statement' : `"${token.text}"`;
  }

  fail(what: string): never {
    return this.failAt(this.peek(), what);
  }
  failAt(token: Token, what: string): never {
    throw new AsmError(what, placeOf(this.#text, token.at));
  }
}

function labelsOf(tokens: readonly Token[]): Set<string> {
  const labels = new Set<string>();
  let isStart = true;
  for (const [i, token] of tokens.entries()) {
    const isLabel: boolean = isStart && token.kind === 'word' && tokens[i + 1]?.text === ':';
    if (isLabel) labels.add(token.text);
    isStart = token.kind === 'end' || isLabel || (isStart && token.text === ':');
  }
  return labels;
}
