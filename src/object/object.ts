/**
 * From an object file to what it asks for: `parseObject`. The steps, in order: read ELF and BTF; find functions and
 * externs; fill in BTF; read map definitions and data sections; link each program.
 */
import { cString, view } from '../base/bytes.ts';
import { ElfError } from '../base/errors.ts';
import type { Btf } from '../btf/index.ts';
import { dataMap, dataMaps } from './data-maps.ts';
import { findExterns, writeKconfig } from './externs.ts';
import { finishBtf } from './finish-btf.ts';
import { type FunctionTable, findFunctions, type ObjectFunction } from './functions.ts';
import { Linker } from './link.ts';
import { btfMaps, DefinitionTable, legacyMaps, type MapDefinition } from './map-defs.ts';
import { sectionMeaning } from './sections.ts';
import { fillSlots } from './slots.ts';
import { openSource, type Source } from './source.ts';
import type { CollectionSpec, KconfigExtern, MapSpec, ProgramSpec } from './spec.ts';
import { structOpsMaps } from './struct-ops.ts';

export interface ObjectOptions {
  /**
   * Name of the object, from which data maps get theirs: the file's name up to its first dot, as libbpf takes it.
   * `p_globals.bpf.o` and `p_globals` are the same.
   */
  readonly name?: string;
  /**
   * Values of externs of `.kconfig`, spelled as in .config: `CONFIG_HZ` -> `250`, `LINUX_KERNEL_VERSION` -> `398848`.
   * Where given, every extern that is not weak must be in it; without it, all stay zero: good for looking, not for loading.
   */
  readonly kconfig?: ReadonlyMap<string, string>;
}

/** Reads a BPF object file. Throws ElfError or BtfError, with the place, for what it cannot make sense of. */
export function parseObject(bytes: Uint8Array, options: ObjectOptions = {}): CollectionSpec {
  const source = openSource(bytes, objectName(options.name ?? ''));
  const functions = findFunctions(source.elf);
  const externs = findExterns(source);
  const btf = source.btf && finishBtf(source, source.btf, externs, functions);

  const definitions = new DefinitionTable([
    ...(btf ? btfMaps(source, btf) : refuseUntypedMaps(source)),
    ...legacyMaps(source.elf),
  ]);
  const sections = dataMaps(source);
  const kconfig = [...externs.values()].filter((e) => e.kind === 'kconfig');
  const kconfigMap = kconfig.length > 0 ? configMap(source, kconfig, options.kconfig) : undefined;
  const structOps = btf ? structOpsMaps(source, btf, functions) : [];
  const maps = [
    ...definitions.all.map((d) => d.spec),
    ...sections.values(),
    ...(kconfigMap ? [kconfigMap] : []),
    ...structOps,
  ];

  const linker = new Linker({
    source,
    functions,
    definitions,
    dataMaps: sections,
    externs,
    kconfigMap: kconfigMap?.name ?? '',
  });
  const callbacks = btf ? exceptionCallbacks(btf, functions) : new Map<string, ObjectFunction[]>();
  const programs = functions.all
    .filter((f) => f.isProgram)
    .map((f) => programSpec(f, linker, callbacks.get(f.name) ?? []));
  return {
    programs: byName(programs, 'program'),
    maps: byName(fillSlots(source, definitions, maps, functions), 'map'),
    btf,
    btfBytes: btf?.bytes,
    license: textOf(source, 'license'),
    kernelVersion: versionOf(source),
    kconfig,
  };
}

function objectName(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const dot = base.indexOf('.');
  return dot < 0 ? base : base.slice(0, dot);
}

function programSpec(f: ObjectFunction, linker: Linker, callbacks: readonly ObjectFunction[]): ProgramSpec {
  const section = f.section.name;
  const { type, attachType, flags, attachTo, optional } = sectionMeaning(section);
  return { name: f.name, section, type, attachType, flags, attachTo, optional, ...linker.link(f, callbacks) };
}

/** Program -> functions that its `__exception_cb(name)` names: called by the kernel, not by the program. */
function exceptionCallbacks(btf: Btf, functions: FunctionTable): Map<string, ObjectFunction[]> {
  const found = new Map<string, ObjectFunction[]>();
  const prefix = 'exception_callback:';
  for (let id = 1; id < btf.count; id++) {
    const tag = btf.type(id)!;
    if (tag.kind !== 'decl_tag' || !tag.name.startsWith(prefix)) continue;
    const program = btf.type(tag.type)?.name ?? '';
    const callback = functions.named(tag.name.slice(prefix.length));
    if (callback === undefined)
      throw new ElfError(`program '${program}' has a tag '${tag.name}', which names no function`);
    found.set(program, [...(found.get(program) ?? []), callback]);
  }
  return found;
}

/**
 * What bpf_tracing.h and usdt.bpf.h ask for beside CONFIG options: true of every Linux since 5.15 on x86-64 and arm64.
 */
const ALWAYS: ReadonlyMap<string, string> = new Map([
  ['LINUX_HAS_BPF_COOKIE', 'y'],
  ['LINUX_HAS_SYSCALL_WRAPPER', 'y'],
]);

/** The map of configuration values, with what the caller knows written in. */
function configMap(
  source: Source,
  externs: readonly KconfigExtern[],
  values: ReadonlyMap<string, string> | undefined,
): MapSpec {
  const size = Math.max(...externs.map((e) => e.offset + e.size));
  const map = dataMap(source, '.kconfig', new Uint8Array(size), true);
  for (const e of externs) {
    const text = values?.get(e.name) ?? ALWAYS.get(e.name);
    if (text === undefined) {
      if (values === undefined || e.weak) continue;
      throw new ElfError(`the object needs the value of '${e.name}', which is not known`, 'section .kconfig');
    }
    if (!writeKconfig(map.data!, e, text)) {
      throw new ElfError(
        `'${e.name}' is ${text}, which does not fit its declaration (${e.shape}, ${e.size} bytes)`,
        'section .kconfig',
      );
    }
  }
  return map;
}

function refuseUntypedMaps(source: Source): MapDefinition[] {
  if (source.elf.section('.maps') !== undefined) {
    throw new ElfError(
      "the maps of section '.maps' are defined by BTF, and the object has none: compile it with -g",
      'section .maps',
    );
  }
  return [];
}

function textOf(source: Source, section: string): string {
  const found = source.elf.section(section);
  return found === undefined ? '' : cString(found.data);
}

function versionOf(source: Source): number {
  const section = source.elf.section('version');
  if (section === undefined) return 0;
  if (section.data.length !== 4) throw new ElfError('the version has 4 bytes', 'section version, offset 0x0');
  return view(section.data).getUint32(0, true);
}

function byName<T extends { readonly name: string }>(all: readonly T[], what: string): Map<string, T> {
  const found = new Map<string, T>();
  for (const x of all) {
    if (found.has(x.name)) throw new ElfError(`the object has two ${what}s named '${x.name}'`);
    found.set(x.name, x);
  }
  return found;
}
