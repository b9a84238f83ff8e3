/**
 * The order in which a C header can define types: what is embedded comes before what embeds it; what is only pointed
 * to needs no more than a declaration. The order among independent types is that of libbpf, because people compare.
 */
import { BtfError } from '../../base/errors.ts';
import type { Btf } from '../btf.ts';

type State = 'ordering' | 'ordered';

/** Whether the type had to be defined before its user: not so for what a pointer reaches and a tag can declare. */
type Strong = boolean;

/** Deeper nesting than any compiler writes. */
export const MAX_NESTING = 256;

export class COrder {
  readonly #btf: Btf;
  readonly #states = new Map<number, State>([[0, 'ordered']]);
  readonly #referenced: Uint8Array;
  #queue: number[] = [];
  #depth = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#referenced = referencedTypes(btf);
  }

  /** Ids to define, in order, for `id` to be complete. Types named before do not come again. */
  before(id: number): number[] {
    this.#queue = [];
    this.#visit(id, false);
    return this.#queue;
  }

  #visit(id: number, throughPointer: boolean): Strong {
    const state = this.#states.get(id);
    if (state === 'ordered') return true;
    const t = this.#btf.type(id)!;
    if (state === 'ordering') {
      if ((t.kind === 'struct' || t.kind === 'union') && throughPointer && t.name !== '') return false;
      throw new BtfError(`type [${id}] contains itself`, `type [${id}]`);
    }
    if (++this.#depth > MAX_NESTING) throw new BtfError('types are nested too deeply to be declared', `type [${id}]`);
    const strong = this.#visitNew(id, throughPointer);
    this.#depth--;
    return strong;
  }

  #visitNew(id: number, throughPointer: boolean): Strong {
    const t = this.#btf.type(id)!;
    switch (t.kind) {
      case 'ptr': {
        const strong = this.#visit(t.type, true);
        this.#states.set(id, 'ordered');
        return strong;
      }
      case 'array':
        return this.#visit(t.type, false);
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'type_tag':
        return this.#visit(t.type, throughPointer);
      case 'struct':
      case 'union':
        if (throughPointer && t.name !== '') return false;
        this.#states.set(id, 'ordering');
        for (const m of t.members) this.#visit(m.type, false);
        if (t.name !== '') this.#queue.push(id);
        this.#states.set(id, 'ordered');
        return true;
      case 'enum':
      case 'enum64':
      case 'fwd':
        // one without a name is defined where it is used, if it is used
        if (t.name !== '' || this.#referenced[id] === 0) this.#queue.push(id);
        this.#states.set(id, 'ordered');
        return true;
      case 'typedef':
        if (!this.#visit(t.type, throughPointer) && throughPointer) return false;
        this.#queue.push(id);
        this.#states.set(id, 'ordered');
        return true;
      case 'func_proto': {
        let strong = this.#visit(t.ret, throughPointer);
        for (const p of t.params) strong = this.#visit(p.type, throughPointer) || strong;
        return strong;
      }
      default:
        this.#states.set(id, 'ordered');
        return false;
    }
  }
}

/** 1 for every type that another one uses. What a function returns does not count: libbpf's reading. */
function referencedTypes(btf: Btf): Uint8Array {
  const used = new Uint8Array(btf.count);
  for (let id = 1; id < btf.count; id++) {
    const t = btf.type(id)!;
    switch (t.kind) {
      case 'struct':
      case 'union':
        for (const m of t.members) used[m.type] = 1;
        break;
      case 'func_proto':
        for (const p of t.params) used[p.type] = 1;
        break;
      case 'datasec':
        for (const v of t.vars) used[v.type] = 1;
        break;
      default:
        if ('type' in t) used[t.type] = 1;
    }
  }
  return used;
}
