/**
 * Sizes and alignments of types, and what stands behind typedefs and qualifiers. Types of hostile BTF may go round in
 * circles; every walk here is bounded.
 */
import { BtfError } from '../base/errors.ts';
import type { Btf, BtfType } from './btf.ts';

/** Longest chain of references that is followed; the kernel's own limit is 32 for what it resolves. */
const MAX_DEPTH = 64;

const POINTER_SIZE = 8;

/** The id behind typedefs, const, volatile, restrict and type tags. Throws BtfError for a chain without an end. */
export function skipModifiers(btf: Btf, id: number): number {
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const next = modified(btf.type(id));
    if (next === undefined) return id;
    id = next;
  }
  throw new BtfError(`type [${id}] is a typedef or qualifier of itself`, `type [${id}]`);
}

/** As skipModifiers, but stops at a typedef. */
export function skipQualifiers(btf: Btf, id: number): number {
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const t = btf.type(id);
    const next = t?.kind === 'typedef' ? undefined : modified(t);
    if (next === undefined) return id;
    id = next;
  }
  throw new BtfError(`type [${id}] is a qualifier of itself`, `type [${id}]`);
}

/** The type behind typedefs and qualifiers; void for an id that does not exist. */
export function resolve(btf: Btf, id: number): BtfType {
  return btf.type(skipModifiers(btf, id)) ?? { kind: 'void', name: '' };
}

/** Bytes that a value of the type takes. Throws BtfError for types without a size (void, functions, fwd). */
export function sizeOf(btf: Btf, id: number): number {
  let times = 1;
  let at = id;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    at = skipModifiers(btf, at);
    const t = btf.type(at);
    switch (t?.kind) {
      case 'int':
      case 'struct':
      case 'union':
      case 'enum':
      case 'enum64':
      case 'float':
      case 'datasec':
        return checkedSize(times * t.size, id);
      case 'ptr':
        return checkedSize(times * POINTER_SIZE, id);
      case 'array':
        times *= t.count;
        at = t.type;
        continue;
      case 'var':
        at = t.type;
        continue;
      default:
        throw new BtfError(`type [${id}] has no size: it is ${t === undefined ? 'missing' : t.kind}`, `type [${id}]`);
    }
  }
  throw new BtfError(`type [${id}] is an array of itself`, `type [${id}]`);
}

function checkedSize(size: number, id: number): number {
  if (size > 0xffff_ffff) throw new BtfError(`type [${id}] takes ${size} bytes, too many`, `type [${id}]`);
  return size;
}

/** Alignment in bytes as C has it on a 64-bit machine; 1 for a packed struct and for what has none. */
export function alignOf(btf: Btf, id: number): number {
  return alignmentOf(btf, id, new Map());
}

function alignmentOf(btf: Btf, id: number, known: Map<number, number>): number {
  const at = skipModifiers(btf, id);
  const before = known.get(at);
  if (before !== undefined) return before;
  known.set(at, 1); // what contains itself finds this instead of an endless walk
  const align = ownAlignment(btf, at, known);
  known.set(at, align);
  return align;
}

function ownAlignment(btf: Btf, id: number, known: Map<number, number>): number {
  const t = btf.type(id);
  switch (t?.kind) {
    case 'int':
    case 'enum':
    case 'enum64':
    case 'float':
      return Math.min(POINTER_SIZE, Math.max(1, t.size));
    case 'ptr':
      return POINTER_SIZE;
    case 'array':
    case 'var':
      return known.size > MAX_DEPTH * MAX_DEPTH ? 1 : alignmentOf(btf, t.type, known);
    case 'struct':
    case 'union': {
      if (known.size > MAX_DEPTH * MAX_DEPTH) return 1;
      let align = 1;
      for (const m of t.members) {
        const need = alignmentOf(btf, m.type, known);
        align = Math.max(align, need);
        // a member that is not where it would lie on its own: the whole is packed
        if (m.bitfieldSize === 0 && m.bitOffset % (8 * need) !== 0) return 1;
      }
      return t.size % align === 0 ? align : 1;
    }
    default:
      return 1;
  }
}

/** What a typedef, qualifier or type tag is of. */
function modified(t: BtfType | undefined): number | undefined {
  switch (t?.kind) {
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'type_tag':
      return t.type;
    default:
      return undefined;
  }
}

/** The constant that a map definition's `__uint(name, N)` stands for: `int (*name)[N]`. */
export function pointedArrayCount(btf: Btf, id: number): number | undefined {
  const ptr = resolve(btf, id);
  if (ptr.kind !== 'ptr') return undefined;
  const array = resolve(btf, ptr.type);
  return array.kind === 'array' ? array.count : undefined;
}

/** The array without a length that a struct ends with, `char text[]`; undefined where it ends otherwise. */
export function flexibleArray(btf: Btf, id: number): FlexibleArray | undefined {
  const struct = resolve(btf, id);
  const last = struct.kind === 'struct' ? struct.members.at(-1) : undefined;
  if (last === undefined || last.name === '' || last.bitOffset % 8 !== 0) return undefined;
  const array = resolve(btf, last.type);
  if (array.kind !== 'array' || array.count !== 0) return undefined;
  const elementSize = sizeOf(btf, array.type);
  return elementSize === 0 ? undefined : { name: last.name, offset: last.bitOffset / 8, array, elementSize };
}

interface FlexibleArray {
  readonly name: string;
  /** Bytes from the begin of the struct. */
  readonly offset: number;
  readonly array: Extract<BtfType, { kind: 'array' }>;
  /** Bytes. */
  readonly elementSize: number;
}
