/**
 * The verifier's text. Level 1 keeps the path that led to a rejection: what was written about a path that proved safe
 * is taken back, so positions are part of the interface.
 */

import { BPF_LOG_LEVEL1, BPF_LOG_LEVEL2 } from '../../uapi/flags.ts';

/** Most text that is kept, in characters: the tail survives, as in Linux. */
const LIMIT = 1 << 26;
/** Pieces that are joined into one block: a log of millions of small strings would keep the garbage collector busy. */
const PIECES = 1 << 10;

export class Log {
  /** Whether instructions and states are wanted. */
  readonly on: boolean;
  /** Whether the state after every instruction is wanted. */
  readonly level2: boolean;
  /** With statistics alone there are no instructions: the reason of a rejection stands there all the same. */
  readonly kept: boolean;
  /** What was written: blocks, then the latest pieces. */
  readonly #blocks: string[] = [];
  readonly #pieces: string[] = [];
  #end = 0;
  /** Characters before the first block that were dropped. */
  #dropped = 0;

  constructor(level: number) {
    this.on = (level & (BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2)) !== 0;
    this.level2 = (level & BPF_LOG_LEVEL2) !== 0;
    this.kept = level !== 0;
  }

  /** Characters written and not taken back. */
  get end(): number {
    return this.#end;
  }

  write(text: string): void {
    if (!this.kept || text === '') return;
    if (this.#pieces.length === PIECES) this.#pack();
    this.#pieces.push(text);
    this.#end += text.length;
  }

  /** Takes back everything after position `end`. */
  truncate(end: number): void {
    while (this.#end > end) {
      const last = this.#pieces.pop() ?? this.#blocks.pop();
      if (last === undefined) {
        this.#dropped = end;
        this.#end = end;
        return;
      }
      this.#end -= last.length;
      if (this.#end < end) {
        this.#pieces.push(last.slice(0, end - this.#end));
        this.#end = end;
      }
    }
  }

  text(): string {
    return this.#blocks.join('') + this.#pieces.join('');
  }

  #pack(): void {
    this.#blocks.push(this.#pieces.join(''));
    this.#pieces.length = 0;
    if (this.#end - this.#dropped > 2 * LIMIT) this.#trim();
  }

  #trim(): void {
    let drop = 0;
    while (this.#end - this.#dropped > LIMIT) this.#dropped += this.#blocks[drop++]!.length;
    this.#blocks.splice(0, drop);
  }
}
