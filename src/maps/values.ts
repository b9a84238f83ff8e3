/**
 * Copies of values. A value may hold fields that are the kernel's own (spin locks, timers, kptrs): a copy into a map
 * leaves them as they are, and user space reads zeros in their place.
 */
import type { Addr, Memory } from '../base/memory.ts';
import type { MapDef } from './map.ts';

/** Copies the value at `from` to the map's value at `to`. */
export function copyValue(mem: Memory, def: MapDef, to: Addr, from: Addr): void {
  let at = 0;
  for (const field of def.special ?? []) {
    mem.copy(to + at, from + at, field.offset - at);
    at = field.offset + field.size;
  }
  mem.copy(to + at, from + at, def.valueSize - at);
}

/** Writes the bytes of a value that user space gave to the map's value at `to`. */
export function writeValue(mem: Memory, def: MapDef, to: Addr, value: Uint8Array): void {
  let at = 0;
  for (const field of def.special ?? []) {
    mem.write(to + at, value.subarray(at, field.offset));
    at = field.offset + field.size;
  }
  mem.write(to + at, value.subarray(at, def.valueSize));
}

/** The bytes of the value at `from` as user space may see them. */
export function readValue(mem: Memory, def: MapDef, from: Addr): Uint8Array {
  const value = mem.read(from, def.valueSize);
  for (const field of def.special ?? []) value.fill(0, field.offset, field.offset + field.size);
  return value;
}
