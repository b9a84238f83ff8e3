/**
 * Makes BTF: types in, bytes out. A type is the same value that the reader gives, so copying one over is `add(type)`
 * with its ids mapped.
 */
import { cString, utf8, view } from '../base/bytes.ts';
import { BtfError } from '../base/errors.ts';
import type { Btf, BtfType } from './btf.ts';
import { readHeader } from './header.ts';
import { BTF_MAGIC, BTF_VERSION, HEADER_SIZE, INT_BOOL, INT_CHAR, INT_SIGNED, KINDS } from './kinds.ts';

export class BtfBuilder {
  readonly #types: BtfType[] = [];
  readonly #firstId: number;
  readonly #strings: StringTable;

  /** With `base`, what is built is split BTF: ids continue those of the base. */
  constructor(options: { base?: Btf | undefined } = {}) {
    this.#firstId = options.base?.count ?? 1;
    this.#strings = new StringTable(options.base?.stringsEnd ?? 0);
  }

  /** Starts from existing BTF: its types keep their ids, its strings their offsets. */
  static from(btf: Btf): BtfBuilder {
    const builder = new BtfBuilder({ base: btf.base });
    const header = readHeader(btf.bytes);
    builder.#strings.adopt(btf.bytes.subarray(header.strings, header.strings + header.stringsSize));
    for (let id = builder.#firstId; id < btf.count; id++) builder.#types.push(btf.type(id)!);
    return builder;
  }

  /** Puts another type in the place of one that is there. */
  replace(id: number, type: BtfType): void {
    if (this.#types[id - this.#firstId] === undefined) throw new BtfError(`there is no type [${id}] to replace`);
    this.#types[id - this.#firstId] = type;
  }

  /** The id that the next `add` answers: for types that refer to each other. */
  get nextId(): number {
    return this.#firstId + this.#types.length;
  }

  /** Adds a type and answers its id. Ids in it may be of types still to come. */
  add(type: BtfType): number {
    if (type.kind === 'void') return 0;
    this.#types.push(type);
    return this.nextId - 1;
  }

  int(name: string, size: number, encoding: 'signed' | 'unsigned' | 'char' | 'bool' = 'unsigned'): number {
    return this.add({
      kind: 'int',
      name,
      size,
      bits: size * 8,
      bitOffset: 0,
      signed: encoding === 'signed',
      char: encoding === 'char',
      bool: encoding === 'bool',
    });
  }

  ptr(type: number): number {
    return this.add({ kind: 'ptr', name: '', type });
  }

  array(type: number, count: number, indexType: number): number {
    return this.add({ kind: 'array', name: '', type, count, indexType });
  }

  typedef(name: string, type: number): number {
    return this.add({ kind: 'typedef', name, type });
  }

  /** A struct whose members are given as name, type and byte offset. */
  struct(
    name: string,
    size: number,
    members: readonly (readonly [name: string, type: number, offset: number])[],
  ): number {
    return this.add({
      kind: 'struct',
      name,
      size,
      kindFlag: false,
      members: members.map(([member, type, offset]) => ({
        name: member,
        type,
        bitOffset: offset * 8,
        bitfieldSize: 0,
      })),
    });
  }

  /** Offset of a text in the string section, for line info: added where it is new. */
  stringOffset(text: string): number {
    return this.#strings.add(text);
  }

  /** The blob that BTF_LOAD and `parseBtf` take. */
  build(): Uint8Array {
    const types = new Writer();
    for (const type of this.#types) writeType(types, type, this.#strings);
    const strings = this.#strings.bytes();
    const out = new Uint8Array(HEADER_SIZE + types.length + strings.length);
    const dv = view(out);
    dv.setUint16(0, BTF_MAGIC, true);
    dv.setUint8(2, BTF_VERSION);
    dv.setUint32(4, HEADER_SIZE, true);
    dv.setUint32(12, types.length, true);
    dv.setUint32(16, types.length, true);
    dv.setUint32(20, strings.length, true);
    out.set(types.bytes(), HEADER_SIZE);
    out.set(strings, HEADER_SIZE + types.length);
    return out;
  }
}

/** Texts, each once, behind the empty one. */
class StringTable {
  readonly #offsets = new Map<string, number>();
  readonly #pieces: Uint8Array[] = [];
  readonly #start: number;
  #end: number;

  constructor(start: number) {
    this.#start = start;
    this.#end = start;
    if (start === 0) this.#append('');
    this.#offsets.set('', 0);
  }

  /** Takes over a whole section as it is. Only an empty table can. */
  adopt(section: Uint8Array): void {
    this.#pieces.length = 0;
    this.#end = this.#start;
    for (let at = 0; at < section.length; ) {
      const end = section.indexOf(0, at);
      const piece = section.subarray(at, end);
      const text = cString(piece);
      if (!this.#offsets.has(text)) this.#offsets.set(text, this.#end);
      this.#pieces.push(piece);
      this.#end += piece.length + 1;
      at = end + 1;
    }
  }

  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    if (text.includes('\0')) throw new BtfError('a name cannot hold a zero byte');
    const at = this.#end;
    this.#offsets.set(text, at);
    this.#append(text);
    return at;
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(this.#end - this.#start);
    let at = 0;
    for (const piece of this.#pieces) {
      out.set(piece, at);
      at += piece.length + 1;
    }
    return out;
  }

  #append(text: string): void {
    const piece = utf8(text);
    this.#pieces.push(piece);
    this.#end += piece.length + 1;
  }
}

/** Little-endian words that grow. */
class Writer {
  readonly #words: number[] = [];

  get length(): number {
    return this.#words.length * 4;
  }

  u32(...words: number[]): void {
    for (const w of words) this.#words.push(w >>> 0);
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(this.length);
    const dv = view(out);
    for (let i = 0; i < this.#words.length; i++) dv.setUint32(i * 4, this.#words[i]!, true);
    return out;
  }
}

function writeType(out: Writer, t: BtfType, strings: StringTable): void {
  if (t.kind === 'void') return;
  const head = (vlen: number, kindFlag: boolean, sizeOrType: number) => {
    if (vlen > 0xffff) throw new BtfError(`${t.kind} '${t.name}' has ${vlen} entries, more than 65535`);
    out.u32(strings.add(t.name), (kindFlag ? 0x8000_0000 : 0) | (KINDS[t.kind].number << 24) | vlen, sizeOrType);
  };
  switch (t.kind) {
    case 'int': {
      const encoding = (t.signed ? INT_SIGNED : 0) | (t.char ? INT_CHAR : 0) | (t.bool ? INT_BOOL : 0);
      head(0, false, t.size);
      out.u32((encoding << 24) | (t.bitOffset << 16) | t.bits);
      break;
    }
    case 'array':
      head(0, false, 0);
      out.u32(t.type, t.indexType, t.count);
      break;
    case 'struct':
    case 'union': {
      const kindFlag = t.kindFlag || t.members.some((m) => m.bitfieldSize !== 0);
      head(t.members.length, kindFlag, t.size);
      for (const m of t.members) {
        out.u32(strings.add(m.name), m.type, kindFlag ? (m.bitfieldSize << 24) | m.bitOffset : m.bitOffset);
      }
      break;
    }
    case 'enum':
      head(t.values.length, t.signed, t.size);
      for (const v of t.values) out.u32(strings.add(v.name), v.value);
      break;
    case 'enum64':
      head(t.values.length, t.signed, t.size);
      for (const v of t.values) {
        const bits = BigInt.asUintN(64, v.value);
        out.u32(strings.add(v.name), Number(bits & 0xffff_ffffn), Number(bits >> 32n));
      }
      break;
    case 'fwd':
      head(0, t.isUnion, 0);
      break;
    case 'float':
      head(0, false, t.size);
      break;
    case 'type_tag':
      head(0, t.kindFlag, t.type);
      break;
    case 'ptr':
    case 'typedef':
    case 'volatile':
    case 'const':
    case 'restrict':
      head(0, false, t.type);
      break;
    case 'func':
      head(t.linkage, false, t.type);
      break;
    case 'func_proto':
      head(t.params.length, false, t.ret);
      for (const p of t.params) out.u32(strings.add(p.name), p.type);
      break;
    case 'var':
      head(0, false, t.type);
      out.u32(t.linkage);
      break;
    case 'datasec':
      head(t.vars.length, false, t.size);
      for (const v of t.vars) out.u32(v.type, v.offset, v.size);
      break;
    case 'decl_tag':
      head(0, t.kindFlag, t.type);
      out.u32(t.component);
  }
}
