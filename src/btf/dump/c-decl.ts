/**
 * C declarations of BTF types: `const char *(*names[4])(int)`, and the bodies of structs, unions and enums.
 *
 * A declarator is read from the inside out: the chain from the declared name to the base type is collected first and
 * printed from its far end, arrays and functions wrapping what is left in parentheses.
 */
import { BtfError } from '../../base/errors.ts';
import type { Btf, BtfType } from '../btf.ts';
import { alignOf, sizeOf } from '../layout.ts';
import type { CNames } from './c-names.ts';
import { MAX_NESTING } from './c-order.ts';
import { padding } from './padding.ts';

type Struct = Extract<BtfType, { kind: 'struct' | 'union' }>;
type Enum = Extract<BtfType, { kind: 'enum' | 'enum64' }>;

/**
 * Types without a name are written out where they are used, so small BTF could stand for endless text. All of the
 * kernel's types take 83,784.
 */
const MAX_DECLARATIONS = 1_000_000;

export class CDeclarations {
  readonly #btf: Btf;
  readonly #names: CNames;
  #depth = 0;
  #count = 0;

  constructor(btf: Btf, names: CNames) {
    this.#btf = btf;
    this.#names = names;
  }

  /** `int (*name)(void)`; without a name, the type alone. `level` is the number of tabs before members. */
  declare(id: number, name: string, level = 0): string {
    if (++this.#depth > MAX_NESTING || ++this.#count > MAX_DECLARATIONS) {
      throw new BtfError('types are nested too deeply, or into each other too often, to be declared', `type [${id}]`);
    }
    const text = this.#chain(this.#chainOf(id), name, level);
    this.#depth--;
    return text;
  }

  /** `struct name` */
  tag(id: number, t: Struct): string {
    return t.name === '' ? t.kind : `${t.kind} ${this.#names.ofType(id, t)}`;
  }

  /** `struct name` or `union name` of a forward declaration. */
  forward(id: number, t: Extract<BtfType, { kind: 'fwd' }>): string {
    return `${t.isUnion ? 'union' : 'struct'} ${this.#names.ofType(id, t)}`;
  }

