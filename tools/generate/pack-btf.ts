/**
 * BTF -> packed BTF (src/btf/reference/columns.ts). Types keep their ids.
 *
 * It packs well because the kernel's BTF has its functions in the order of their names, each prototype beside the first
 * function that has it: a function is then a few bytes of name and a small step from the prototype before.
 */
import { utf8, view } from '../../src/base/bytes.ts';
import type { Btf, BtfType } from '../../src/btf/index.ts';
import { INT_BOOL, INT_CHAR, INT_SIGNED, KINDS } from '../../src/btf/kinds.ts';
import { COLUMNS, type ColumnName, HEADER_WORDS } from '../../src/btf/reference/columns.ts';
import { hasCount, hasSize, isNamed } from '../../src/btf/reference/shape.ts';

/** unpackBtf gives the same types back; the strings are in another order, and each is there once. */
export function packBtf(btf: Btf): Uint8Array {
  return new Packer(btf).run();
}

class Packer {
  readonly #btf: Btf;
  readonly #columns: Record<ColumnName, number[]>;
  readonly #numbers = new Map<string, number>([['', 0]]);
  readonly #ranks = new Map<number, number>();
  /** Bytes of the string section: the empty string is there from the beginning. */
  #stringsSize = 1;
  #lastFunction = '';
  #highestPrototype = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#columns = Object.fromEntries(COLUMNS.map((name) => [name, []])) as unknown as Record<ColumnName, number[]>;
  }

  run(): Uint8Array {
    const seeded = this.#seedParameters();
    for (let id = 1; id < this.#btf.count; id++) this.#type(id, this.#btf.type(id)!);
    const typesSize = view(this.#btf.bytes).getUint32(12, true);
    const words = [this.#btf.count - 1, seeded, typesSize, this.#stringsSize];
    for (const name of COLUMNS) words.push(this.#columns[name].length);
    const start = (HEADER_WORDS + COLUMNS.length) * 4;
    const out = new Uint8Array(COLUMNS.reduce((sum, name) => sum + this.#columns[name].length, start));
    for (const [i, word] of words.entries()) view(out).setUint32(i * 4, word, true);
    let at = start;
    for (const name of COLUMNS) {
      out.set(this.#columns[name], at);
      at += this.#columns[name].length;
    }
    return out;
  }

  /** Gives small numbers to the names and types that prototypes use most. Answers how many names. */
  #seedParameters(): number {
    const names = new Map<string, number>();
    const types = new Map<number, number>();
    const count = <K>(map: Map<K, number>, key: K) => map.set(key, (map.get(key) ?? 0) + 1);
    for (let id = 1; id < this.#btf.count; id++) {
      const type = this.#btf.type(id)!;
      if (type.kind !== 'func_proto') continue;
      count(types, type.ret);
      for (const p of type.params) {
        count(types, p.type);
        if (p.name !== '') count(names, p.name);
      }
    }
    const byCount = <K>(map: Map<K, number>) => [...map].sort((a, b) => b[1] - a[1]).map(([key]) => key);
    let last = 0;
    unsigned(this.#columns.ranks, types.size);
    for (const [i, id] of byCount(types).entries()) {
      signed(this.#columns.ranks, id - last);
      this.#ranks.set(id, i);
      last = id;
    }
    for (const name of byCount(names)) this.#addString(name);
    return names.size;
  }

  #type(id: number, type: BtfType): void {
    if (type.kind === 'void') return;
    const columns = this.#columns;
    const kind = KINDS[type.kind].number;
    columns.kinds.push(kind | (kindFlagOf(type) ? 0x80 : 0));
    if (hasCount(kind)) unsigned(columns.counts, countOf(type));
    if (type.kind === 'func') this.#functionName(type.name);
    else if (isNamed(kind)) this.#name('typeNames', type.name);
    if (hasSize(kind)) unsigned(columns.sizes, (type as { size: number }).size);
    switch (type.kind) {
      case 'func':
        signed(columns.functions, type.type - this.#highestPrototype);
        this.#highestPrototype = Math.max(this.#highestPrototype, type.type);
        break;
      case 'func_proto':
        unsigned(columns.prototypes, this.#ranks.get(type.ret)!);
        for (const p of type.params) {
          this.#name('parameterNames', p.name);
          unsigned(columns.prototypes, this.#ranks.get(p.type)!);
        }
        break;
      case 'array':
        signed(columns.arrays, id - type.type);
        unsigned(columns.arrays, type.indexType);
        unsigned(columns.arrays, type.count);
        break;
      case 'struct':
      case 'union':
        this.#members(id, type);
        break;
      case 'enum': {
        let last = -1;
        for (const { name, value } of type.values) {
          this.#name('valueNames', name);
          signed(columns.values, (value | 0) - last - 1);
          last = value | 0;
        }
        break;
      }
      case 'enum64':
        for (const { name, value } of type.values) {
          this.#name('valueNames', name);
          word(columns.words, Number(BigInt.asUintN(32, value)));
          word(columns.words, Number(BigInt.asUintN(32, value >> 32n)));
        }
        break;
      case 'datasec':
        for (const v of type.vars) for (const w of [v.type, v.offset, v.size]) word(columns.words, w);
        break;
      case 'int':
        word(columns.words, intWord(type));
        break;
      case 'fwd':
      case 'float':
        break;
      default:
        signed(columns.references, id - type.type);
        if (type.kind === 'var') word(columns.words, type.linkage);
        if (type.kind === 'decl_tag') word(columns.words, type.component);
    }
  }

  #members(id: number, type: Extract<BtfType, { kind: 'struct' | 'union' }>): void {
    const withBits = kindFlagOf(type);
    let last = 0;
    for (const m of type.members) {
      this.#name('memberNames', m.name);
      signed(this.#columns.memberTypes, id - m.type);
      const offset = withBits ? m.bitfieldSize * 2 ** 24 + m.bitOffset : m.bitOffset;
      signed(this.#columns.memberOffsets, offset - last);
      last = offset;
    }
  }

  #functionName(name: string): void {
    const number = this.#numbers.get(name);
    unsigned(this.#columns.typeNames, number === undefined ? 0 : number + 1);
    if (number === undefined) {
      this.#numbers.set(name, this.#numbers.size);
      const bytes = utf8(name);
      const before = utf8(this.#lastFunction);
      let shared = 0;
      while (shared < bytes.length && bytes[shared] === before[shared]) shared++;
      unsigned(this.#columns.functionHeads, shared);
      this.#columns.functionTails.push(...bytes.subarray(shared), 0);
      this.#stringsSize += bytes.length + 1;
    }
    this.#lastFunction = name;
  }

  #name(column: 'typeNames' | 'memberNames' | 'valueNames' | 'parameterNames', name: string): void {
    const number = this.#numbers.get(name);
    unsigned(this.#columns[column], number === undefined ? 0 : number + 1);
    if (number === undefined) this.#addString(name);
  }

  #addString(text: string): void {
    this.#numbers.set(text, this.#numbers.size);
    const bytes = utf8(text);
    this.#columns.strings.push(...bytes, 0);
    this.#stringsSize += bytes.length + 1;
  }
}

/** The word after an integer: encoding, offset of its bits, bits. */
function intWord(type: Extract<BtfType, { kind: 'int' }>): number {
  const encoding = (type.signed ? INT_SIGNED : 0) | (type.char ? INT_CHAR : 0) | (type.bool ? INT_BOOL : 0);
  return encoding * 2 ** 24 + type.bitOffset * 2 ** 16 + type.bits;
}

function kindFlagOf(type: BtfType): boolean {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return type.kindFlag || type.members.some((m) => m.bitfieldSize !== 0);
    case 'enum':
    case 'enum64':
      return type.signed;
    case 'fwd':
      return type.isUnion;
    case 'type_tag':
    case 'decl_tag':
      return type.kindFlag;
    default:
      return false;
  }
}

function countOf(type: BtfType): number {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return type.members.length;
    case 'enum':
    case 'enum64':
      return type.values.length;
    case 'func_proto':
      return type.params.length;
    case 'datasec':
      return type.vars.length;
    case 'func':
      return type.linkage;
    default:
      return 0;
  }
}

function unsigned(column: number[], value: number): void {
  for (; value >= 0x80; value = Math.floor(value / 0x80)) column.push((value % 0x80) | 0x80);
  column.push(value);
}

function signed(column: number[], value: number): void {
  unsigned(column, value >= 0 ? value * 2 : -value * 2 - 1);
}

function word(column: number[], value: number): void {
  column.push(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
}
