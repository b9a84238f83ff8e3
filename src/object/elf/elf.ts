/**
 * ELF64 little-endian, as far as BPF objects use it: sections, symbols, relocations. Every offset and count is
 * checked before it is followed; what is wrong is an ElfError that names the section and the offset in the file.
 *
 * Format: elf(5). What a relocation is of follows from the instruction it lies on, so its type is not looked at.
 */
import { cString, view } from '../../base/bytes.ts';
import { ElfError } from '../../base/errors.ts';
import { groupBy } from '../lookup.ts';

export const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_REL = 9;
const SHT_RELA = 4;
export const SHT_NOBITS = 8;

export const SHF_EXECINSTR = 4;

export const SHN_UNDEF = 0;

export const STB_LOCAL = 0;
export const STB_WEAK = 2;

export const STT_NOTYPE = 0;
export const STT_FUNC = 2;
export const STT_SECTION = 3;

const ET_REL = 1;
const EM_BPF = 247;
const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const REL_SIZE = 16;
const RELA_SIZE = 24;

/** Largest .bss that is taken: the bytes are not in the file, so the file's size does not bound them. */
const MAX_NOBITS = 1 << 28;

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Of the contents in the file. */
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  /** The contents, a view of the file; empty for SHT_NOBITS. */
  readonly data: Uint8Array;
}

export interface ElfSymbol {
  readonly index: number;
  /** A section symbol has the section's name. */
  readonly name: string;
  readonly bind: number;
  readonly type: number;
  /** Section index, SHN_UNDEF, or a reserved number. */
  readonly section: number;
  readonly value: number;
  readonly size: number;
  /** Whether the linker is to treat it as local to this object. */
  readonly hidden: boolean;
}

export interface ElfRelocation {
  /** Byte offset in the section that it applies to. */
  readonly offset: number;
  readonly symbol: ElfSymbol;
  readonly type: number;
}

export interface Elf {
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** The first section of a name. */
  section(name: string): ElfSection | undefined;
  /** Relocations that apply to a section, in the order of the file. */
  relocations(section: ElfSection): readonly ElfRelocation[];
}

/** Whether `bytes` begin like any ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Reads a relocatable BPF object. Throws ElfError for what is not one. */
export function parseElf(bytes: Uint8Array): Elf {
  checkHeader(bytes);
  const sections = readSections(bytes);
  const symbols = readSymbols(sections);
  // from the last to the first, so that the first of a name stays
  const byName = new Map(sections.toReversed().map((s) => [s.name, s]));
  const relocating = groupBy(
    sections.filter((s) => s.type === SHT_REL || s.type === SHT_RELA),
    (s) => s.info,
  );
  return {
    sections,
    symbols,
    section: (name) => byName.get(name),
    relocations: (section) => (relocating.get(section.index) ?? []).flatMap((s) => readRelocations(s, symbols)),
  };
}

function checkHeader(bytes: Uint8Array): void {
  const dv = view(bytes);
  if (!isElf(bytes)) fail('this is not an ELF file', 0);
  if (bytes.length < HEADER_SIZE)
    fail(`the file ends inside the ELF header: ${bytes.length} of ${HEADER_SIZE} bytes`, 0);
  if (dv.getUint8(4) !== 2) fail('this is a 32-bit ELF file; BPF objects are 64-bit', 4);
  if (dv.getUint8(5) === 2) fail('this is a big-endian object; compile it with -target bpfel', 5);
  if (dv.getUint8(5) !== 1) fail(`the byte order ${dv.getUint8(5)} is not known`, 5);
  const machine = dv.getUint16(18, true);
  if (machine !== EM_BPF && machine !== 0) {
    fail(`this object is for machine ${machine}, not for BPF (${EM_BPF}); compile it with clang -target bpf`, 18);
  }
  const type = dv.getUint16(16, true);
  if (type !== ET_REL) fail(`this ELF file is of type ${type}; a BPF object is relocatable (${ET_REL})`, 16);
}

