/**
 * Reads BTF. One pass over the type section finds where each type starts and proves that every name, type id and
 * count in it is in bounds; types become objects when somebody asks for them, and the index of names is made at the
 * first search. The kernel's BTF (5.5 MB, 150,000 types) is ready in some tens of milliseconds that way.
 */
import { cString, utf8, view } from '../base/bytes.ts';
import { BtfError } from '../base/errors.ts';
import {
  BTF_KIND_ARRAY,
  BTF_KIND_CONST,
  BTF_KIND_DATASEC,
  BTF_KIND_DECL_TAG,
  BTF_KIND_FUNC,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_MAX,
  BTF_KIND_PTR,
  BTF_KIND_RESTRICT,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPE_TAG,
  BTF_KIND_TYPEDEF,
  BTF_KIND_UNION,
  BTF_KIND_VAR,
  BTF_KIND_VOLATILE,
} from '../uapi/generated/constants.ts';
import type { Btf, BtfKind, BtfType } from './btf.ts';
import { type BtfHeader, readHeader } from './header.ts';
import { ENTRY_BYTES, FIXED_BYTES, KIND_BY_NUMBER, MAX_TYPE_ID, TYPE_SIZE } from './kinds.ts';
import { NameIndex } from './name-index.ts';
import { kindNumber, readType, VOID } from './read-type.ts';

export interface ReadOptions {
  /** The BTF that split BTF continues: its ids and strings come first. Must come from `parseBtf`. */
  readonly base?: Btf;
}

/**
 * The types in `bytes`, a `.BTF` section or what BTF_LOAD takes. The bytes are kept, not copied.
 * Throws BtfError, with the offset, for what is malformed: whatever a type refers to exists afterwards.
 * It does not prove that types make sense together; `checkBtf` does.
 */
export function parseBtf(bytes: Uint8Array, options: ReadOptions = {}): Btf {
  const { base } = options;
  if (base !== undefined && !(base instanceof ReadBtf))
    throw new BtfError('the base of split BTF is not BTF that was read');
  return new ReadBtf(bytes, base);
}

const UNDERSCORE = 0x5f;

class ReadBtf implements Btf {
  readonly bytes: Uint8Array;
  readonly base: Btf | undefined;
  readonly count: number;
  readonly firstId: number;
  /** Where the strings of a BTF split from this one begin. */
  readonly stringsEnd: number;
  readonly #parent: ReadBtf | undefined;
  readonly #dv: DataView;
  readonly #strings: Uint8Array;
  readonly #stringsStart: number;
  /** Byte offset of each of our types, the first at index 0. */
  readonly #offsets: Uint32Array;
  readonly #types: (BtfType | undefined)[] = [];
  #names: NameIndex | undefined;
  #flavoured: number[] | undefined;
  #declTags: readonly number[] | undefined;

