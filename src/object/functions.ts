/**
 * The functions of an object: every STT_FUNC symbol of an executable section. Those in `.text`, and static ones
 * anywhere, are subprograms; the others are programs of their section.
 */
import { ElfError } from '../base/errors.ts';
import { type Elf, type ElfSection, SHF_EXECINSTR, SHT_PROGBITS, STB_LOCAL, STT_FUNC } from './elf/elf.ts';
import { place } from './source.ts';

export interface ObjectFunction {
  readonly name: string;
  readonly section: ElfSection;
  /** First slot in the section, and slots. */
  readonly start: number;
  readonly count: number;
  /** Whether it is loaded on its own. */
  readonly isProgram: boolean;
  /** Whether its symbol is hidden, so that the kernel is to see it as static. */
  readonly hidden: boolean;
}

export class FunctionTable {
  readonly all: readonly ObjectFunction[];
  readonly #sections: ReadonlySet<number>;
  readonly #byPlace = new Map<string, ObjectFunction>();
  readonly #byName = new Map<string, ObjectFunction>();

  constructor(all: readonly ObjectFunction[]) {
    this.all = all;
    this.#sections = new Set(all.map((f) => f.section.index));
    for (const f of all) {
      const key = `${f.section.index}:${f.start}`;
      if (!this.#byPlace.has(key)) this.#byPlace.set(key, f);
      if (!this.#byName.has(f.name)) this.#byName.set(f.name, f);
    }
  }

  /** The function that begins at a slot of a section. */
  at(section: number, slot: number): ObjectFunction | undefined {
    return this.#byPlace.get(`${section}:${slot}`);
  }

  /** Whether a section holds functions. */
  isCode(section: number): boolean {
    return this.#sections.has(section);
  }

  named(name: string): ObjectFunction | undefined {
    return this.#byName.get(name);
  }
}

/** Functions by section and position. Throws ElfError where a symbol does not fit its section. */
export function findFunctions(elf: Elf): FunctionTable {
  const found: ObjectFunction[] = [];
  for (const symbol of elf.symbols) {
    if (symbol.type !== STT_FUNC) continue;
    const section = elf.sections[symbol.section];
    if (section === undefined || !isCode(section)) continue;
    const { value, size } = symbol;
    if (value % 8 !== 0 || size % 8 !== 0 || size === 0 || value + size > section.size) {
      throw new ElfError(
        `function '${symbol.name}' cannot be ${size} bytes at ${value}: the section has ${section.size} bytes`,
        place(section, value),
      );
    }
    found.push({
      name: symbol.name,
      section,
      start: value / 8,
      count: size / 8,
      isProgram: section.name !== '.text' && symbol.bind !== STB_LOCAL,
      hidden: symbol.hidden && symbol.bind !== STB_LOCAL,
    });
  }
  found.sort((a, b) => a.section.index - b.section.index || a.start - b.start);
  return new FunctionTable(found);
}

function isCode(section: ElfSection): boolean {
  return section.type === SHT_PROGBITS && (section.flags & SHF_EXECINSTR) !== 0 && section.size > 0;
}
