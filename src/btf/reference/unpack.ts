/**
 * Packed BTF -> BTF as parseBtf reads it.
 *
 * Header: types, strings before the first type, bytes of the type section, bytes of the string section; each a u32.
 */
import { view } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import {
  BTF_KIND_ARRAY,
  BTF_KIND_CONST,
  BTF_KIND_DATASEC,
  BTF_KIND_DECL_TAG,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FLOAT,
  BTF_KIND_FUNC,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_FWD,
  BTF_KIND_INT,
  BTF_KIND_PTR,
  BTF_KIND_RESTRICT,
  BTF_KIND_STRUCT,
  BTF_KIND_UNION,
  BTF_KIND_VAR,
  BTF_KIND_VOLATILE,
} from '../../uapi/generated/constants.ts';
import { BTF_MAGIC, BTF_VERSION, HEADER_SIZE } from '../kinds.ts';
import { COLUMNS, type ColumnName, HEADER_WORDS } from './columns.ts';

/** Larger than the BTF of any kernel: 64 MiB of types and as much of strings. */
const MAX_SECTION = 1 << 26;

/** Throws BtfError for bytes that `packBtf` does not make. */
export function unpackBtf(packed: Uint8Array): Uint8Array {
  return new Unpacker(packed).run();
}

class Unpacker {
  readonly #columns: Record<ColumnName, Column>;
  readonly #typeCount: number;
  readonly #seeded: number;
  readonly #strings: StringSection;
  readonly #out: Uint8Array;
  readonly #dv: DataView;
  readonly #typesEnd: number;
  #at = HEADER_SIZE;
  #ranks: number[] = [];
  #highestPrototype = 0;

  constructor(packed: Uint8Array) {
    const start = (HEADER_WORDS + COLUMNS.length) * 4;
    if (packed.length < start) damaged('its header is cut');
    const dv = view(packed);
    const word = (i: number) => dv.getUint32(i * 4, true);
    this.#typeCount = word(0);
    this.#seeded = word(1);
    const typesSize = word(2);
    const stringsSize = word(3);
    if (typesSize > MAX_SECTION || stringsSize > MAX_SECTION) damaged('its sections are too large');
    if (this.#seeded > stringsSize) damaged('it has more strings than bytes of them');
    let at = start;
    const columns: Partial<Record<ColumnName, Column>> = {};
    for (const [i, name] of COLUMNS.entries()) {
      const size = word(HEADER_WORDS + i);
      columns[name] = new Column(packed.subarray(at, at + size));
      at += size;
    }
    if (at !== packed.length) damaged('its columns do not fill it');
    this.#columns = columns as Record<ColumnName, Column>;
    this.#out = new Uint8Array(HEADER_SIZE + typesSize + stringsSize);
    this.#dv = view(this.#out);
    this.#typesEnd = HEADER_SIZE + (typesSize & ~3);
    this.#strings = new StringSection(this.#out.subarray(HEADER_SIZE + typesSize), this.#columns);
    this.#writeHeader(typesSize, stringsSize);
  }

  run(): Uint8Array {
    for (let i = 0; i < this.#seeded; i++) this.#strings.addNext();
    this.#readRanks();
    for (let id = 1; id <= this.#typeCount; id++) this.#type(id);
    return this.#out;
  }

  #writeHeader(typesSize: number, stringsSize: number): void {
    this.#dv.setUint16(0, BTF_MAGIC, true);
    this.#dv.setUint8(2, BTF_VERSION);
    for (const [i, word] of [HEADER_SIZE, 0, typesSize, typesSize, stringsSize].entries()) {
      this.#dv.setUint32(4 + i * 4, word, true);
    }
  }

  #readRanks(): void {
    const ranks = this.#columns.ranks;
    const count = ranks.unsigned();
    if (count > this.#typeCount) damaged('it ranks more types than it has');
    let id = 0;
    for (let i = 0; i < count; i++) {
      id += ranks.signed();
      this.#ranks.push(id);
    }
  }

  #type(id: number): void {
    const { kinds, counts, sizes } = this.#columns;
    const byte = kinds.byte();
    const kind = byte & 0x1f;
    const count = hasCount(kind) ? counts.unsigned() : 0;
    this.#u32(
      kind === BTF_KIND_FUNC ? this.#strings.functionName() : isNamed(kind) ? this.#strings.name('typeNames') : 0,
    );
    this.#u32(((byte & 0x80) << 24) | (kind << 24) | count);
    this.#u32(hasSize(kind) ? sizes.unsigned() : this.#reference(kind, id));
    this.#rest(kind, id, count);
  }

  /** The third word of types that refer to another. */
  #reference(kind: number, id: number): number {
    switch (kind) {
      case BTF_KIND_FUNC: {
        const prototype = this.#highestPrototype + this.#columns.functions.signed();
        if (prototype > this.#highestPrototype) this.#highestPrototype = prototype;
        return prototype;
      }
      case BTF_KIND_FUNC_PROTO:
        return this.#rank();
      case BTF_KIND_ARRAY:
      case BTF_KIND_FWD:
        return 0;
      default:
        return id - this.#columns.references.signed();
    }
  }

