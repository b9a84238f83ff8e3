/**
 * `btf dump … format raw`: one line a type, as bpftool prints them, and the same as JSON values.
 */
import type { Btf, BtfType } from '../btf.ts';
import { kindLabel } from '../kinds.ts';

export interface RawOptions {
  /** Print these types only. Ids that do not exist are left out. */
  readonly ids?: readonly number[];
}

/** The lines, without a newline at the end of each: `[1] INT 'int' size=4 …`, members on lines that begin with a tab. */
export function dumpRaw(btf: Btf, options: RawOptions = {}): string[] {
  return chosen(btf, options).flatMap(([id, t]) => {
    const { fields, entries } = describe(btf, t);
    const head = `[${id}] ${kindLabel(t.kind)} '${shown(t.name)}'`;
    return [head + words(t, fields), ...entries.lines];
  });
}

/** Each type as bpftool's JSON has it, keys in its order: `{id, kind, name, …}`. */
export function dumpRawJson(btf: Btf, options: RawOptions = {}): Record<string, unknown>[] {
  return chosen(btf, options).map(([id, t]) => {
    const { fields, entries } = describe(btf, t);
    const out: Record<string, unknown> = { id, kind: kindLabel(t.kind), name: shown(t.name) };
    for (const [key, value] of fields) out[key] = value;
    if (entries.key !== '') out[entries.key] = entries.values;
    return out;
  });
}

function chosen(btf: Btf, options: RawOptions): [number, BtfType][] {
  const first = btf.base?.count ?? 1;
  const ids = options.ids ?? Array.from({ length: btf.count - first }, (_, i) => first + i);
  return ids.flatMap((id) => {
    const t = btf.type(id);
    return t === undefined || t.kind === 'void' ? [] : [[id, t] as [number, BtfType]];
  });
}

type Field = readonly [key: string, value: string | number];

interface Description {
  readonly fields: readonly Field[];
  readonly entries: Entries;
}

interface Entries {
  /** In JSON; '' where the kind has none. */
  readonly key: string;
  readonly lines: readonly string[];
  readonly values: readonly Record<string, unknown>[];
}

const NO_ENTRIES: Entries = { key: '', lines: [], values: [] };

function describe(btf: Btf, t: BtfType): Description {
  switch (t.kind) {
    case 'int':
      return plain([
        ['size', t.size],
        ['bits_offset', t.bitOffset],
        ['nr_bits', t.bits],
        ['encoding', encodingName(t)],
      ]);
    case 'ptr':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'typedef':
    case 'type_tag':
      return plain([['type_id', t.type]]);
    case 'array':
      return plain([
        ['type_id', t.type],
        ['index_type_id', t.indexType],
        ['nr_elems', t.count],
      ]);
    case 'struct':
    case 'union':
      return {
        fields: [
          ['size', t.size],
          ['vlen', t.members.length],
        ],
        entries: entries(
          'members',
          t.members.map((m) => [
            m.name,
            [
              ['type_id', m.type],
              ['bits_offset', m.bitOffset],
              ...(m.bitfieldSize > 0 ? [['bitfield_size', m.bitfieldSize] as const] : []),
            ],
          ]),
        ),
      };
    case 'enum':
    case 'enum64':
      return enumeration(t);
    case 'fwd':
      return plain([['fwd_kind', t.isUnion ? 'union' : 'struct']]);
    case 'func':
      return plain([
        ['type_id', t.type],
        ['linkage', linkageName(t.linkage)],
      ]);
    case 'func_proto':
      return {
        fields: [
          ['ret_type_id', t.ret],
          ['vlen', t.params.length],
        ],
        entries: entries(
          'params',
          t.params.map((p) => [p.name, [['type_id', p.type]]]),
        ),
      };
    case 'var':
      return plain([
        ['type_id', t.type],
        ['linkage', linkageName(t.linkage)],
      ]);
    case 'datasec':
      return datasec(btf, t);
    case 'float':
      return plain([['size', t.size]]);
    case 'decl_tag':
      return plain([
        ['type_id', t.type],
        ['component_idx', t.component],
      ]);
    case 'void':
      return plain([]);
  }
}

function plain(fields: readonly Field[]): Description {
  return { fields, entries: NO_ENTRIES };
}

/** Members and parameters: `\t'name' key=value …`. */
function entries(key: string, rows: readonly (readonly [name: string, fields: readonly Field[]])[]): Entries {
  return {
    key,
    lines: rows.map(([name, fields]) => `\t'${shown(name)}'${fields.map(([k, v]) => ` ${k}=${v}`).join('')}`),
    values: rows.map(([name, fields]) => ({ name: shown(name), ...Object.fromEntries(fields) })),
  };
}

function enumeration(t: Extract<BtfType, { kind: 'enum' | 'enum64' }>): Description {
  // the line spells a 64-bit value as a C literal
  const suffix = t.kind === 'enum' ? '' : t.signed ? 'LL' : 'ULL';
  return {
    fields: [
      ['encoding', t.signed ? 'SIGNED' : 'UNSIGNED'],
      ['size', t.size],
      ['vlen', t.values.length],
    ],
    entries: {
      key: 'values',
      lines: t.values.map((v) => `\t'${shown(v.name)}' val=${v.value}${suffix}`),
      values: t.values.map((v) => ({ name: shown(v.name), val: jsonValue(t, v.value) })),
    },
  };
}

/** bpftool's JSON widens an unsigned value from 2^31 on as if it had a sign; the line does not. */
function jsonValue(t: { kind: string; signed: boolean }, value: number | bigint): number | bigint {
  const widened = t.kind === 'enum' && !t.signed && value > 0x7fff_ffff;
  return widened ? BigInt(value) + 0xffff_ffff_0000_0000n : value;
}

function datasec(btf: Btf, t: Extract<BtfType, { kind: 'datasec' }>): Description {
  return {
    fields: [
      ['size', t.size],
      ['vlen', t.vars.length],
    ],
    entries: {
      key: 'vars',
      lines: t.vars.map((v) => {
        const of = btf.type(v.type);
        const named = of === undefined ? '' : ` (${kindLabel(of.kind)} '${shown(of.name)}')`;
        return `\ttype_id=${v.type} offset=${v.offset} size=${v.size}${named}`;
      }),
      values: t.vars.map((v) => ({ type_id: v.type, offset: v.offset, size: v.size })),
    },
  };
}

/** ` key=value` for each; a variable's line alone has a comma. */
function words(t: BtfType, fields: readonly Field[]): string {
  const all = fields.map(([key, value]) => ` ${key}=${value}`);
  return all.join(t.kind === 'var' ? ',' : '');
}

function shown(name: string): string {
  return name === '' ? '(anon)' : name;
}

function encodingName(t: Extract<BtfType, { kind: 'int' }>): string {
  if (t.signed) return t.char || t.bool ? 'UNKN' : 'SIGNED';
  if (t.char) return t.bool ? 'UNKN' : 'CHAR';
  return t.bool ? 'BOOL' : '(none)';
}

function linkageName(linkage: number): string {
  return ['static', 'global', 'extern'][linkage] ?? '(unknown)';
}
