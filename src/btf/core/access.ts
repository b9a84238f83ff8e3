/**
 * What a relocation is about, in one BTF: the path from a root type to a field, written as `0:1:2` by the compiler.
 *
 * The first number counts whole root types (pointer arithmetic); each further one is the index of a member or of an
 * array element. Members without a name are gone through but not remembered: another kernel may lay them out otherwise.
 */
import { BtfError } from '../../base/errors.ts';
import type { Btf, BtfType } from '../btf.ts';
import { resolve, sizeOf, skipModifiers } from '../layout.ts';

export interface Accessor {
  /** Type that is indexed: a struct or union for members, the element's type otherwise. Modifiers skipped. */
  readonly typeId: number;
  /** Member, or element. */
  readonly index: number;
  /** Of the member; '' for an element. */
  readonly name: string;
}

export interface Access {
  readonly btf: Btf;
  readonly rootId: number;
  readonly steps: readonly Accessor[];
  readonly bitOffset: number;
  /** The enumerator, where the relocation is about one. */
  readonly enumerator: { readonly name: string; readonly value: bigint } | undefined;
}

/** Longest path that is taken: libbpf's limit. */
export const MAX_STEPS = 64;

/** Whether a relocation of this bpf_core_relo_kind is about a field. */
export function isFieldKind(kind: number): boolean {
  return kind <= 5;
}
function isEnumKind(kind: number): boolean {
  return kind === 10 || kind === 11;
}

/** Reads an access string against the types it was made for. Throws BtfError where it does not fit them. */
export function parseAccess(btf: Btf, kind: number, rootId: number, text: string): Access {
  const fail = (what: string): never => {
    throw new BtfError(`the access string '${text}' of type [${rootId}] ${what}`, `type [${rootId}]`);
  };
  if (!/^\d{1,9}(:\d{1,9})*$/.test(text)) fail('is no list of numbers');
  const path = text.split(':').map(Number);
  if (path.length > MAX_STEPS) fail('is too long');
  const nothing = { btf, rootId, steps: [], bitOffset: 0, enumerator: undefined };
  if (!isFieldKind(kind) && !isEnumKind(kind)) return path.length === 1 && path[0] === 0 ? nothing : fail('is not 0');

  const root = skipModifiers(btf, rootId);
  const rootType = resolve(btf, root);
  const first = path[0]!;
  if (isEnumKind(kind)) {
    const value = isEnum(rootType) ? rootType.values[first] : undefined;
    if (value === undefined || path.length !== 1) return fail('names no enumerator');
    return { ...nothing, enumerator: { name: value.name, value: BigInt(value.value) } };
  }
  const steps: Accessor[] = [{ typeId: root, index: first, name: '' }];
  let bitOffset = first * sizeOf(btf, root) * 8;
  let at = root;
  for (const index of path.slice(1)) {
    const t = resolve(btf, at);
    if (isComposite(t)) {
      const member = t.members[index];
      if (member === undefined) return fail(`goes to member ${index} of ${t.members.length}`);
      bitOffset += member.bitOffset;
      if (member.name !== '') steps.push({ typeId: at, index, name: member.name });
      at = skipModifiers(btf, member.type);
    } else if (t.kind === 'array') {
      if (index >= t.count && !isFlexible(btf, steps.at(-1)!, t)) fail(`goes to element ${index} of ${t.count}`);
      at = skipModifiers(btf, t.type);
      steps.push({ typeId: at, index, name: '' });
      bitOffset += index * sizeOf(btf, at) * 8;
    } else fail(`goes into a ${t.kind}`);
  }
  return { btf, rootId, steps, bitOffset, enumerator: undefined };
}

/** Whether an array is the open end of a struct: no elements counted, and the last member. */
export function isFlexible(btf: Btf, owner: Accessor, array: Extract<BtfType, { kind: 'array' }>): boolean {
  if (owner.name === '' || array.count > 0) return false;
  const struct = resolve(btf, owner.typeId);
  return isComposite(struct) && owner.index === struct.members.length - 1;
}

export function isComposite(t: BtfType): t is Extract<BtfType, { kind: 'struct' | 'union' }> {
  return t.kind === 'struct' || t.kind === 'union';
}

export function isEnum(t: BtfType): t is Extract<BtfType, { kind: 'enum' | 'enum64' }> {
  return t.kind === 'enum' || t.kind === 'enum64';
}

/** The name without its flavour: `task_struct` for `task_struct___old`. */
export function essentialName(name: string): string {
  // the last three-underscore separator with something else on both sides
  for (let i = name.length - 5; i >= 0; i--) {
    if (name[i] !== '_' && name.startsWith('___', i + 1) && name[i + 4] !== '_') return name.slice(0, i + 1);
  }
  return name;
}
