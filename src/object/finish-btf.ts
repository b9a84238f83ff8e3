/**
 * What the compiler leaves open in an object's BTF and the kernel wants filled in: sizes of data sections, offsets of
 * variables, and externs that look like ordinary variables. Ids and string offsets stay as they are.
 */
import { type Btf, BtfBuilder, type BtfType, parseBtf } from '../btf/index.ts';
import { type ElfSymbol, STB_LOCAL } from './elf/elf.ts';
import type { Extern } from './externs.ts';
import type { FunctionTable } from './functions.ts';
import { groupBy } from './lookup.ts';
import type { Source } from './source.ts';

type Datasec = Extract<BtfType, { kind: 'datasec' }>;
type Var = Datasec['vars'][number];

const VAR_STATIC = 0;
const GLOBAL = 1;
const FUNC_STATIC = 0;

/** The BTF that BTF_LOAD takes for this object. */
export function finishBtf(
  source: Source,
  btf: Btf,
  externs: ReadonlyMap<string, Extern>,
  functions: FunctionTable,
): Btf {
  const builder = BtfBuilder.from(btf);
  const globals = groupBy(
    source.elf.symbols.filter((s) => s.bind !== STB_LOCAL && s.name !== ''),
    (s) => s.section,
  );
  for (let id = 1; id < btf.count; id++) {
    const t = btf.type(id)!;
    if (t.kind !== 'datasec') continue;
    if (t.name === '.ksyms') builder.replace(id, ksymsSection(builder, btf, t));
    else if (t.name === '.kconfig') builder.replace(id, kconfigSection(builder, btf, t, externs));
    else builder.replace(id, dataSection(source, btf, t, globals));
  }
  for (const f of functions.all) {
    const id = f.hidden ? btf.find(f.name, 'func') : 0;
    const t = btf.type(id);
    if (t?.kind === 'func') builder.replace(id, { ...t, linkage: FUNC_STATIC });
  }
  return parseBtf(builder.build());
}

/** Size from the ELF section, offsets of global variables from their symbols; static ones have theirs already. */
function dataSection(
  source: Source,
  btf: Btf,
  t: Datasec,
  globals: ReadonlyMap<number, readonly ElfSymbol[]>,
): Datasec {
  const section = source.elf.section(t.name);
  if (section === undefined || t.size !== 0) return t;
  const offsets = new Map((globals.get(section.index) ?? []).map((s) => [s.name, s.value]));
  const vars = t.vars.map((v): Var => {
    const variable = btf.type(v.type);
    if (variable?.kind !== 'var' || variable.linkage === VAR_STATIC) return v;
    return { ...v, offset: offsets.get(variable.name) ?? v.offset };
  });
  vars.sort((a, b) => a.offset - b.offset);
  return { ...t, size: section.size, vars };
}

/**
 * Extern functions become global ones with a name for every parameter, and a variable that nobody uses stands for
 * each: the kernel takes only variables in a data section.
 */
function ksymsSection(builder: BtfBuilder, btf: Btf, t: Datasec): Datasec {
  const int = btf.find('int', 'int') || builder.int('int', 4, 'signed');
  let standIn = 0;
  const vars = t.vars.map((v, i): Var => {
    const place = { offset: i * 4, size: 4 };
    const symbol = btf.type(v.type);
    if (symbol?.kind === 'var') {
      builder.replace(v.type, { ...symbol, linkage: GLOBAL, type: int });
      return { type: v.type, ...place };
    }
    if (symbol?.kind !== 'func') return { ...v, ...place };
    builder.replace(v.type, { ...symbol, linkage: GLOBAL });
    const proto = btf.type(symbol.type);
    if (proto?.kind === 'func_proto') {
      const params = proto.params.map((p) => (p.name === '' && p.type !== 0 ? { ...p, name: 'dummy_ksym' } : p));
      builder.replace(symbol.type, { ...proto, params });
    }
    standIn ||= builder.add({ kind: 'var', name: 'dummy_ksym', type: int, linkage: GLOBAL });
    return { type: standIn, ...place };
  });
  return { ...t, size: vars.length * 4, vars };
}

/** Externs get the place that they have in the map of configuration values. */
function kconfigSection(builder: BtfBuilder, btf: Btf, t: Datasec, externs: ReadonlyMap<string, Extern>): Datasec {
  const vars: Var[] = [];
  let size = 0;
  for (const v of t.vars) {
    const variable = btf.type(v.type);
    const extern = variable?.kind === 'var' ? externs.get(variable.name) : undefined;
    if (variable?.kind !== 'var' || extern?.kind !== 'kconfig') continue;
    builder.replace(v.type, { ...variable, linkage: GLOBAL });
    vars.push({ type: v.type, offset: extern.offset, size: extern.size });
    size = Math.max(size, extern.offset + extern.size);
  }
  vars.sort((a, b) => a.offset - b.offset);
  return { ...t, size, vars };
}
