/** Whether a member lies in its struct as its type needs. */
import type { BtfMember, BtfType } from '../btf.ts';
import { memberFault } from './fault.ts';

type Struct = Extract<BtfType, { kind: 'struct' | 'union' }>;

const MAX_COPY_BITS = 128;
const ENUM_BITS = 32;

/** `type` is the member's, behind modifiers; `size` its bytes. Throws a Finding. */
export function checkMember(t: Struct, m: BtfMember, type: BtfType, size: number): void {
  if (t.kindFlag && type.kind === 'int') return checkBitfield(t, m, type);
  if (t.kindFlag && (type.kind === 'enum' || type.kind === 'enum64')) return checkEnumBitfield(t, m);
  if (m.bitfieldSize !== 0) throw memberFault(t, m, 'Invalid member bitfield_size');
  if (type.kind === 'int') return checkInt(t, m, type);
  if (type.kind === 'float') {
    if (m.bitOffset % (Math.min(8, size) * 8) !== 0) throw memberFault(t, m, 'Member is not properly aligned');
  } else if (m.bitOffset % 8 !== 0) throw memberFault(t, m, 'Member is not byte aligned');
  if (m.bitOffset / 8 + size > t.size) throw memberFault(t, m, 'Member exceeds struct_size');
}

/** An int that may begin inside a byte: how bit-fields were described before kind_flag. */
function checkInt(t: Struct, m: BtfMember, type: Extract<BtfType, { kind: 'int' }>): void {
  fits(t, m, m.bitOffset + type.bitOffset, type.bits);
}

function checkBitfield(t: Struct, m: BtfMember, type: Extract<BtfType, { kind: 'int' }>): void {
  const isRegular = type.bitOffset === 0 && [8, 16, 32, 64, 128].includes(type.bits);
  if (!isRegular) throw memberFault(t, m, 'Invalid member base type');
  if (m.bitfieldSize === 0 && m.bitOffset % 8 !== 0) throw memberFault(t, m, 'Invalid member offset');
  if (m.bitfieldSize > type.bits) throw memberFault(t, m, 'Invalid member bitfield_size');
  fits(t, m, m.bitOffset, m.bitfieldSize || type.bits);
}

function fits(t: Struct, m: BtfMember, offset: number, bits: number): void {
  const copied = bits + (offset % 8);
  if (copied > MAX_COPY_BITS) throw memberFault(t, m, `nr_copy_bits exceeds ${MAX_COPY_BITS}`);
  if (Math.floor(offset / 8) + Math.ceil(copied / 8) > t.size) throw memberFault(t, m, 'Member exceeds struct_size');
}

function checkEnumBitfield(t: Struct, m: BtfMember): void {
  if (m.bitfieldSize === 0 && m.bitOffset % 8 !== 0) throw memberFault(t, m, 'Member is not byte aligned');
  if (m.bitfieldSize > ENUM_BITS) throw memberFault(t, m, 'Invalid member bitfield_size');
  const bits = m.bitfieldSize || ENUM_BITS;
  if (Math.ceil((m.bitOffset + bits) / 8) > t.size) throw memberFault(t, m, 'Member exceeds struct_size');
}
