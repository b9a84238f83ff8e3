/**
 * `.struct_ops` sections: each variable is a kernel structure of functions (a TCP congestion control, a scheduler),
 * which becomes a map of type STRUCT_OPS. Which member is which program comes from relocations.
 */
import { ElfError } from '../base/errors.ts';
import { type Btf, resolve, sizeOf } from '../btf/index.ts';
import { BPF_MAP_TYPE_STRUCT_OPS } from '../uapi/generated/constants.ts';
import { type ElfSection, SHT_PROGBITS, STT_SECTION } from './elf/elf.ts';
import type { FunctionTable } from './functions.ts';
import { firstAtOrAfter } from './lookup.ts';
import { place, type Source } from './source.ts';
import type { MapSpec, StructOps } from './spec.ts';

/** Section name -> whether it is attached by a link, and whether it is only loaded when asked for. */
const SECTIONS: Record<string, { link: boolean; optional: boolean }> = {
  '.struct_ops': { link: false, optional: false },
  '.struct_ops.link': { link: true, optional: false },
  '?.struct_ops': { link: false, optional: true },
  '?.struct_ops.link': { link: true, optional: true },
};

/** BPF_F_LINK: the map is attached by LINK_CREATE. */
const F_LINK = 1 << 13;

/** The struct_ops maps of an object. Key and value as the kernel wants them depend on its BTF: the loader's part. */
export function structOpsMaps(source: Source, btf: Btf, functions: FunctionTable): MapSpec[] {
  return source.elf.sections.flatMap((section) => {
    const row = section.type === SHT_PROGBITS ? SECTIONS[section.name] : undefined;
    return row === undefined ? [] : mapsOf(source, btf, functions, section, row);
  });
}

function mapsOf(
  source: Source,
  btf: Btf,
  functions: FunctionTable,
  section: ElfSection,
  row: { link: boolean; optional: boolean },
): MapSpec[] {
  const datasec = btf.type(btf.find(section.name, 'datasec'));
  if (datasec?.kind !== 'datasec') throw new ElfError("the object's BTF does not describe it", place(section, 0));
  const relocations = source.elf.relocations(section).toSorted((a, b) => a.offset - b.offset);
  return datasec.vars.map((v) => {
    const variable = btf.type(v.type);
    const type = variable?.kind === 'var' ? resolve(btf, variable.type) : undefined;
    if (variable?.kind !== 'var' || type?.kind !== 'struct') {
      throw new ElfError('it holds something that is no struct', place(section, v.offset));
    }
    const size = sizeOf(btf, variable.type);
    if (v.offset + size > section.data.length) {
      throw new ElfError(`'${variable.name}' ends past its section`, place(section, v.offset));
    }
    const members = new Map<string, string>();
    const first = firstAtOrAfter(relocations, v.offset);
    for (const { offset, symbol } of relocations.slice(first, firstAtOrAfter(relocations, v.offset + size))) {
      const member = type.members.find((m) => m.bitOffset === (offset - v.offset) * 8);
      const program =
        symbol.type === STT_SECTION ? functions.at(symbol.section, symbol.value / 8) : functions.named(symbol.name);
      if (member === undefined || program === undefined) {
        throw new ElfError(
          `'${variable.name}' refers to '${symbol.name}', which is no program`,
          place(section, offset),
        );
      }
      members.set(member.name, program.name);
    }
    const structOps: StructOps = { typeName: type.name, typeId: btf.find(type.name, 'struct'), members, ...row };
    return {
      name: variable.name,
      type: BPF_MAP_TYPE_STRUCT_OPS,
      keySize: 4,
      valueSize: size,
      maxEntries: 1,
      flags: row.link ? F_LINK : 0,
      extra: 0n,
      pinByName: false,
      numaNode: 0,
      keyTypeId: 0,
      valueTypeId: 0,
      data: section.data.slice(v.offset, v.offset + size),
      isData: false,
      structOps,
    };
  });
}
