import type { ColumnReader } from './column-reader.ts';
import type { ColumnName } from './columns.ts';

/** The string section as it grows, and where each string in it begins. */
export class StringSection {
  readonly #bytes: Uint8Array;
  readonly #columns: Record<ColumnName, ColumnReader>;
  /** Offsets by number. */
  readonly #offsets: number[] = [0];
  /** The empty string is there from the beginning. */
  #end = 1;
  #lastFunction = 0;

  constructor(bytes: Uint8Array, columns: Record<ColumnName, ColumnReader>) {
    this.#bytes = bytes;
    this.#columns = columns;
  }

  /** Offset of the next name of a column. */
  name(column: 'typeNames' | 'memberNames' | 'valueNames' | 'parameterNames'): number {
    const number = this.#columns[column].unsigned();
    return number === 0 ? this.addNext() : (this.#offsets[number - 1] ?? 0);
  }

  functionName(): number {
    const number = this.#columns.typeNames.unsigned();
    const last = this.#lastFunction;
    if (number !== 0) return (this.#lastFunction = this.#offsets[number - 1] ?? 0);
    const start = this.#end;
    const shared = this.#columns.functionHeads.unsigned();
    this.#bytes.copyWithin(start, last, last + shared);
    this.#end += shared;
    this.#lastFunction = start;
    return this.#append(this.#columns.functionTails, start);
  }

  /** Takes the next text of `strings`; answers its offset. */
  addNext(): number {
    return this.#append(this.#columns.strings, this.#end);
  }

  #append(from: ColumnReader, start: number): number {
    this.#offsets.push(start);
    this.#end = from.copyText(this.#bytes, this.#end) + 1;
    return start;
  }
}
