/**
 * The part of a kernel's types that programs relocate against: enough to load them where the kernel has no BTF.
 *
 * What a relocation chose is marked: the root, the members on its path, the types of those. Members that no path goes
 * through are left out; sizes and offsets stay, so the answers are the same. Behaviour: bpftool gen min_core_btf.
 */
import type { Btf, BtfType } from '../btf.ts';
import { BtfBuilder } from '../build.ts';
import { resolve, skipModifiers } from '../layout.ts';
import { type Access, isComposite } from './access.ts';
import { CORE_TYPE_MATCHES } from './kinds.ts';
import { type CoreProgram, coreTargets } from './relocate.ts';

/** BTF with what the relocations of `programs` want of `target`. Throws BtfError as relocateCore does. */
export function minimalBtf(programs: Iterable<{ program: CoreProgram; btf: Btf }>, target: Btf): Uint8Array {
  const marks = new Marks(target);
  for (const { program, btf } of programs) {
    for (const { kind, access } of coreTargets(program, btf, target)) marks.relocation(kind, access);
  }
  return marks.build();
}

class Marks {
  readonly #btf: Btf;
  readonly #types = new Set<number>();
  readonly #members = new Map<number, Set<number>>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  relocation(kind: number, access: Access): void {
    if (kind === CORE_TYPE_MATCHES) return this.#whole(access.rootId, new Set());
    const isField = access.steps.length > 0;
    this.#type(access.rootId, !isField && access.enumerator === undefined);
    let at = skipModifiers(this.#btf, access.rootId);
    for (const [i, step] of access.steps.entries()) {
      if (step.name === '') {
        const array = resolve(this.#btf, at);
        if (i > 0 && array.kind === 'array') at = this.#follow(array.type);
        continue;
      }
      for (const [owner, index] of this.#path(at, step.typeId, new Set()) ?? []) at = this.#member(owner, index);
      at = this.#member(step.typeId, step.index);
    }
  }

  /** Marks a member and its type, and answers the type without modifiers. */
  #member(owner: number, index: number): number {
    const type = resolve(this.#btf, owner);
    this.#type(owner, false);
    const members = this.#members.get(owner) ?? new Set();
    this.#members.set(owner, members.add(index));
    return this.#follow(isComposite(type) ? type.members[index]!.type : 0);
  }

  #follow(id: number): number {
    this.#type(id, false);
    return skipModifiers(this.#btf, id);
  }

  /** The members without a name that lead from one structure to another inside it. */
  #path(from: number, to: number, searched: Set<number>): [owner: number, index: number][] | undefined {
    if (from === to) return [];
    const type = resolve(this.#btf, from);
    if (!isComposite(type) || searched.has(from)) return undefined;
    searched.add(from);
    for (const [index, member] of type.members.entries()) {
      if (member.name !== '') continue;
      const rest = this.#path(skipModifiers(this.#btf, member.type), to, searched);
      if (rest) return [[from, index], ...rest];
    }
    return undefined;
  }

  /** A type and what its spelling needs; structures without their members, and behind pointers only with `follow`. */
  #type(id: number, follow: boolean): void {
    if (id === 0 || this.#types.has(id)) return;
    this.#types.add(id);
    const type = this.#btf.type(id);
    switch (type?.kind) {
      case 'ptr':
        if (follow) this.#type(type.type, true);
        return;
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'typedef':
      case 'type_tag':
        return this.#type(type.type, follow);
      case 'array':
        this.#type(type.type, follow);
        return this.#type(type.indexType, follow);
      case 'func_proto':
        this.#type(type.ret, follow);
        for (const param of type.params) this.#type(param.type, follow);
    }
  }

  /** A type with its members, and theirs: to be compared as a whole. */
  #whole(id: number, seen: Set<number>): void {
    if (id === 0 || seen.has(id)) return;
    seen.add(id);
    this.#type(id, false);
    const type = resolve(this.#btf, id);
    const at = skipModifiers(this.#btf, id);
    if (isComposite(type)) {
      for (const [index, member] of type.members.entries()) {
        this.#member(at, index);
        this.#whole(member.type, seen);
      }
    } else if (type.kind === 'array') this.#whole(type.type, seen);
    else if (type.kind === 'ptr') this.#type(type.type, false);
  }

  build(): Uint8Array {
    const ids = [...this.#types].sort((a, b) => a - b);
    const place = new Map(ids.map((id, i) => [id, i + 1]));
    const builder = new BtfBuilder();
    for (const id of ids) builder.add(this.#reduced(id, (old) => place.get(old) ?? 0));
    return builder.build();
  }

  /** The type with its marked members, and with ids as they are to be; 0 for what was left out. */
  #reduced(id: number, to: (id: number) => number): BtfType {
    const type = this.#btf.type(id)!;
    if (isComposite(type)) {
      const kept = this.#members.get(id);
      const members = type.members.filter((_, index) => kept?.has(index));
      return { ...type, members: members.map((member) => ({ ...member, type: to(member.type) })) };
    }
    if (type.kind === 'array') return { ...type, type: to(type.type), indexType: to(type.indexType) };
    if (type.kind === 'func_proto') {
      const params = type.params.map((param) => ({ ...param, type: to(param.type) }));
      return { ...type, ret: to(type.ret), params };
    }
    return 'type' in type ? { ...type, type: to(type.type) } : type;
  }
}
