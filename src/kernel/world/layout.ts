/**
 * Where the members of a kernel structure lie, by the BTF of the reference kernel.
 */

import { bug } from '../../base/errors.ts';
import { type Btf, resolve, sizeOf } from '../../btf/index.ts';

export interface Member {
  /** Bytes from the start of the structure. */
  readonly offset: number;
  readonly size: number;
}

export class Layout {
  readonly size: number;
  readonly #btf: Btf;
  readonly #id: number;
  readonly #known = new Map<string, Member | undefined>();

  constructor(btf: Btf, struct: string) {
    this.#btf = btf;
    this.#id = btf.find(struct, 'struct');
    if (this.#id === 0) bug(`the kernel's BTF has no struct ${struct}`);
    this.size = sizeOf(btf, this.#id);
  }

  /** A member by its path, `se.vruntime`; undefined where this kernel has none of that name. */
  member(path: string): Member | undefined {
    if (!this.#known.has(path)) this.#known.set(path, this.#find(path));
    return this.#known.get(path);
  }

  #find(path: string): Member | undefined {
    let id = this.#id;
    let offset = 0;
    for (const name of path.split('.')) {
      const found = findMember(this.#btf, id, name);
      if (found === undefined) return undefined;
      offset += found.offset;
      id = found.type;
    }
    return { offset, size: sizeOf(this.#btf, id) };
  }
}

/** A member by name, also through anonymous structs and unions. */
function findMember(btf: Btf, id: number, name: string, depth = 0): { offset: number; type: number } | undefined {
  const type = resolve(btf, id);
  if ((type.kind !== 'struct' && type.kind !== 'union') || depth > 8) return undefined;
  for (const member of type.members) {
    const offset = member.bitOffset / 8;
    if (member.name === name) return { offset, type: member.type };
    if (member.name !== '') continue;
    const inner = findMember(btf, member.type, name, depth + 1);
    if (inner) return { offset: offset + inner.offset, type: inner.type };
  }
  return undefined;
}