  /** `struct name {…}` with its members. */
  struct(id: number, t: Struct, level: number): string {
    const pad = '\t'.repeat(level + 1);
    const isPacked = t.kind === 'struct' && isPackedStruct(this.#btf, t);
    let text = `${this.tag(id, t)} {`;
    let at = 0;
    let afterBitfield = false;
    const fill = (to: number, align: number, inBitfield: boolean) => {
      for (const line of padding(at, to, align, inBitfield)) text += `\n${pad}${line}`;
    };
    for (const m of t.members) {
      const align = isPacked ? 1 : alignOf(this.#btf, m.type);
      const isBitfield = m.bitfieldSize !== 0;
      fill(m.bitOffset, align, afterBitfield && isBitfield);
      text += `\n${pad}${this.declare(m.type, m.name, level + 1)}`;
      text += isBitfield ? `: ${m.bitfieldSize};` : ';';
      at = m.bitOffset + (isBitfield ? m.bitfieldSize : sizeOrZero(this.#btf, m.type) * 8);
      afterBitfield = isBitfield;
    }
    if (t.kind === 'struct') fill(t.size * 8, alignOf(this.#btf, id), false);
    text += t.members.length > 0 || t.size > 0 ? `\n${'\t'.repeat(level)}}` : '}';
    return isPacked ? `${text} __attribute__((packed))` : text;
  }

  /** `enum name {…}` with its enumerators, or `enum name` if it has none. */
  enum(id: number, t: Enum, level: number): string {
    const head = this.#enumTag(id, t);
    if (t.values.length === 0) return head;
    const suffix = t.kind === 'enum' ? '' : t.signed ? 'LL' : 'ULL';
    const pad = '\t'.repeat(level + 1);
    const lines = t.values.map((v) => `\n${pad}${this.#names.ofEnumerator(v.name)} = ${v.value}${suffix},`);
    return `${head} {${lines.join('')}\n${'\t'.repeat(level)}}${sizeAttribute(t)}`;
  }

  /** `typedef int name` */
  typedef(id: number, t: Extract<BtfType, { kind: 'typedef' }>): string {
    const name = this.#names.ofType(id, t);
    // old compilers describe it as void
    if (t.type === 0 && name === '__gnuc_va_list') return 'typedef __builtin_va_list __gnuc_va_list';
    return `typedef ${this.declare(t.type, name)}`;
  }

  #enumTag(id: number, t: Enum): string {
    return t.name === '' ? 'enum' : `enum ${this.#names.ofType(id, t)}`;
  }

  /** Ids from the declared thing to its base type. */
  #chainOf(id: number): number[] {
    const chain = [id];
    for (let at = id; at !== 0; ) {
      const t = this.#btf.type(at)!;
      const next =
        t.kind === 'func_proto'
          ? t.ret
          : t.kind === 'typedef' || !('type' in t)
            ? undefined
            : isChained(t)
              ? t.type
              : undefined;
      if (next === undefined) break;
      if (chain.length > MAX_NESTING) throw new BtfError('a type is a pointer to itself without end', `type [${id}]`);
      chain.push((at = next));
    }
    return chain;
  }

  /** Takes `chain` from its end. */
  #chain(chain: number[], name: string, level: number): string {
    let text = '';
    // a pointer that comes first stands in parentheses, where it needs no space before it
    let afterPointer = true;
    const named = () => (name !== '' && !afterPointer ? ` ${name}` : name);
    for (let id = chain.pop(); id !== undefined; id = chain.pop()) {
      const t = this.#btf.type(id)!;
      switch (t.kind) {
        case 'array': {
          this.#dropQualifiers(chain);
          if (chain.length === 0) return `${text}${named()}[${t.count}]`;
          const isNested = this.#btf.type(chain.at(-1)!)?.kind === 'array';
          if (name !== '' && !afterPointer) text += ' ';
          const inner = this.#chain(chain, name, level);
          return `${text}${isNested ? inner : `(${inner})`}[${t.count}]`;
        }
        case 'func_proto': {
          this.#dropQualifiers(chain);
          text += chain.length > 0 ? ` (${this.#chain(chain, name, level)})` : named();
          return `${text}(${this.#parameters(t, level)})`;
        }
        case 'ptr':
          text += afterPointer ? '*' : ' *';
          break;
        case 'volatile':
        case 'const':
        case 'restrict':
          text += ` ${t.kind}`;
          break;
        case 'type_tag':
          text += this.#leadingQualifiers(chain);
          text += t.kindFlag ? ` __attribute__((${t.name}))` : ` __attribute__((btf_type_tag("${t.name}")))`;
          break;
        default:
          text += this.#leadingQualifiers(chain) + this.#base(id, t, level);
      }
      afterPointer = t.kind === 'ptr';
    }
    return text + named();
  }

  #base(id: number, t: BtfType, level: number): string {
    switch (t.kind) {
      case 'void':
        return 'void';
      case 'struct':
      case 'union':
        return t.name === '' ? this.struct(id, t, level) : this.tag(id, t);
      case 'enum':
      case 'enum64':
        return t.name === '' ? this.enum(id, t, level) : this.#enumTag(id, t);
      case 'fwd':
        return this.forward(id, t);
      case 'typedef':
        return this.#names.ofType(id, t);
      case 'int':
      case 'float':
        return t.name;
      default:
        throw new BtfError(`type [${id}] is a ${t.kind}, and nothing can be declared as one`, `type [${id}]`);
    }
  }

  /** A lone void parameter means none, a last one `...`. */
  #parameters(t: Extract<BtfType, { kind: 'func_proto' }>, level: number): string {
    const { params } = t;
    if (params.length === 0 || (params.length === 1 && params[0]!.type === 0)) return 'void';
    return params
      .map((p, i) => (p.type === 0 && i === params.length - 1 ? '...' : this.declare(p.type, p.name, level)))
      .join(', ');
  }

  /** Qualifiers of a base type stand before it. */
  #leadingQualifiers(chain: number[]): string {
    let text = '';
    for (let t = this.#last(chain); isQualifier(t); t = this.#last(chain)) {
      chain.pop();
      text += `${t!.kind} `;
    }
    return text;
  }

  /** Qualifiers of an array or a function mean nothing; some compilers write them. */
  #dropQualifiers(chain: number[]): void {
    for (let t = this.#last(chain); isQualifier(t) || t?.kind === 'type_tag'; t = this.#last(chain)) chain.pop();
  }

  #last(chain: number[]): BtfType | undefined {
    return chain.length === 0 ? undefined : this.#btf.type(chain.at(-1)!);
  }
}

function isQualifier(t: BtfType | undefined): boolean {
  return t?.kind === 'const' || t?.kind === 'volatile' || t?.kind === 'restrict';
}

/** Kinds that a declarator goes through to what they are of. */
function isChained(t: BtfType): boolean {
  return isQualifier(t) || t.kind === 'ptr' || t.kind === 'array' || t.kind === 'type_tag';
}

/** A struct whose members or size are not where alignment would put them. */
function isPackedStruct(btf: Btf, t: Struct): boolean {
  let widest = 1;
  for (const m of t.members) {
    const align = alignOf(btf, m.type);
    if (m.bitfieldSize === 0 && m.bitOffset % (8 * align) !== 0) return true;
    widest = Math.max(widest, align);
  }
  return t.size % widest !== 0;
}

/** What makes the compiler choose the size that the enum has. */
function sizeAttribute(t: Enum): string {
  if (t.size === 1) return ' __attribute__((mode(byte)))';
  const needsWord =
    t.size === 8 && (t.kind === 'enum' || t.values.every((v) => BigInt.asUintN(64, v.value) >> 32n === 0n));
  return needsWord ? ' __attribute__((mode(word)))' : '';
}

function sizeOrZero(btf: Btf, id: number): number {
  try {
    return sizeOf(btf, id);
  } catch {
    return 0; // a function or an incomplete type takes no room
  }
}
