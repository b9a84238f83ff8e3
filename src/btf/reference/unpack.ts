/**
 * Packed BTF -> BTF as parseBtf reads it.
 *
 * Header: types, strings before the first type, bytes of the type section, bytes of the string section; each a u32.
 */
import { view } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import {
  BTF_KIND_ARRAY,
  BTF_KIND_DATASEC,
  BTF_KIND_DECL_TAG,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FUNC,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_FWD,
  BTF_KIND_INT,
  BTF_KIND_STRUCT,
  BTF_KIND_UNION,
  BTF_KIND_VAR,
} from '../../uapi/generated/constants.ts';
import { BTF_MAGIC, BTF_VERSION, HEADER_SIZE } from '../kinds.ts';
import { ColumnReader } from './column-reader.ts';
import { COLUMNS, type ColumnName, HEADER_WORDS } from './columns.ts';
import { hasCount, hasSize, isNamed } from './shape.ts';
import { StringSection } from './string-section.ts';

/** Larger than the BTF of any kernel: 64 MiB of types and as much of strings. */
const MAX_SECTION = 1 << 26;

/** Throws BtfError for bytes that `packBtf` does not make. */
export function unpackBtf(packed: Uint8Array): Uint8Array {
  return new Unpacker(packed).run();
}

class Unpacker {
  readonly #columns: Record<ColumnName, ColumnReader>;
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
    const columns: Partial<Record<ColumnName, ColumnReader>> = {};
    for (const [i, name] of COLUMNS.entries()) {
      const size = word(HEADER_WORDS + i);
      columns[name] = new ColumnReader(packed.subarray(at, at + size));
      at += size;
    }
    if (at !== packed.length) damaged('its columns do not fill it');
    this.#columns = columns as Record<ColumnName, ColumnReader>;
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
