/**
 * Initial contents of prog arrays and maps of maps: `.values = { [1] = &inner }` leaves a relocation at each slot.
 */
import { ElfError } from '../base/errors.ts';
import { STT_SECTION } from './elf/elf.ts';
import type { FunctionTable } from './functions.ts';
import type { DefinitionTable } from './map-defs.ts';
import { place, type Source } from './source.ts';
import type { MapSpec } from './spec.ts';

const POINTER_SIZE = 8;

/** The maps, with `slots` where definitions have initial values. */
export function fillSlots(
  source: Source,
  definitions: DefinitionTable,
  maps: readonly MapSpec[],
  functions: FunctionTable,
): MapSpec[] {
  const slots = new Map<MapSpec, Map<number, string>>();
  const section = source.elf.section('.maps');
  for (const { offset, symbol } of section ? source.elf.relocations(section) : []) {
    const owner = definitions.around(offset);
    if (owner === undefined || owner.valuesOffset < 0 || offset < owner.offset + owner.valuesOffset) {
      throw new ElfError(
        `a relocation to '${symbol.name}' lies outside the initial values of a map`,
        place(section!, offset),
      );
    }
    const index = (offset - owner.offset - owner.valuesOffset) / POINTER_SIZE;
    const target =
      symbol.type === STT_SECTION
        ? functions.at(symbol.section, symbol.value / POINTER_SIZE)?.name
        : (definitions.at(symbol.section, symbol.value)?.spec.name ?? functions.named(symbol.name)?.name);
    if (target === undefined || !Number.isInteger(index)) {
      throw new ElfError(
        `slot ${index} of map '${owner.spec.name}' holds '${symbol.name}', which is no map or program`,
        place(section!, offset),
      );
    }
    const own = slots.get(owner.spec) ?? new Map<number, string>();
    slots.set(owner.spec, own.set(index, target));
  }
  return maps.map((m) => (slots.has(m) ? { ...m, slots: slots.get(m)! } : m));
}
