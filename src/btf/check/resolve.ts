/**
 * What the kernel asks of types together: every chain ends, what has to have a size has one, members lie inside.
 *
 * A pointer does not need its struct to be resolved, and a struct does not need what its pointers point to: that is
 * what makes ordinary recursive types end. The mode says from which of the two a walk comes.
 */
import { E2BIG, EEXIST } from '../../base/errno.ts';
import type { BtfMember, BtfType } from '../btf.ts';
import { type Finding, memberFault, sectionFault, type TypeTable, typeFault } from './fault.ts';
import { checkMember } from './member.ts';
import { isIdentifier } from './names.ts';

/** The kernel's limit for chains of unresolved types. */
const MAX_DEPTH = 32;

const U32_MAX = 0xffff_ffff;

type Mode = 'start' | 'pointer' | 'struct';

/** Why a walk cannot go on: blamed on the type at which it began. */
type Stuck = 'depth' | 'loop';

class StuckWalk extends Error {
  readonly why: Stuck;
  constructor(why: Stuck) {
    super(why);
    this.why = why;
  }
}

export class Resolver {
  readonly #types: TypeTable;
  readonly #firstId: number;
  readonly #state = new Map<number, 'visited' | 'resolved'>();
  #depth = 0;

  constructor(types: TypeTable, firstId: number) {
    this.#types = types;
    this.#firstId = firstId;
  }

  /** Checks a type and everything it has to know of. Throws a Finding. */
  check(id: number): void {
    const t = this.#types.type(id)!;
    if (needsResolving(t) && !this.#isResolved(id)) {
      try {
        this.#push(id, 'start');
      } catch (stuck) {
        if (!(stuck instanceof StuckWalk)) throw stuck;
        throw stuck.why === 'depth'
          ? typeFault(id, t, `Exceeded max resolving depth:${MAX_DEPTH}`, E2BIG)
          : typeFault(id, t, 'Loop detected', EEXIST);
      }
    }
    if (t.kind === 'func_proto') this.#funcProto(id, t);
  }

