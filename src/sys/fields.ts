/** Fields of the ABI's structures: numbers and names at the places that their layout says. */
import { cString } from '../base/bytes.ts';
import { bug } from '../base/errors.ts';
import type { FieldLayout, Layout } from '../uapi/generated/layouts.ts';

/** Memory that a system call can be given addresses of. Good until the call has returned and its answer is read. */
export interface AttrMemory {
  /** Where these very bytes lie. */
  addressOf(bytes: Uint8Array): number;
}

export function fieldOf(layout: Layout, path: string): FieldLayout {
  return layout.fields[path] ?? bug(`no field ${path}`);
}

export function writeNumber(dv: DataView, at: FieldLayout, value: number | bigint): void {
  if (at.size === 8) dv.setBigUint64(at.offset, BigInt.asUintN(64, BigInt(value)), true);
  else dv.setUint32(at.offset, Number(value), true);
}

export function readNumber(dv: DataView, at: FieldLayout, big: boolean): number | bigint {
  const value = at.size === 8 ? dv.getBigUint64(at.offset, true) : BigInt(dv.getUint32(at.offset, true));
  return big ? value : Number(value);
}

/** Text of a fixed-size name field. */
export function readName(bytes: Uint8Array, at: FieldLayout): string {
  return cString(bytes, at.offset, at.offset + at.size);
}
