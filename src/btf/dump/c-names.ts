/**
 * Names in a C header: where BTF has several types or constants of one name, all but the first get `___2`, `___3`…
 * Tags (struct, union, enum) and plain identifiers (typedefs, enumerators) are apart, as in C.
 */
import type { BtfType } from '../btf.ts';

export class CNames {
  readonly #tags = new Counter();
  readonly #identifiers = new Counter();
  readonly #given = new Map<number, string>();

  /** The name to print for a type; the same each time it is asked for. */
  ofType(id: number, t: BtfType): string {
    if (t.name === '') return '';
    const given = this.#given.get(id);
    if (given !== undefined) return given;
    // a declaration without a body may be of a type that is elsewhere in full: it keeps the plain name
    const isDeclaration = t.kind === 'fwd' || (t.kind === 'enum' && t.values.length === 0);
    const counter = t.kind === 'typedef' ? this.#identifiers : this.#tags;
    const name = isDeclaration ? t.name : counter.unique(t.name);
    this.#given.set(id, name);
    return name;
  }

  /** The name to print for an enumerator that is about to be declared. */
  ofEnumerator(name: string): string {
    return this.#identifiers.unique(name);
  }
}

class Counter {
  readonly #seen = new Map<string, number>();

  unique(name: string): string {
    const times = (this.#seen.get(name) ?? 0) + 1;
    this.#seen.set(name, times);
    return times === 1 ? name : `${name}___${times}`;
  }
}