  #isResolved(id: number): boolean {
    return id < this.#firstId || this.#state.get(id) === 'resolved';
  }

  #push(id: number, from: Mode): void {
    if (this.#depth === MAX_DEPTH) throw new StuckWalk('depth');
    if (this.#state.has(id)) throw new StuckWalk('loop');
    this.#state.set(id, 'visited');
    this.#depth++;
    const t = this.#types.type(id)!;
    this.#resolve(id, t, from === 'start' ? startMode(t) : from);
    this.#depth--;
    this.#state.set(id, 'resolved');
  }

  /** Resolves what `id` needs first, unless it is where a walk of this mode ends. */
  #need(id: number, mode: Mode): void {
    const t = this.#types.type(id)!;
    if (!isSink(t, mode) && !this.#isResolved(id)) this.#push(id, mode);
  }

  #resolve(id: number, t: BtfType, mode: Mode): void {
    const fault = (what: string): Finding => typeFault(id, t, what);
    switch (t.kind) {
      case 'ptr':
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag': {
        const target = this.#types.type(t.type);
        if (target === undefined || isOnlySource(target)) throw fault('Invalid type_id');
        return this.#need(t.type, mode);
      }
      case 'array': {
        const index = this.#types.type(t.indexType);
        if (index === undefined || isOnlySource(index)) throw fault('Invalid index');
        this.#need(t.indexType, mode);
        const indexType = this.#resolved(t.indexType);
        if (indexType?.kind !== 'int' || !isRegular(indexType)) throw fault('Invalid index');
        const element = this.#types.type(t.type);
        if (element === undefined || isOnlySource(element)) throw fault('Invalid elem');
        this.#need(t.type, mode);
        const size = this.sizeOf(t.type);
        if (size === undefined) throw fault('Invalid elem');
        const elementType = this.#resolved(t.type);
        if (elementType?.kind === 'int' && !isRegular(elementType)) throw fault('Invalid array of int');
        if (t.count * size > U32_MAX) throw fault('Array size overflows U32_MAX');
        return;
      }
      case 'struct':
      case 'union':
        for (const m of t.members) this.#member(t, m, mode);
        return;
      case 'var': {
        const target = this.#types.type(t.type);
        if (target === undefined || isOnlySource(target)) throw fault('Invalid type_id');
        this.#need(t.type, mode);
        if (this.sizeOf(t.type) === undefined) throw fault('Invalid type_id');
        return;
      }
      case 'datasec':
        for (const v of t.vars) {
          if (this.#types.type(v.type)?.kind !== 'var') throw sectionFault(v, 'Not a VAR kind member');
          this.#need(v.type, mode);
          const size = this.sizeOf(v.type);
          if (size === undefined) throw sectionFault(v, 'Invalid type');
          if (v.size < size) throw sectionFault(v, 'Invalid size');
        }
        return;
      case 'func':
        return this.#func(id, t);
      case 'decl_tag':
        return this.#declTag(id, t, mode);
    }
  }

  #member(t: Extract<BtfType, { kind: 'struct' | 'union' }>, m: BtfMember, mode: Mode): void {
    const type = this.#types.type(m.type);
    if (type === undefined || isOnlySource(type)) throw memberFault(t, m, 'Invalid member');
    this.#need(m.type, mode);
    const resolvedId = this.#behindModifiers(m.type);
    const resolved = this.#types.type(resolvedId);
    if (resolved === undefined || this.sizeOf(resolvedId) === undefined) throw memberFault(t, m, 'Invalid member');
    checkMember(t, { ...m, type: resolvedId }, resolved, this.sizeOf(resolvedId)!);
  }

  #func(id: number, t: Extract<BtfType, { kind: 'func' }>): void {
    const proto = this.#types.type(t.type);
    if (proto?.kind !== 'func_proto') throw typeFault(id, t, 'Invalid type_id');
    proto.params.forEach((p, i) => {
      if (p.name === '' && p.type !== 0) throw typeFault(id, t, `Invalid arg#${i + 1}`);
    });
  }

  #declTag(id: number, t: Extract<BtfType, { kind: 'decl_tag' }>, mode: Mode): void {
    const target = this.#types.type(t.type);
    const isTarget = ['struct', 'union', 'var', 'func', 'typedef'].includes(target?.kind ?? '');
    if (target === undefined || !isTarget) throw typeFault(id, t, 'Invalid type_id');
    this.#need(t.type, mode);
    if (t.component === -1) return;
    let count = 0;
    if (target.kind === 'struct' || target.kind === 'union') count = target.members.length;
    else if (target.kind === 'func') {
      const proto = this.#types.type(target.type);
      count = proto?.kind === 'func_proto' ? proto.params.length : 0;
    }
    if (t.component >= count) throw typeFault(id, t, 'Invalid component_idx');
  }

  #funcProto(id: number, t: Extract<BtfType, { kind: 'func_proto' }>): void {
    if (t.ret !== 0) {
      const ret = this.#types.type(t.ret);
      if (ret === undefined || isOnlySource(ret)) throw typeFault(id, t, 'Invalid return type');
      this.#prepare(t.ret, ret);
      if (this.sizeOf(t.ret) === undefined) throw typeFault(id, t, 'Invalid return type');
    }
    const last = t.params.at(-1);
    const isVariadic = last?.type === 0;
    if (isVariadic && last?.name !== '') throw typeFault(id, t, `Invalid arg#${t.params.length}`);
    t.params.slice(0, isVariadic ? -1 : undefined).forEach((p, i) => {
      const bad = () => typeFault(id, t, `Invalid arg#${i + 1}`);
      const type = this.#types.type(p.type);
      if (p.type === 0 || type === undefined || isOnlySource(type)) throw bad();
      if (p.name !== '' && !isIdentifier(p.name)) throw bad();
      this.#prepare(p.type, type);
      if (this.sizeOf(p.type) === undefined) throw bad();
    });
  }

  #prepare(id: number, t: BtfType): void {
    if (needsResolving(t) && !this.#isResolved(id)) this.check(id);
  }

  /** The type behind modifiers and typedefs. Chains have been proven to end when this is asked. */
  #behindModifiers(id: number): number {
    let at = id;
    for (let i = 0; i < MAX_DEPTH * 2; i++) {
      const t = this.#types.type(at);
      if (t === undefined || !isModifier(t)) return at;
      at = t.type;
    }
    return at;
  }

  #resolved(id: number): BtfType | undefined {
    return this.#types.type(this.#behindModifiers(id));
  }

  /** Bytes of a type; undefined for void, declarations and functions. */
  sizeOf(id: number): number | undefined {
    let times = 1;
    let at = id;
    for (let i = 0; i < MAX_DEPTH * 2; i++) {
      at = this.#behindModifiers(at);
      const t = this.#types.type(at);
      switch (t?.kind) {
        case 'ptr':
          return times * 8;
        case 'array':
          times *= t.count;
          at = t.type;
          continue;
        case 'var':
          at = t.type;
          continue;
        case 'int':
        case 'struct':
        case 'union':
        case 'enum':
        case 'enum64':
        case 'float':
        case 'datasec':
          return times * t.size;
        default:
          return undefined;
      }
    }
    return undefined;
  }
}

function startMode(t: BtfType): Mode {
  if (t.kind === 'ptr') return 'pointer';
  return t.kind === 'struct' || t.kind === 'union' || t.kind === 'array' ? 'struct' : 'start';
}

function isSink(t: BtfType, mode: Mode): boolean {
  if (mode === 'start') return !needsResolving(t);
  if (isModifier(t)) return false;
  if (mode === 'pointer') return t.kind !== 'ptr';
  return t.kind !== 'array' && t.kind !== 'struct' && t.kind !== 'union';
}

export function isModifier(t: BtfType): t is Extract<BtfType, { kind: 'typedef' | 'const' | 'type_tag' }> {
  return ['typedef', 'const', 'volatile', 'restrict', 'type_tag'].includes(t.kind);
}

/** Kinds that refer, and that nothing may refer to. */
function isOnlySource(t: BtfType): boolean {
  return t.kind === 'var' || t.kind === 'datasec' || t.kind === 'decl_tag';
}

function needsResolving(t: BtfType): boolean {
  const kinds = ['ptr', 'struct', 'union', 'array', 'var', 'func', 'decl_tag', 'datasec'];
  return isModifier(t) || kinds.includes(t.kind);
}

/** An int that begins at its first bit and takes whole bytes: one, two, four, eight or sixteen. */
function isRegular(t: Extract<BtfType, { kind: 'int' }>): boolean {
  return t.bitOffset === 0 && [8, 16, 32, 64, 128].includes(t.bits);
}