  constructor(bytes: Uint8Array, base: ReadBtf | undefined) {
    const header = readHeader(bytes);
    this.bytes = bytes;
    this.base = base;
    this.#parent = base;
    this.firstId = base?.count ?? 1;
    this.#dv = view(bytes);
    this.#strings = bytes.subarray(header.strings, header.strings + header.stringsSize);
    this.#stringsStart = base?.stringsEnd ?? 0;
    this.stringsEnd = this.#stringsStart + header.stringsSize;
    checkStrings(this.#strings, header, base !== undefined);
    this.#offsets = findTypes(this.#dv, header, this.firstId);
    this.count = this.firstId + this.#offsets.length;
    checkReferences(this.#dv, this.#offsets, this.firstId, this.count, this.stringsEnd);
  }

  type(id: number): BtfType | undefined {
    if (id < this.firstId) return id === 0 ? VOID : this.#parent?.type(id);
    if (!(id < this.count)) return undefined;
    const index = id - this.firstId;
    return (this.#types[index] ??= readType(this.#dv, this.#offsets[index]!, (off) => this.string(off)));
  }

  find(name: string, ...kinds: BtfKind[]): number {
    const inBase = this.#parent?.find(name, ...kinds);
    if (inBase) return inBase;
    for (const id of this.#ownIds(name)) {
      if (kinds.length === 0 || kinds.includes(this.#kindOf(id))) return id;
    }
    return 0;
  }

  declTags(): readonly number[] {
    this.#declTags ??= this.#findDeclTags();
    return this.#declTags;
  }

  #findDeclTags(): readonly number[] {
    const own: number[] = [];
    for (let id = this.firstId; id < this.count; id++) if (this.#kindOf(id) === 'decl_tag') own.push(id);
    return this.#parent === undefined ? own : [...this.#parent.declTags(), ...own];
  }

  findAll(name: string): readonly number[] {
    const own = this.#ownIds(name);
    return this.#parent === undefined ? own : [...this.#parent.findAll(name), ...own];
  }

  findFlavours(name: string): readonly number[] {
    this.#flavoured ??= this.#findFlavoured();
    const own = this.#flavoured.filter((id) => this.type(id)!.name.startsWith(`${name}___`));
    return this.#parent === undefined ? own : [...this.#parent.findFlavours(name), ...own];
  }

  string(off: number): string {
    if (off < this.#stringsStart) return this.#parent?.string(off) ?? '';
    const at = off - this.#stringsStart;
    return at < this.#strings.length ? cString(this.#strings, at) : '';
  }

  #ownIds(name: string): number[] {
    if (name === '') return [];
    this.#names ??= new NameIndex(this.#strings, this.#nameOffsets());
    return this.#names.find(utf8(name)).map((index) => index + this.firstId);
  }

  /** Position of each type's name in our own strings; -1 for names that the base holds and for types without one. */
  #nameOffsets(): Int32Array {
    const out = new Int32Array(this.#offsets.length);
    for (let i = 0; i < out.length; i++) {
      const nameOff = this.#dv.getUint32(this.#offsets[i]!, true);
      out[i] = nameOff === 0 ? -1 : nameOff - this.#stringsStart;
    }
    return out;
  }

  /** Ids of all types with three underscores in their name: few, and found without reading every name. */
  #findFlavoured(): number[] {
    const strings = this.#strings;
    const names = new Set<number>();
    for (let at = strings.indexOf(UNDERSCORE); at >= 0; at = strings.indexOf(UNDERSCORE, at + 1)) {
      if (strings[at + 1] === UNDERSCORE && strings[at + 2] === UNDERSCORE) names.add(strings.lastIndexOf(0, at) + 1);
    }
    const found: number[] = [];
    if (names.size === 0) return found;
    this.#nameOffsets().forEach((at, index) => {
      if (names.has(at)) found.push(index + this.firstId);
    });
    return found;
  }

  #kindOf(id: number): BtfKind {
    return KIND_BY_NUMBER[kindNumber(this.#dv.getUint32(this.#offsets[id - this.firstId]! + 4, true))]!;
  }
}

/** Names have at most 512 bytes, lines of source more; without a limit a small blob could name megabytes a million times. */
const MAX_NAME_SIZE = 1 << 16;

function checkStrings(strings: Uint8Array, header: BtfHeader, split: boolean): void {
  const where = `BTF string section, offset ${header.strings}`;
  if (strings.length === 0) {
    if (!split) throw new BtfError('the string section is empty; it holds at least one zero byte', where);
    return;
  }
  if (strings[strings.length - 1] !== 0) throw new BtfError('the string section does not end with a zero byte', where);
  if (!split && strings[0] !== 0) throw new BtfError('the string section does not begin with the empty string', where);
  for (let at = 0; at < strings.length; ) {
    const end = strings.indexOf(0, at);
    if (end - at > MAX_NAME_SIZE) throw new BtfError(`a string has ${end - at} bytes, too many`, `${where} + ${at}`);
    at = end + 1;
  }
}

/** Byte offsets of the types, in order. */
function findTypes(dv: DataView, header: BtfHeader, firstId: number): Uint32Array {
  const end = header.types + header.typesSize;
  const found = new Uint32Array(Math.floor(header.typesSize / TYPE_SIZE));
  let count = 0;
  for (let at = header.types; at < end; ) {
    const id = firstId + count;
    if (end - at < TYPE_SIZE)
      throw new BtfError(`type [${id}] is cut off: ${end - at} bytes left of its header`, place(at));
    if (id > MAX_TYPE_ID) throw new BtfError(`more than ${MAX_TYPE_ID} types`, place(at));
    const info = dv.getUint32(at + 4, true);
    const kind = kindNumber(info);
    if (kind === 0 || kind > BTF_KIND_MAX) throw new BtfError(`type [${id}] is of unknown kind ${kind}`, place(at));
    const size = TYPE_SIZE + FIXED_BYTES[kind]! + (info & 0xffff) * ENTRY_BYTES[kind]!;
    if (size > end - at) throw new BtfError(`type [${id}] takes ${size} bytes, and ${end - at} are left`, place(at));
    found[count++] = at;
    at += size;
  }
  return found.subarray(0, count);
}

/** Kinds whose third word is a type id. */
const REFERRING = new Set([
  BTF_KIND_PTR,
  BTF_KIND_TYPEDEF,
  BTF_KIND_VOLATILE,
  BTF_KIND_CONST,
  BTF_KIND_RESTRICT,
  BTF_KIND_FUNC,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_VAR,
  BTF_KIND_DECL_TAG,
  BTF_KIND_TYPE_TAG,
]);
const REFERS = Array.from({ length: BTF_KIND_MAX + 1 }, (_, kind) => REFERRING.has(kind));

/** Proves that every name offset and type id of every type is in bounds. */
function checkReferences(dv: DataView, offsets: Uint32Array, firstId: number, count: number, stringsEnd: number): void {
  const badName = (at: number, id: number) =>
    new BtfError(
      `type [${id}] has a name at ${dv.getUint32(at, true)}, past the strings (${stringsEnd} bytes)`,
      place(at),
    );
  const badType = (at: number, id: number) =>
    new BtfError(`type [${id}] refers to type ${dv.getUint32(at, true)} of ${count}`, place(at));
  for (let index = 0; index < offsets.length; index++) {
    const at = offsets[index]!;
    const id = firstId + index;
    const info = dv.getUint32(at + 4, true);
    const kind = kindNumber(info);
    const more = at + TYPE_SIZE;
    if (dv.getUint32(at, true) >= stringsEnd && dv.getUint32(at, true) !== 0) throw badName(at, id);
    if (REFERS[kind] && dv.getUint32(at + 8, true) >= count) throw badType(at + 8, id);
    if (kind === BTF_KIND_ARRAY) {
      if (dv.getUint32(more, true) >= count) throw badType(more, id);
      if (dv.getUint32(more + 4, true) >= count) throw badType(more + 4, id);
      continue;
    }
    const size = ENTRY_BYTES[kind]!;
    if (size === 0) continue;
    const named = kind !== BTF_KIND_DATASEC;
    const typeAt =
      kind === BTF_KIND_DATASEC
        ? 0
        : kind === BTF_KIND_STRUCT || kind === BTF_KIND_UNION || kind === BTF_KIND_FUNC_PROTO
          ? 4
          : -1;
    const end = more + (info & 0xffff) * size;
    for (let e = more; e < end; e += size) {
      if (named && dv.getUint32(e, true) >= stringsEnd && dv.getUint32(e, true) !== 0) throw badName(e, id);
      if (typeAt >= 0 && dv.getUint32(e + typeAt, true) >= count) throw badType(e + typeAt, id);
    }
  }
}

function place(at: number): string {
  return `BTF type section, offset ${at}`;
}