  /** What follows the three words. */
  #rest(kind: number, id: number, count: number): void {
    const { memberTypes, memberOffsets, values, words, arrays } = this.#columns;
    switch (kind) {
      case BTF_KIND_ARRAY:
        this.#u32(id - arrays.signed());
        this.#u32(arrays.unsigned());
        this.#u32(arrays.unsigned());
        return;
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION: {
        let offset = 0;
        for (let i = 0; i < count; i++) {
          this.#u32(this.#strings.name('memberNames'));
          this.#u32(id - memberTypes.signed());
          this.#u32((offset += memberOffsets.signed()));
        }
        return;
      }
      case BTF_KIND_ENUM: {
        let value = -1;
        for (let i = 0; i < count; i++) {
          this.#u32(this.#strings.name('valueNames'));
          this.#u32((value += values.signed() + 1));
        }
        return;
      }
      case BTF_KIND_ENUM64:
        for (let i = 0; i < count; i++) {
          this.#u32(this.#strings.name('valueNames'));
          this.#u32(words.word());
          this.#u32(words.word());
        }
        return;
      case BTF_KIND_FUNC_PROTO:
        for (let i = 0; i < count; i++) {
          this.#u32(this.#strings.name('parameterNames'));
          this.#u32(this.#rank());
        }
        return;
      case BTF_KIND_DATASEC:
        for (let i = 0; i < count * 3; i++) this.#u32(words.word());
        return;
      case BTF_KIND_INT:
      case BTF_KIND_VAR:
      case BTF_KIND_DECL_TAG:
        this.#u32(words.word());
    }
  }

  #rank(): number {
    return this.#ranks[this.#columns.prototypes.unsigned()] ?? 0;
  }

  #u32(value: number): void {
    if (this.#at >= this.#typesEnd) damaged('its types are longer than it says');
    this.#dv.setUint32(this.#at, value, true);
    this.#at += 4;
  }
}

function damaged(how: string): never {
  throw new BtfError(`packed BTF is damaged: ${how}`);
}

/** The string section as it grows, and where each string in it begins. */
class StringSection {
  readonly #bytes: Uint8Array;
  readonly #columns: Record<ColumnName, Column>;
  /** Offsets by number. */
  readonly #offsets: number[] = [0];
  /** The empty string is there from the beginning. */
  #end = 1;
  #lastFunction = 0;

  constructor(bytes: Uint8Array, columns: Record<ColumnName, Column>) {
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

  #append(from: Column, start: number): number {
    this.#offsets.push(start);
    this.#end = from.copyText(this.#bytes, this.#end) + 1;
    return start;
  }
}

/** Reads one column from its beginning. */
class Column {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes[this.#at++]! | 0; // 0 past the end
  }

  unsigned(): number {
    const first = this.byte();
    return first < 0x80 ? first : (first & 0x7f) + this.#tail();
  }

  /** The bytes of a number after its first. */
  #tail(): number {
    let value = 0;
    for (let scale = 0x80; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Copies bytes up to a zero, or to the end; answers where the copy ends. */
  copyText(to: Uint8Array, at: number): number {
    const zero = this.#bytes.indexOf(0, this.#at);
    const end = zero < 0 ? this.#bytes.length : zero;
    for (let i = this.#at; i < end; i++) to[at++] = this.#bytes[i]!;
    this.#at = end + 1;
    return at;
  }

  word(): number {
    return (this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24)) >>> 0;
  }
}

export function hasCount(kind: number): boolean {
  return (
    kind === BTF_KIND_STRUCT ||
    kind === BTF_KIND_UNION ||
    kind === BTF_KIND_ENUM ||
    kind === BTF_KIND_ENUM64 ||
    kind === BTF_KIND_FUNC_PROTO ||
    kind === BTF_KIND_DATASEC ||
    kind === BTF_KIND_FUNC
  );
}

export function hasSize(kind: number): boolean {
  return (
    kind === BTF_KIND_INT ||
    kind === BTF_KIND_STRUCT ||
    kind === BTF_KIND_UNION ||
    kind === BTF_KIND_ENUM ||
    kind === BTF_KIND_ENUM64 ||
    kind === BTF_KIND_FLOAT ||
    kind === BTF_KIND_DATASEC
  );
}

export function isNamed(kind: number): boolean {
  return (
    kind !== BTF_KIND_PTR &&
    kind !== BTF_KIND_ARRAY &&
    kind !== BTF_KIND_VOLATILE &&
    kind !== BTF_KIND_CONST &&
    kind !== BTF_KIND_RESTRICT &&
    kind !== BTF_KIND_FUNC_PROTO
  );
}
