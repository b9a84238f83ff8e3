/** Types one by one: `[16] STRUCT 'flow_val' size=40 vlen=9` and its members, or the same as JSON. */
import { type Btf, type BtfType, resolve } from '../../btf/index.ts';
import type { JsonWriter } from '../json-writer.ts';

const VAR_LINKAGE = ['static', 'global', 'extern'];
const FUNC_LINKAGE = ['static', 'global', 'extern'];

/** What a type's line shows after its name: attribute -> value. */
type Attributes = [string, string | number][];
/** What its members' lines show. */
interface Members {
  /** The member of the JSON object that holds them. */
  readonly key: string;
  readonly rows: readonly Attributes[];
  readonly line: (row: Attributes) => string;
}

export function plainType(btf: Btf, id: number): string {
  const type = btf.type(id);
  const { attributes, members } = describe(btf, type);
  const shown = attributes.map(([name, value]) => ` ${name}=${value}`).join('');
  // The comma is bpftool's.
  const line = `[${id}] ${kindOf(type)} '${nameOf(type)}'${type?.kind === 'var' ? shown.replace(' linkage', ', linkage') : shown}\n`;
  return line + (members?.rows.map((row) => `\t${members.line(row)}\n`).join('') ?? '');
}

export function jsonType(writer: JsonWriter, btf: Btf, id: number): void {
  const type = btf.type(id);
  const { attributes, members } = describe(btf, type);
  writer.startObject().field('id', id).field('kind', kindOf(type)).field('name', nameOf(type));
  for (const [name, value] of attributes) writer.field(name, value);
  if (members) {
    writer.name(members.key).startArray();
    for (const row of members.rows) {
      writer.startObject();
      for (const [name, value] of row) if (name !== 'variable') writer.field(name, memberValue(value));
      writer.endObject();
    }
    writer.endArray();
  }
  writer.endObject();
}

function kindOf(type: BtfType | undefined): string {
  return !type || type.kind === 'void' ? 'UNKNOWN' : type.kind.toUpperCase();
}

function nameOf(type: BtfType | undefined): string {
  return type?.name || '(anon)';
}

/** 64-bit enumerators carry their C suffix in the text only. */
function memberValue(value: string | number): string | number | bigint {
  const big = typeof value === 'string' ? /^(-?\d+)U?LL$/.exec(value) : null;
  return big ? BigInt(big[1]!) : value;
}

function describe(btf: Btf, type: BtfType | undefined): { attributes: Attributes; members?: Members } {
  switch (type?.kind) {
    case 'int':
      return {
        attributes: [
          ['size', type.size],
          ['bits_offset', type.bitOffset],
          ['nr_bits', type.bits],
          ['encoding', encodingOf(type)],
        ],
      };
    case 'ptr':
    case 'typedef':
    case 'volatile':
    case 'const':
    case 'restrict':
    case 'type_tag':
      return { attributes: [['type_id', type.type]] };
    case 'array':
      return {
        attributes: [
          ['type_id', type.type],
          ['index_type_id', type.indexType],
          ['nr_elems', type.count],
        ],
      };
    case 'struct':
    case 'union':
      return structure(type);
    case 'enum':
    case 'enum64':
      return enumeration(type);
    case 'fwd':
      return { attributes: [['fwd_kind', type.isUnion ? 'union' : 'struct']] };
    case 'func':
      return {
        attributes: [
          ['type_id', type.type],
          ['linkage', FUNC_LINKAGE[type.linkage] ?? '(unknown)'],
        ],
      };
    case 'func_proto':
      return {
        attributes: [
          ['ret_type_id', type.ret],
          ['vlen', type.params.length],
        ],
        members: {
          key: 'params',
          rows: type.params.map((param) => [
            ['name', param.name || '(anon)'],
            ['type_id', param.type],
          ]),
          line: namedLine,
        },
      };
    case 'var':
      return {
        attributes: [
          ['type_id', type.type],
          ['linkage', VAR_LINKAGE[type.linkage] ?? '(unknown)'],
        ],
      };
    case 'datasec':
      return section(btf, type);
    case 'float':
      return { attributes: [['size', type.size]] };
    case 'decl_tag':
      return {
        attributes: [
          ['type_id', type.type],
          ['component_idx', type.component],
        ],
      };
    default:
      return { attributes: [] };
  }
}

function encodingOf(type: Extract<BtfType, { kind: 'int' }>): string {
  return type.signed ? 'SIGNED' : type.char ? 'CHAR' : type.bool ? 'BOOL' : '(none)';
}

function structure(type: Extract<BtfType, { kind: 'struct' | 'union' }>): { attributes: Attributes; members: Members } {
  return {
    attributes: [
      ['size', type.size],
      ['vlen', type.members.length],
    ],
    members: {
      key: 'members',
      rows: type.members.map((member) => [
        ['name', member.name || '(anon)'],
        ['type_id', member.type],
        ['bits_offset', member.bitOffset],
        ...(member.bitfieldSize > 0 ? ([['bitfield_size', member.bitfieldSize]] as Attributes) : []),
      ]),
      line: namedLine,
    },
  };
}

function enumeration(type: Extract<BtfType, { kind: 'enum' | 'enum64' }>): {
  attributes: Attributes;
  members: Members;
} {
  const suffix = type.kind === 'enum64' ? (type.signed ? 'LL' : 'ULL') : '';
  return {
    attributes: [
      ['encoding', type.signed ? 'SIGNED' : 'UNSIGNED'],
      ['size', type.size],
      ['vlen', type.values.length],
    ],
    members: {
      key: 'values',
      rows: type.values.map(({ name, value }) => [
        ['name', name || '(anon)'],
        ['val', typeof value === 'bigint' ? `${value}${suffix}` : value],
      ]),
      line: namedLine,
    },
  };
}

function section(btf: Btf, type: Extract<BtfType, { kind: 'datasec' }>): { attributes: Attributes; members: Members } {
  return {
    attributes: [
      ['size', type.size],
      ['vlen', type.vars.length],
    ],
    members: {
      key: 'vars',
      rows: type.vars.map((variable) => [
        ['type_id', variable.type],
        ['offset', variable.offset],
        ['size', variable.size],
        ['variable', variableName(btf, variable.type)],
      ]),
      line: (row) => {
        const shown = row.flatMap(([name, value]) => (name === 'variable' ? [] : [`${name}=${value}`]));
        return `${shown.join(' ')}${row.at(-1)?.[1] ?? ''}`;
      },
    },
  };
}

/** ` (VAR 'x')` behind an entry of a data section. */
function variableName(btf: Btf, id: number): string {
  const type = resolve(btf, id);
  return type.kind === 'var' || type.kind === 'func' ? ` (${kindOf(type)} '${nameOf(type)}')` : '';
}

function namedLine(row: Attributes): string {
  return row.map(([name, value], i) => (i === 0 ? `'${value}'` : ` ${name}=${value}`)).join('');
}