function readSections(bytes: Uint8Array): ElfSection[] {
  const dv = view(bytes);
  const table = Number(dv.getBigUint64(40, true));
  const entrySize = dv.getUint16(58, true);
  let count = dv.getUint16(60, true);
  let names = dv.getUint16(62, true);
  if (table === 0) fail('the file has no section table', 40);
  if (entrySize !== SECTION_HEADER_SIZE)
    fail(`section headers have ${entrySize} bytes, not ${SECTION_HEADER_SIZE}`, 58);
  if (table + entrySize > bytes.length)
    fail(`the section table lies at ${table}, past the end (${bytes.length} bytes)`, 40);
  // with 65,280 sections or more, the numbers are in the header of section 0
  if (count === 0) count = Number(dv.getBigUint64(table + 32, true));
  if (names === 0xffff) names = dv.getUint32(table + 40, true);
  if (count > (bytes.length - table) / entrySize) {
    fail(`the section table has ${count} entries, more than the file holds`, table);
  }
  const raw = Array.from({ length: count }, (_, index) => readSection(bytes, dv, index, table + index * entrySize));
  const strings = raw[names];
  if (strings === undefined) fail(`section ${names}, which should hold the names of sections, does not exist`, 62);
  return raw.map(({ nameOff, ...section }) => ({ ...section, name: stringAt(strings.data, nameOff) }));
}

type RawSection = Omit<ElfSection, 'name'> & { readonly nameOff: number };

function readSection(bytes: Uint8Array, dv: DataView, index: number, at: number): RawSection {
  const type = dv.getUint32(at + 4, true);
  const offset = Number(dv.getBigUint64(at + 24, true));
  const size = Number(dv.getBigUint64(at + 32, true));
  const inFile = type !== SHT_NOBITS && index !== 0;
  if (inFile && offset + size > bytes.length) {
    fail(`section ${index} ends at ${offset + size}, past the end of the file (${bytes.length} bytes)`, at);
  }
  if (type === SHT_NOBITS && size > MAX_NOBITS) fail(`section ${index} wants ${size} bytes of zeroes, too many`, at);
  return {
    index,
    nameOff: dv.getUint32(at, true),
    type,
    flags: Number(dv.getBigUint64(at + 8, true) & 0xffff_ffffn),
    offset,
    size,
    link: dv.getUint32(at + 40, true),
    info: dv.getUint32(at + 44, true),
    data: inFile ? bytes.subarray(offset, offset + size) : new Uint8Array(0),
  };
}

function readSymbols(sections: readonly ElfSection[]): ElfSymbol[] {
  const table = sections.find((s) => s.type === SHT_SYMTAB);
  if (table === undefined) return [];
  const strings = sections[table.link];
  if (strings === undefined) fail(`the symbol table's strings would be section ${table.link}`, table.offset);
  if (table.size % SYMBOL_SIZE !== 0) fail(`the symbol table has ${table.size} bytes, no multiple of 24`, table.offset);
  const dv = view(table.data);
  return Array.from({ length: table.size / SYMBOL_SIZE }, (_, index) => {
    const at = index * SYMBOL_SIZE;
    const info = dv.getUint8(at + 4);
    const type = info & 15;
    const section = dv.getUint16(at + 6, true);
    const visibility = dv.getUint8(at + 5) & 3;
    const named = stringAt(strings.data, dv.getUint32(at, true));
    return {
      index,
      name: named === '' && type === STT_SECTION ? (sections[section]?.name ?? '') : named,
      bind: info >> 4,
      type,
      section,
      value: Number(dv.getBigUint64(at + 8, true)),
      size: Number(dv.getBigUint64(at + 16, true)),
      hidden: visibility === 1 || visibility === 2,
    };
  });
}

function readRelocations(section: ElfSection, symbols: readonly ElfSymbol[]): ElfRelocation[] {
  const size = section.type === SHT_REL ? REL_SIZE : RELA_SIZE;
  if (section.size % size !== 0) fail(`section ${section.name} is no whole number of relocations`, section.offset);
  const dv = view(section.data);
  return Array.from({ length: section.size / size }, (_, i) => {
    const at = i * size;
    const index = dv.getUint32(at + 12, true);
    const symbol = symbols[index];
    if (symbol === undefined) {
      throw new ElfError(
        `relocation ${i} refers to symbol ${index} of ${symbols.length}`,
        `section ${section.name}, offset ${at}`,
      );
    }
    return { offset: Number(dv.getBigUint64(at, true)), symbol, type: dv.getUint32(at + 8, true) };
  });
}

/** Longest name that is read: hostile tables could name the same megabyte many times. */
const MAX_NAME_SIZE = 4096;

function stringAt(table: Uint8Array, off: number): string {
  return off < table.length ? cString(table, off, Math.min(table.length, off + MAX_NAME_SIZE)) : '';
}

function fail(what: string, offset: number): never {
  throw new ElfError(what, `ELF file, offset ${offset}`);
}
