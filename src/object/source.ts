/**
 * An object file taken apart, before anything is linked: what every step below works from.
 */
import { type Btf, type BtfExt, parseBtf, parseBtfExt } from '../btf/index.ts';
import { type Elf, type ElfRelocation, type ElfSection, parseElf, SHT_NOBITS, SHT_PROGBITS } from './elf/elf.ts';

export interface Source {
  /** Name of the object, for names of data maps; '' if the caller gave none. */
  readonly name: string;
  readonly elf: Elf;
  readonly btf: Btf | undefined;
  readonly ext: BtfExt | undefined;
}

/** Reads the ELF file and its BTF. Throws ElfError or BtfError. */
export function openSource(bytes: Uint8Array, name: string): Source {
  const elf = parseElf(bytes);
  const types = elf.section('.BTF');
  const ext = elf.section('.BTF.ext');
  const btf = types?.type === SHT_PROGBITS ? parseBtf(types.data) : undefined;
  return { name, elf, btf, ext: btf && ext?.type === SHT_PROGBITS ? parseBtfExt(ext.data, btf) : undefined };
}

/** Where something in a section is, for errors. */
export function place(section: ElfSection, offset: number): string {
  return `section ${section.name}, offset 0x${offset.toString(16)}`;
}

/** What a data section becomes. */
export type DataKind = 'rodata' | 'data' | 'bss';

/** `.data`, `.rodata.str1.1`, `.bss.x`…: sections that become maps; undefined for all others. */
export function dataKind(section: ElfSection): DataKind | undefined {
  const { name } = section;
  if (section.type === SHT_NOBITS) return name === '.bss' || name.startsWith('.bss.') ? 'bss' : undefined;
  if (section.type !== SHT_PROGBITS) return undefined;
  if (name === '.data' || name.startsWith('.data.')) return 'data';
  if (name === '.rodata' || name.startsWith('.rodata.')) return 'rodata';
  return undefined;
}

/** Relocations of a section by the offset they apply to. */
export function relocationsByOffset(elf: Elf, section: ElfSection): Map<number, ElfRelocation> {
  return new Map(elf.relocations(section).map((r) => [r.offset, r]));
}
