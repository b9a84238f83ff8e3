/**
 * C source lines between the instructions, from line info: `; int x = 0; @ prog.c:12`.
 */
import { view } from '../../base/bytes.ts';
import type { Btf } from '../../btf/index.ts';

const RECORD = 16;

export class SourceLines {
  readonly #btf: Btf | undefined;
  readonly #insn: Int32Array;
  readonly #file: Int32Array;
  readonly #line: Int32Array;
  readonly #number: Int32Array;
  #last = -1;

  constructor(btf: Btf | undefined, lineInfo: Uint8Array | undefined) {
    const count = btf && lineInfo ? Math.floor(lineInfo.length / RECORD) : 0;
    this.#btf = btf;
    this.#insn = new Int32Array(count);
    this.#file = new Int32Array(count);
    this.#line = new Int32Array(count);
    this.#number = new Int32Array(count);
    if (count === 0) return;
    const dv = view(lineInfo!);
    for (let k = 0; k < count; k++) {
      this.#insn[k] = dv.getUint32(k * RECORD, true);
      this.#file[k] = dv.getUint32(k * RECORD + 4, true);
      this.#line[k] = dv.getUint32(k * RECORD + 8, true);
      this.#number[k] = dv.getUint32(k * RECORD + 12, true) >>> 10;
    }
  }

  /** The line of `pc` with its newline, or '' where it was the last one that was shown. */
  next(pc: number): string {
    const at = this.#find(pc);
    const last = this.#last;
    if (at < 0 || at === last) return '';
    if (last >= 0 && this.#file[at] === this.#file[last] && this.#number[at] === this.#number[last]) return '';
    this.#last = at;
    return this.#text(at);
  }

  /** The next line is shown whatever came before. */
  forget(): void {
    this.#last = -1;
  }

  #text(at: number): string {
    const text = this.#btf!.string(this.#line[at]!).trimStart();
    const file = this.#btf!.string(this.#file[at]!);
    return `${text} @ ${file.slice(file.lastIndexOf('/') + 1)}:${this.#number[at]}\n`;
  }

  /** Index of the last record at or before `pc`, or -1. */
  #find(pc: number): number {
    let lo = 0;
    let hi = this.#insn.length - 1;
    if (hi < 0 || this.#insn[0]! > pc) return -1;
    while (lo < hi) {
      const mid = (lo + hi + 1) >> 1;
      if (this.#insn[mid]! <= pc) lo = mid;
      else hi = mid - 1;
    }
    return lo;
  }
}
