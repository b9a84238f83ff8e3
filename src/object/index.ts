export { relocateCore } from '../btf/index.ts';
export { type Elf, type ElfRelocation, type ElfSection, type ElfSymbol, isElf, parseElf } from './elf/elf.ts';
export { type FileFunction, fileFunctions } from './elf/functions.ts';
export { writeKconfig } from './externs.ts';
export { type ObjectOptions, parseObject } from './object.ts';
export { withPrologue } from './prologue.ts';
export { type SectionMeaning, sectionMeaning } from './sections.ts';
export * from './spec.ts';
