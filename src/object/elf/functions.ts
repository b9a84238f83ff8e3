/**
 * Where functions of an executable or a shared library begin in its file: what a uprobe wants to know. Reads the symbol
 * tables (.symtab, .dynsym) of 64-bit little-endian ELF files of any machine, and nothing else of them.
 */
import { view } from '../../base/bytes.ts';
import { ElfError } from '../../base/errors.ts';
import { isElf, SHT_NOBITS, STT_FUNC } from './elf.ts';

const HEADER_SIZE = 64;
const SEGMENT_SIZE = 56;
const SECTION_SIZE = 64;
const SYMBOL_SIZE = 24;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const STT_GNU_IFUNC = 10;

export interface FileFunction {
  readonly name: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
}

interface Table {
  readonly offset: number;
  readonly size: number;
  readonly stride: number;
}

/** The functions that `wanted` accepts, each name and offset once. Throws ElfError. */
export function fileFunctions(bytes: Uint8Array, wanted: (name: string) => boolean): FileFunction[] {
  if (!isElf(bytes) || bytes.length < HEADER_SIZE) throw new ElfError('this is no executable and no library');
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new ElfError('only 64-bit little-endian files are read', 'offset 4');
  const dv = view(bytes);
  const toFile = segments(dv);
  const sections = tableAt(dv, 40, 58, 60, SECTION_SIZE, 'section');
  const found = new Map<string, FileFunction>();
  for (let at = sections.offset; at < sections.offset + sections.size; at += sections.stride) {
    const type = dv.getUint32(at + 4, true);
    if (type !== SHT_SYMTAB && type !== SHT_DYNSYM) continue;
    const symbols = contents(dv, at);
    const strings = contents(dv, sections.offset + dv.getUint32(at + 40, true) * sections.stride, sections);
    for (let symbol = symbols.offset; symbol + SYMBOL_SIZE <= symbols.offset + symbols.size; symbol += SYMBOL_SIZE) {
      const kind = dv.getUint8(symbol + 4) & 15;
      const defined = dv.getUint16(symbol + 6, true) !== 0;
      if (!defined || (kind !== STT_FUNC && kind !== STT_GNU_IFUNC)) continue;
      const name = textAt(bytes, strings, dv.getUint32(symbol, true));
      const offset = wanted(name) ? toFile(Number(dv.getBigUint64(symbol + 8, true))) : undefined;
      if (offset !== undefined) found.set(`${name}@${offset}`, { name, offset });
    }
  }
  return [...found.values()];
}

/** From an address to the place in the file that is mapped there. */
function segments(dv: DataView): (address: number) => number | undefined {
  const table = tableAt(dv, 32, 54, 56, SEGMENT_SIZE, 'segment');
  const loads: { from: number; to: number; offset: number }[] = [];
  for (let at = table.offset; at < table.offset + table.size; at += table.stride) {
    if (dv.getUint32(at, true) !== PT_LOAD) continue;
    const from = Number(dv.getBigUint64(at + 16, true));
    const size = Number(dv.getBigUint64(at + 32, true));
    loads.push({ from, to: from + size, offset: Number(dv.getBigUint64(at + 8, true)) });
  }
  return (address) => {
    const load = loads.find(({ from, to }) => address >= from && address < to);
    return load && address - load.from + load.offset;
  };
}

/** One of the two tables that the header places: where, how long an entry is, how many there are. */
function tableAt(dv: DataView, place: number, stride: number, count: number, least: number, what: string): Table {
  const offset = Number(dv.getBigUint64(place, true));
  const table = { offset, stride: dv.getUint16(stride, true), size: 0 };
  table.size = table.stride * dv.getUint16(count, true);
  if (table.size === 0) return { ...table, size: 0 };
  if (table.stride < least || offset + table.size > dv.byteLength) {
    throw new ElfError(`the ${what} table lies outside of the file`, `offset ${place}`);
  }
  return table;
}

/** What the section header at `at` says of the section's bytes; `table`: where headers have to lie. */
function contents(dv: DataView, at: number, table?: Table): Table {
  if (table && at + SECTION_SIZE > table.offset + table.size) {
    throw new ElfError("the symbol table's strings are in a section that is not there", `offset ${at}`);
  }
  const offset = Number(dv.getBigUint64(at + 24, true));
  const size = Number(dv.getBigUint64(at + 32, true));
  const absent = dv.getUint32(at + 4, true) === SHT_NOBITS;
  if (!absent && offset + size > dv.byteLength) {
    throw new ElfError('a section of symbols ends past the end of the file', `offset ${at}`);
  }
  return { offset, size: absent ? 0 : size, stride: SYMBOL_SIZE };
}

function textAt(bytes: Uint8Array, strings: Table, start: number): string {
  const from = strings.offset + Math.min(start, strings.size);
  const end = bytes.indexOf(0, from);
  const to = Math.min(end < 0 ? bytes.length : end, strings.offset + strings.size);
  return latin1.decode(bytes.subarray(from, Math.max(from, to)));
}

const latin1 = new TextDecoder('latin1');
