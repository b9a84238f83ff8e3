/** What is wrong with BTF, in the kernel's words: the line that BPF_BTF_LOAD's log ends with, and its errno. */
import { EINVAL } from '../../base/errno.ts';
import type { Btf, BtfKind, BtfMember, BtfType } from '../btf.ts';
import { kindLabel } from '../kinds.ts';
import { shown } from './names.ts';

export interface BtfFault {
  /** Positive. */
  readonly errno: number;
  /** `[3] STRUCT s size=8 vlen=1 Loop detected`; lines about members begin with a tab. */
  readonly line: string;
}

/** How a check ends early. Thrown inside check/ only; inspectBtf catches it. */
export class Finding extends Error {
  readonly fault: BtfFault;
  constructor(line: string, errno = EINVAL) {
    super(line);
    this.fault = { line, errno };
  }
}

/** A fault of a type. */
export function typeFault(id: number, t: BtfType, what: string, errno = EINVAL): Finding {
  return new Finding(`[${id}] ${kindLabel(t.kind)} ${shown(t.name)} ${detailsOf(t)} ${what}`, errno);
}

/** A fault that is found before the type's details can be trusted. */
export function basicFault(id: number, kind: BtfKind, name: string, what: string): Finding {
  return new Finding(`[${id}] ${kindLabel(kind)} ${shown(name)} ${what}`);
}

/** A fault of a member of `t`. */
export function memberFault(t: Extract<BtfType, { kind: 'struct' | 'union' }>, m: BtfMember, what: string): Finding {
  const width = t.kindFlag ? ` bitfield_size=${m.bitfieldSize}` : '';
  return new Finding(`\t${shown(m.name)} type_id=${m.type}${width} bits_offset=${m.bitOffset} ${what}`);
}

/** A fault of an entry of a data section. */
export function sectionFault(v: Extract<BtfType, { kind: 'datasec' }>['vars'][number], what: string): Finding {
  return new Finding(`\t type_id=${v.type} offset=${v.offset} size=${v.size} ${what}`);
}

function detailsOf(t: BtfType): string {
  switch (t.kind) {
    case 'int':
      return `size=${t.size} bits_offset=${t.bitOffset} nr_bits=${t.bits} encoding=${encodingName(t)}`;
    case 'array':
      return `type_id=${t.type} index_type_id=${t.indexType} nr_elems=${t.count}`;
    case 'struct':
    case 'union':
      return `size=${t.size} vlen=${t.members.length}`;
    case 'enum':
    case 'enum64':
      return `size=${t.size} vlen=${t.values.length}`;
    case 'datasec':
      return `size=${t.size} vlen=${t.vars.length}`;
    case 'fwd':
      return t.isUnion ? 'union' : 'struct';
    case 'func_proto':
      return `return=${t.ret} args=(${parameters(t)})`;
    case 'var':
      return `type_id=${t.type} linkage=${t.linkage}`;
    case 'float':
      return `size=${t.size}`;
    case 'decl_tag':
      return `type=${t.type} component_idx=${t.component}`;
    case 'void':
      return '';
    default:
      return `type_id=${t.type}`;
  }
}

function parameters(t: Extract<BtfType, { kind: 'func_proto' }>): string {
  if (t.params.length === 0) return 'void';
  return t.params
    .map((p, i) => (p.type === 0 && i === t.params.length - 1 ? 'vararg' : `${p.type} ${shown(p.name)}`))
    .join(', ');
}

function encodingName(t: Extract<BtfType, { kind: 'int' }>): string {
  const names = [t.signed ? 'SIGNED' : '', t.char ? 'CHAR' : '', t.bool ? 'BOOL' : ''].filter((n) => n !== '');
  return names.length === 0 ? '(none)' : names.length === 1 ? names[0]! : 'UNKN';
}

/** All types of what is checked, by id. */
export type TypeTable = Pick<Btf, 'type'>;
