/**
 * `.rodata`, `.data`, `.bss` and their relatives as maps: an array with one element, named as libbpf names it.
 */
import type { Btf } from '../btf/index.ts';
import { BPF_MAP_TYPE_ARRAY } from '../uapi/generated/constants.ts';
import type { ElfSection } from './elf/elf.ts';
import { dataKind, type Source } from './source.ts';
import type { MapSpec } from './spec.ts';

/** BPF_F_RDONLY_PROG: programs only read it. */
const RDONLY_PROG = 1 << 7;
/** BPF_F_MMAPABLE */
const MMAPABLE = 1 << 10;

/** Longest name of a kernel object, with its zero. */
const OBJ_NAME_LEN = 16;
/** Bytes that libbpf leaves for the section's part of the name, at least. */
const MIN_SUFFIX = 7;

/** Data sections of the object with the map that each becomes. */
export function dataMaps(source: Source): Map<ElfSection, MapSpec> {
  const maps = new Map<ElfSection, MapSpec>();
  for (const section of source.elf.sections) {
    const kind = dataKind(section);
    if (kind === undefined || section.size === 0) continue;
    const data = kind === 'bss' ? new Uint8Array(section.size) : section.data.slice();
    maps.set(section, dataMap(source, section.name, data, kind === 'rodata'));
  }
  return maps;
}

/** One data map. `readOnly` for programs and, once filled, for everybody. */
export function dataMap(source: Source, sectionName: string, data: Uint8Array, readOnly: boolean): MapSpec {
  const typeId = source.btf?.find(sectionName, 'datasec') ?? 0;
  return {
    name: dataMapName(source.name, sectionName),
    type: BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: data.length,
    maxEntries: 1,
    flags: (readOnly ? RDONLY_PROG : 0) | (hasGlobalVariable(source.btf, typeId) ? MMAPABLE : 0),
    extra: 0n,
    pinByName: false,
    numaNode: 0,
    keyTypeId: 0,
    valueTypeId: typeId,
    data,
    freeze: readOnly,
    isData: true,
  };
}

/** `p_globals` and `.rodata` give `p_global.rodata`; a section with a second dot keeps its own name. */
function dataMapName(objectName: string, sectionName: string): string {
  const full = sectionName.indexOf('.', 1) >= 0;
  const room = Math.max(0, OBJ_NAME_LEN - 1 - Math.max(MIN_SUFFIX, sectionName.length));
  const name = full ? sectionName : (objectName.slice(0, room) + sectionName).slice(0, OBJ_NAME_LEN - 1);
  return name.replaceAll(/[^A-Za-z0-9_.]/g, '_');
}

/** User space can map the values of a section that has variables it may know of. */
function hasGlobalVariable(btf: Btf | undefined, datasecId: number): boolean {
  const section = btf?.type(datasecId);
  if (btf === undefined || section?.kind !== 'datasec') return false;
  return section.vars.some((v) => {
    const t = btf.type(v.type);
    return t?.kind === 'var' && t.linkage !== 0;
  });
}
