/** A function's type in C's words, as bpftool prints it: `int f(struct xdp_md * ctx)`. */
import type { Btf } from '../../btf/index.ts';

const MAX_DEPTH = 64;

/** The signature of a FUNC, '' for what is none. */
export function functionSignature(btf: Btf, id: number): string {
  const func = btf.type(id);
  return func?.kind === 'func' ? prototype(btf, func.type, func.name, 0) : '';
}

function prototype(btf: Btf, id: number, name: string, depth: number): string {
  const proto = btf.type(id);
  if (proto?.kind !== 'func_proto') return '';
  const params = proto.params.map((param) => {
    if (param.type === 0) return '...';
    const type = typeText(btf, param.type, depth + 1);
    return param.name === '' ? type.trimEnd() : type + param.name;
  });
  return `${typeText(btf, proto.ret, depth + 1)}${name}(${params.join(', ')})`;
}

/** A type with the blank that follows it. */
function typeText(btf: Btf, id: number, depth: number): string {
  if (depth > MAX_DEPTH) return '... ';
  const type = btf.type(id);
  switch (type?.kind) {
    case 'int':
    case 'typedef':
    case 'float':
      return `${type.name} `;
    case 'struct':
    case 'union':
      return `${type.kind} ${type.name} `;
    case 'enum':
    case 'enum64':
      return `enum ${type.name} `;
    case 'fwd':
      return `${type.isUnion ? 'union' : 'struct'} ${type.name} `;
    case 'ptr':
      return `${typeText(btf, type.type, depth + 1)}* `;
    case 'array':
      return `${typeText(btf, type.type, depth + 1)}[${type.count}]`;
    case 'const':
    case 'volatile':
    case 'restrict':
      return `${type.kind} ${typeText(btf, type.type, depth + 1)}`;
    case 'type_tag':
      return typeText(btf, type.type, depth + 1);
    case 'func_proto':
      return prototype(btf, id, '', depth + 1);
    default:
      return 'void ';
  }
}
