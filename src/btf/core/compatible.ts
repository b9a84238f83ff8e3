/**
 * When a type of the object may stand for a type of the kernel: loosely for fields and for "does it exist", closely
 * for "does it match" (bpf_core_type_matches). The rules are libbpf's.
 */
import type { Btf, BtfType } from '../btf.ts';
import { resolve } from '../layout.ts';
import { essentialName, isComposite, isEnum } from './access.ts';

/** Deepest nesting that is compared; deeper types do not match. */
const MAX_DEPTH = 32;

/** Enums of either width count as one kind. */
export function sameKind(a: BtfType, b: BtfType): boolean {
  return a.kind === b.kind || (isEnum(a) && isEnum(b));
}

/** Whether a field of one type may be read where another is expected. */
export function fieldsCompatible(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const a = resolve(local, localId);
    const b = resolve(target, targetId);
    if (isComposite(a) && isComposite(b)) return true;
    if (!sameKind(a, b)) return false;
    switch (a.kind) {
      case 'ptr':
      case 'float':
        return true;
      case 'fwd':
      case 'enum':
      case 'enum64':
        return a.name === '' || b.name === '' || essentialName(a.name) === essentialName(b.name);
      case 'int':
        return a.bitOffset === 0 && b.kind === 'int' && b.bitOffset === 0;
      case 'array':
        if (b.kind !== 'array') return false;
        localId = a.type;
        targetId = b.type;
        continue;
      default:
        return false;
    }
  }
  return false;
}

/** Whether two types of one name count as the same for existence, size and id. */
export function typesCompatible(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  return new Comparison(local, target).compatible(localId, targetId, MAX_DEPTH);
}

/** Whether everything that the local type declares is in the target, with the same types. */
export function typesMatch(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  return new Comparison(local, target).match(localId, targetId, false, MAX_DEPTH);
}

class Comparison {
  readonly #local: Btf;
  readonly #target: Btf;
  /** Comparisons left: function types within each other could otherwise multiply. */
  #budget = 1_000_000;

  constructor(local: Btf, target: Btf) {
    this.#local = local;
    this.#target = target;
  }

  compatible(localId: number, targetId: number, depth: number): boolean {
    if (depth === 0 || this.#budget-- <= 0) return false;
    const a = resolve(this.#local, localId);
    const b = resolve(this.#target, targetId);
    if (!sameKind(a, b)) return false;
    switch (a.kind) {
      case 'void':
      case 'struct':
      case 'union':
      case 'enum':
      case 'enum64':
      case 'fwd':
        return true;
      case 'int':
        return a.bitOffset === 0 && b.kind === 'int' && b.bitOffset === 0;
      case 'ptr':
      case 'array':
        return b.kind === a.kind && this.compatible(a.type, b.type, depth - 1);
      case 'func_proto':
        return (
          b.kind === 'func_proto' &&
          a.params.length === b.params.length &&
          a.params.every((p, i) => this.compatible(p.type, b.params[i]!.type, depth - 1)) &&
          this.compatible(a.ret, b.ret, depth - 1)
        );
      default:
        return false;
    }
  }

  match(localId: number, targetId: number, behindPointer: boolean, depth: number): boolean {
    if (depth === 0 || this.#budget-- <= 0) return false;
    const a = resolve(this.#local, localId);
    const b = resolve(this.#target, targetId);
    if (essentialName(a.name) !== essentialName(b.name)) return false;
    switch (a.kind) {
      case 'void':
      case 'float':
        return a.kind === b.kind;
      case 'fwd':
        if (b.kind === 'fwd') return a.isUnion === b.isUnion;
        return behindPointer && b.kind === (a.isUnion ? 'union' : 'struct');
      case 'enum':
      case 'enum64':
        return isEnum(b) && enumeratorsMatch(a, b);
      case 'struct':
      case 'union':
        if (!behindPointer) return b.kind === a.kind && this.#membersMatch(a, b, depth);
        return b.kind === a.kind || (b.kind === 'fwd' && b.isUnion === (a.kind === 'union'));
      case 'int':
        return b.kind === 'int' && a.size === b.size && a.signed === b.signed;
      case 'ptr':
        return b.kind === 'ptr' && this.match(a.type, b.type, true, depth - 1);
      case 'array':
        return b.kind === 'array' && a.count === b.count && this.match(a.type, b.type, behindPointer, depth - 1);
      case 'func_proto':
        return (
          b.kind === 'func_proto' &&
          a.params.length === b.params.length &&
          a.params.every((p, i) => this.match(p.type, b.params[i]!.type, behindPointer, depth - 1)) &&
          this.match(a.ret, b.ret, behindPointer, depth - 1)
        );
      default:
        return false;
    }
  }

  #membersMatch(
    a: Extract<BtfType, { kind: 'struct' | 'union' }>,
    b: Extract<BtfType, { kind: 'struct' | 'union' }>,
    depth: number,
  ): boolean {
    const named = new Map<string, number[]>();
    for (const n of b.members) {
      const types = named.get(n.name);
      if (types) types.push(n.type);
      else named.set(n.name, [n.type]);
    }
    return a.members.every((m) => (named.get(m.name) ?? []).some((type) => this.match(m.type, type, false, depth - 1)));
  }
}

function enumeratorsMatch(
  a: Extract<BtfType, { kind: 'enum' | 'enum64' }>,
  b: Extract<BtfType, { kind: 'enum' | 'enum64' }>,
): boolean {
  const names = new Set(b.values.map((v) => essentialName(v.name)));
  return a.values.every((v) => names.has(essentialName(v.name)));
}
