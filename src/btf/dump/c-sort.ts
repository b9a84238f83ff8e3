/**
 * The order of a sorted C header: enums, integers, structs, functions, each by name; what has the same name by a hash
 * of what is in it, so that the order does not depend on ids. As bpftool 7.5 and later.
 */
import type { Btf, BtfType } from '../btf.ts';

/** For kinds that are not sorted among the others. */
const LAST = 10;

/** Longest chain of typedefs and pointers that is looked through. */
const MAX_DEPTH = 64;

interface Datum {
  readonly id: number;
  readonly rank: number;
  readonly sortName: string;
  readonly ownName: string;
}

/**
 * The ids in the order in which definitions are asked for. void is sorted among them, and the first of all is left
 * out: bpftool begins with the second, and what comes first is defined where something needs it, if anything does.
 */
export function sortedIds(btf: Btf): number[] {
  const data: Datum[] = [];
  for (let id = 0; id < btf.count; id++) {
    data.push({ id, rank: rankOf(btf, id, false), sortName: sortName(btf, id), ownName: btf.type(id)!.name });
  }
  const hashes = new Map<number, bigint>();
  const hashOf = (id: number): bigint => {
    const known = hashes.get(id);
    if (known !== undefined) return known;
    const hash = contentHash(btf, id, true, MAX_DEPTH);
    hashes.set(id, hash);
    return hash;
  };
  data.sort(
    (a, b) =>
      a.rank - b.rank ||
      compare(a.sortName, b.sortName) ||
      compare(a.ownName, b.ownName) ||
      compare(hashOf(a.id), hashOf(b.id)) ||
      a.id - b.id,
  );
  return data.slice(1).map((d) => d.id);
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rankOf(btf: Btf, start: number, hasName: boolean): number {
  let id = start;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const t = btf.type(id)!;
    hasName ||= t.name !== '';
    switch (t.kind) {
      case 'enum':
      case 'enum64':
        return hasName ? 1 : 0;
      case 'int':
      case 'float':
        return 2;
      case 'struct':
      case 'union':
        return hasName ? 3 : LAST;
      case 'func_proto':
        return hasName ? 4 : LAST;
      default:
        if (!isReference(t) || !hasName) return LAST;
        id = t.type;
    }
  }
  return LAST;
}

/** Its own name; of what refers to another type, the name of that. An enum without a name goes by its first value. */
function sortName(btf: Btf, start: number): string {
  let id = start;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const t = btf.type(id)!;
    if (isReference(t)) {
      id = t.type;
      continue;
    }
    const isEnum = t.kind === 'enum' || t.kind === 'enum64';
    return isEnum && t.name === '' && id === start ? (t.values[0]?.name ?? '') : t.name;
  }
  return '';
}

type Reference = Extract<BtfType, { type: number }>;

function isReference(t: BtfType): t is Reference {
  switch (t.kind) {
    case 'array':
    case 'type_tag':
    case 'const':
    case 'ptr':
    case 'volatile':
    case 'restrict':
    case 'typedef':
    case 'decl_tag':
      return true;
    default:
      return false;
  }
}

function contentHash(btf: Btf, id: number, withMembers: boolean, depth: number): bigint {
  const t = btf.type(id)!;
  let hash = withName(0n, t.name);
  if (depth === 0) return hash;
  if (t.kind === 'enum' || t.kind === 'enum64') {
    for (const v of t.values) hash = withName(hash, v.name);
  } else if ((t.kind === 'struct' || t.kind === 'union') && withMembers) {
    for (const m of t.members) hash = mix(withName(hash, m.name), contentHash(btf, m.type, false, depth - 1));
  } else if (isReference(t)) {
    if (t.kind === 'array') hash = mix(hash, BigInt(t.count));
    hash = mix(hash, contentHash(btf, t.type, withMembers, depth - 1));
  }
  return hash;
}

function mix(hash: bigint, value: bigint): bigint {
  return BigInt.asUintN(64, hash * 31n + value);
}

function withName(hash: bigint, name: string): bigint {
  if (name === '') return hash;
  let h = 0n;
  for (let i = 0; i < name.length; i++) h = mix(h, BigInt(name.charCodeAt(i)));
  return mix(hash, h);
}
