/** Where functions of an executable or a shared library begin in its file: what a uprobe wants to know. */
import { ElfError } from '../../base/errors.ts';
import { STT_FUNC } from './elf.ts';
import type { Executable } from './executable.ts';

const SYMBOL_SIZE = 24;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const STT_GNU_IFUNC = 10;

export interface FileFunction {
  readonly name: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
}

/** The functions that `wanted` accepts, each name and offset once, by its symbol tables. Throws ElfError. */
export function fileFunctions(file: Executable, wanted: (name: string) => boolean): FileFunction[] {
  const { dv, sections } = file;
  const found = new Map<string, FileFunction>();
  for (const table of sections) {
    if (table.type !== SHT_SYMTAB && table.type !== SHT_DYNSYM) continue;
    const strings = sections[table.link];
    if (!strings) throw new ElfError("the symbol table's strings are in a section that is not there");
    for (let symbol = table.offset; symbol + SYMBOL_SIZE <= table.offset + table.size; symbol += SYMBOL_SIZE) {
      const kind = dv.getUint8(symbol + 4) & 15;
      const defined = dv.getUint16(symbol + 6, true) !== 0;
      if (!defined || (kind !== STT_FUNC && kind !== STT_GNU_IFUNC)) continue;
      const name = file.text(strings, dv.getUint32(symbol, true));
      const offset = wanted(name) ? file.toFile(Number(dv.getBigUint64(symbol + 8, true))) : undefined;
      if (offset !== undefined) found.set(`${name}@${offset}`, { name, offset });
    }
  }
  return [...found.values()];
}
