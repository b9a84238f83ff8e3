/**
 * struct bpf_dynptr: 16 bytes that a program keeps and that only helpers look into.
 *
 *     +0 u32 address, 0 for a null dynptr   +8 u32 bytes from there on, bit 31: read-only
 *     +0 u32 1                              +8 the same   +4 u32 1: into the packet   +12 u32 where in it
 *
 * A packet may move while the dynptr lives, so its address is looked up at each use.
 */
import { E2BIG, EINVAL } from '../base/errno.ts';
import type { Addr, Memory } from '../base/memory.ts';
import type { HelperEnv } from './helper.ts';

const KIND = 4;
const SIZE = 8;
const PACKET_OFFSET = 12;
const IN_PACKET = 1;
const READ_ONLY = 0x8000_0000;

export const MAX_DYNPTR_SIZE = 0xff_ffff;
export const DYNPTR_SIZE = 16;

export const isNullDynptr = (mem: Memory, dynptr: Addr): boolean => mem.u32(dynptr) === 0;
export const isReadOnlyDynptr = (mem: Memory, dynptr: Addr): boolean => mem.u32(dynptr + SIZE) >= READ_ONLY;
export const isPacketDynptr = (mem: Memory, dynptr: Addr): boolean => mem.u32(dynptr + KIND) === IN_PACKET;
export const dynptrSize = (mem: Memory, dynptr: Addr): number => (mem.u32(dynptr + SIZE) & ~READ_ONLY) >>> 0;

/** Where `size` bytes at `offset` of a dynptr are; -EINVAL for a null one, -E2BIG past its end. */
export function rangeOf(env: HelperEnv, dynptr: Addr, offset: number, size: number): Addr | number {
  const { mem } = env;
  const data = mem.u32(dynptr);
  if (data === 0) return -EINVAL;
  if (offset + size > dynptrSize(mem, dynptr)) return -E2BIG;
  if (!isPacketDynptr(mem, dynptr)) return data + offset;
  const { packet } = env.run;
  if (packet === null) return -EINVAL;
  const at = packet.data + mem.u32(dynptr + PACKET_OFFSET) + offset;
  return at + size > packet.dataEnd ? -E2BIG : at;
}

/** `data` 0 makes it null. */
export function setDynptr(mem: Memory, dynptr: Addr, data: Addr, size: number): void {
  mem.setLoHi(dynptr, data, 0);
  mem.setLoHi(dynptr + SIZE, size, 0);
}

export function setPacketDynptr(mem: Memory, dynptr: Addr, size: number, readOnly: boolean): void {
  mem.setLoHi(dynptr, 1, IN_PACKET);
  mem.setLoHi(dynptr + SIZE, readOnly ? size | READ_ONLY : size, 0);
}

/** Leaves `size` bytes from `start` on of what it was. */
export function narrowDynptr(mem: Memory, dynptr: Addr, start: number, size: number): void {
  const at = isPacketDynptr(mem, dynptr) ? PACKET_OFFSET : 0;
  mem.setU32(dynptr + at, mem.u32(dynptr + at) + start);
  mem.setU32(dynptr + SIZE, isReadOnlyDynptr(mem, dynptr) ? size | READ_ONLY : size);
}
