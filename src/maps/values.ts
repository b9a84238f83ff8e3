/**
 * Copies of values. A value may hold fields that are the kernel's own (spin locks, timers, kptrs): a copy into a map
 * leaves them as they are, and user space reads zeros in their place.
 */
import { alignUp } from '../base/bytes.ts';
import type { Addr, Memory } from '../base/memory.ts';
import type { MapDef } from './map.ts';

/** Copies the value at `from` to the map's value at `to`. */
export function copyValue(mem: Memory, def: MapDef, to: Addr, from: Addr): void {
  if (def.special === undefined) {
    copyBytes(mem, to, from, def.valueSize);
    return;
  }
  let at = 0;
  for (const field of def.special) {
    mem.copy(to + at, from + at, field.offset - at);
    at = field.offset + field.size;
  }
  mem.copy(to + at, from + at, def.valueSize - at);
}

/** Up to here, copying word by word is quicker than asking the typed array to. */
const FEW_BYTES = 64;

/** memcpy of what may be a few bytes: keys and values mostly are. The ranges do not overlap. */
export function copyBytes(mem: Memory, to: Addr, from: Addr, size: number): void {
  if (size > FEW_BYTES) {
    mem.copy(to, from, size);
    return;
  }
  const words = size & ~3;
  let at = 0;
  for (; at < words; at += 4) mem.setU32(to + at, mem.i32(from + at));
  for (; at < size; at++) mem.setU8(to + at, mem.u8(from + at));
}

/** memcmp for equality, word by word. */
export function sameBytes(mem: Memory, a: Addr, b: Addr, size: number): boolean {
  const words = size & ~3;
  let at = 0;
  for (; at < words; at += 4) if (mem.i32(a + at) !== mem.i32(b + at)) return false;
  for (; at < size; at++) if (mem.u8(a + at) !== mem.u8(b + at)) return false;
  return true;
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

/** The values that all CPUs have of an element, side by side, as user space gives them. */
export function writeValues(mem: Memory, def: MapDef, to: Addr, values: Uint8Array, cpus: number): void {
  const stride = alignUp(def.valueSize, 8);
  if (def.special === undefined) mem.write(to, values.subarray(0, stride * cpus));
  else
    for (let at = 0; at < stride * cpus; at += stride) writeValue(mem, def, to + at, values.subarray(at, at + stride));
}

/** The same, as user space may see them. */
export function readValues(mem: Memory, def: MapDef, from: Addr, cpus: number): Uint8Array {
  const stride = alignUp(def.valueSize, 8);
  const values = mem.read(from, stride * cpus);
  for (let at = 0; at < values.length; at += stride)
    for (const field of def.special ?? []) values.fill(0, at + field.offset, at + field.offset + field.size);
  return values;
}
