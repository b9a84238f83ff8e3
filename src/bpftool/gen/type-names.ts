/** Types of BTF as TypeScript, with the values that `skep/btf` decodes them to: src/btf/value/value.ts. */
import { type Btf, type BtfMember, resolve } from '../../btf/index.ts';

/** A type that is deeper than this contains itself. */
const MAX_DEPTH = 32;

export class TypeNames {
  readonly #btf: Btf | undefined;
  readonly #taken: Set<string>;
  /** By the id of the structure or enumeration. */
  readonly #named = new Map<number, string>();
  readonly #declared: string[] = [];

  constructor(btf: Btf | undefined, taken: Set<string>) {
    this.#btf = btf;
    this.#taken = taken;
  }

  /** What a value of type `id` is. Structures with a name get one here. */
  of(id: number, depth = 0): string {
    const btf = this.#btf;
    if (btf === undefined || id === 0 || depth > MAX_DEPTH) return 'Uint8Array';
    const type = resolve(btf, id);
    switch (type.kind) {
      case 'int':
        return type.bool ? 'boolean' : type.bits > 32 ? 'bigint' : 'number';
      case 'float':
        return 'number';
      case 'ptr':
        return 'bigint';
      case 'enum':
      case 'enum64': {
        const names = type.values.map(({ name }) => `'${name}'`);
        return [...new Set(names), type.kind === 'enum64' ? 'bigint' : 'number'].join(' | ');
      }
      case 'array': {
        const element = resolve(btf, type.type);
        if (element.kind === 'int' && element.size === 1 && element.bits === 8 && !element.bool) {
          if (element.char || element.name === 'char') return 'string';
          if (!element.signed) return 'Uint8Array';
        }
        return arrayOf(this.of(type.type, depth + 1));
      }
      case 'struct':
      case 'union':
        return type.name === '' ? this.#object(type.members, depth) : this.#structure(btf, id, depth);
      case 'datasec':
        return `{ ${type.vars
          .map(({ type: of }) => `${btf.type(of)?.name ?? ''}: ${this.of(of, depth + 1)}`)
          .join('; ')} }`;
      case 'var':
        return this.of(type.type, depth + 1);
      default:
        return 'Uint8Array';
    }
  }

  /** The declarations of what was named, each after an empty line. */
  declarations(): string {
    return this.#declared.map((text) => `\n${text}\n`).join('');
  }

  #structure(btf: Btf, id: number, depth: number): string {
    const type = resolve(btf, id);
    const place = btf.find(type.name, type.kind === 'union' ? 'union' : 'struct') || id;
    const known = this.#named.get(place);
    if (known !== undefined) return known;
    let name = pascal(type.name);
    while (this.#taken.has(name)) name += '_';
    this.#taken.add(name);
    this.#named.set(place, name);
    const members = type.kind === 'struct' || type.kind === 'union' ? type.members : [];
    // An alias, not an interface: only that is one of the values that maps take.
    this.#declared.push(`export type ${name} = ${this.#object(members, depth)};`);
    return name;
  }

  #object(members: readonly BtfMember[], depth: number): string {
    const fields = this.#fields(members, depth);
    return fields.length === 0 ? 'Record<string, never>' : `{ ${fields.join('; ')} }`;
  }

  /** Members of anonymous members belong to the outer object, as in C. */
  #fields(members: readonly BtfMember[], depth: number): string[] {
    return members.flatMap((member) => {
      const type = resolve(this.#btf!, member.type);
      const inner = member.name === '' && (type.kind === 'struct' || type.kind === 'union');
      if (inner) return depth > MAX_DEPTH ? [] : this.#fields(type.members, depth + 1);
      return member.name === '' ? [] : [`${member.name}: ${this.of(member.type, depth + 1)}`];
    });
  }
}

export function arrayOf(type: string): string {
  return type.includes(' | ') ? `(${type})[]` : `${type}[]`;
}

/** `drop_ports` as a type is `DropPorts`. */
export function pascal(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const joined = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(joined) ? joined : `T${joined}`;
}
