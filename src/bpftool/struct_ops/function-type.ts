/** A pointer to a function as one line: `u32 (struct sock *) NAME`. */
import type { Btf } from '../../btf/index.ts';

/** Nesting deeper than C allows is a type that contains itself. */
const MAX_DEPTH = 32;

export function functionType(btf: Btf, proto: number, name: string): string {
  const type = btf.type(proto);
  if (type?.kind !== 'func_proto') return name;
  const params = type.params.map((param) => typeName(btf, param.type));
  return `${typeName(btf, type.ret)} (${params.length === 0 ? 'void' : params.join(', ')}) ${name}`;
}

/** The type without a declarator: `const struct sk_buff *`. */
function typeName(btf: Btf, id: number, depth = 0): string {
  const type = id === 0 ? undefined : btf.type(id);
  if (type === undefined || depth > MAX_DEPTH) return 'void';
  switch (type.kind) {
    case 'ptr': {
      const to = typeName(btf, type.type, depth + 1);
      return to.endsWith('*') ? `${to}*` : `${to} *`;
    }
    case 'const':
    case 'volatile':
    case 'restrict':
      return `${type.kind} ${typeName(btf, type.type, depth + 1)}`;
    case 'type_tag':
      return typeName(btf, type.type, depth + 1);
    case 'struct':
    case 'union':
    case 'enum':
      return `${type.kind} ${type.name}`;
    case 'enum64':
      return `enum ${type.name}`;
    case 'fwd':
      return `${type.isUnion ? 'union' : 'struct'} ${type.name}`;
    case 'func_proto':
      return functionType(btf, id, '(*)');
    case 'array':
      return `${typeName(btf, type.type, depth + 1)}[${type.count}]`;
    default:
      return type.name === '' ? 'void' : type.name;
  }
}
