/**
 * The words of one of skep's own verbs, taken one after another:
 *
 *     const given = new Words(words);
 *     for (const word of given) if (word === '-o') output = given.value(word);
 */
import { UsageError } from '../base/errors.ts';

export class Words {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  *[Symbol.iterator](): Generator<string, void> {
    while (this.#at < this.#words.length) yield this.#words[this.#at++]!;
  }

  /** The word behind `option`: its value. UsageError where there is none. */
  value(option: string): string {
    const next = this.#words[this.#at++];
    if (next === undefined) throw new UsageError(`${option} needs a value`);
    return next;
  }

  /** The value of `option` as a decimal number of at most `digits` digits. */
  number(option: string, digits: number): number {
    const text = this.value(option);
    if (text.length > digits || !/^\d+$/.test(text)) throw new UsageError(`${option} needs a number, not '${text}'`);
    return Number(text);
  }

  /** Everything that has not been taken yet. */
  rest(): string[] {
    const rest = this.#words.slice(this.#at);
    this.#at = this.#words.length;
    return rest;
  }
}
