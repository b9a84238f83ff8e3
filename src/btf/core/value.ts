/**
 * The number that a relocation puts into the instruction, computed from one BTF.
 */
import { BtfError } from '../../base/errors.ts';
import type { Btf } from '../btf.ts';
import { resolve, sizeOf, skipModifiers } from '../layout.ts';
import { type Access, isComposite, isEnum } from './access.ts';
import * as K from './kinds.ts';

export interface CoreValue {
  readonly value: bigint;
  /** Whether compiler and loader must agree on it: what a bit-field needs is the compiler's choice. */
  readonly checked: boolean;
  /** Bytes of the field and its type, for offsets: a load may have to change its width. 0 for bit-fields. */
  readonly size: number;
  readonly typeId: number;
}

/** `access` is undefined where the target has nothing that fits. Undefined: no value, the instruction must not run. */
export function coreValue(kind: number, access: Access | undefined): CoreValue | undefined {
  const plain = (value: number | bigint, checked = true): CoreValue => ({
    value: BigInt(value),
    checked,
    size: 0,
    typeId: 0,
  });
  switch (kind) {
    case K.CORE_FIELD_EXISTS:
    case K.CORE_TYPE_EXISTS:
    case K.CORE_TYPE_MATCHES:
    case K.CORE_ENUMVAL_EXISTS:
      return plain(access === undefined ? 0 : 1);
    case K.CORE_TYPE_ID_LOCAL:
    case K.CORE_TYPE_ID_TARGET:
      return plain(access?.rootId ?? 0, false);
    case K.CORE_TYPE_SIZE:
      return plain(access === undefined ? 0 : sizeOf(access.btf, access.rootId));
    case K.CORE_ENUMVAL_VALUE:
      return access?.enumerator && plain(access.enumerator.value);
    default:
      return access && fieldValue(kind, access);
  }
}

function fieldValue(kind: number, access: Access): CoreValue {
  const { btf } = access;
  const last = access.steps.at(-1)!;
  const owner = resolve(btf, last.typeId);
  if (last.name === '' || !isComposite(owner)) return elementValue(kind, access, last.typeId);

  const member = owner.members[last.index]!;
  const typeId = skipModifiers(btf, member.type);
  const place = fieldPlace(btf, typeId, access.bitOffset, member.bitfieldSize);
  const isBitfield = member.bitfieldSize > 0;
  const value = (n: number, checked: boolean): CoreValue => ({ value: BigInt(n), checked, size: 0, typeId: 0 });
  switch (kind) {
    case K.CORE_FIELD_BYTE_OFFSET:
      if (isBitfield) return value(place.byteOffset, false);
      return { value: BigInt(place.byteOffset), checked: true, size: place.byteSize, typeId };
    case K.CORE_FIELD_BYTE_SIZE:
      return value(place.byteSize, !isBitfield);
    case K.CORE_FIELD_SIGNED: {
      const t = resolve(btf, typeId);
      return value((t.kind === 'int' || isEnum(t)) && t.signed ? 1 : 0, true);
    }
    case K.CORE_FIELD_LSHIFT_U64:
      return value(64 - (access.bitOffset + place.bitSize - place.byteOffset * 8), !isBitfield);
    case K.CORE_FIELD_RSHIFT_U64:
      return value(64 - place.bitSize, true);
    default:
      throw new BtfError(`the CO-RE relocation kind ${kind} is not known`);
  }
}

/** An array element, or the root itself. */
function elementValue(kind: number, access: Access, typeId: number): CoreValue {
  const size = sizeOf(access.btf, typeId);
  if (kind === K.CORE_FIELD_BYTE_OFFSET) {
    return { value: BigInt(Math.floor(access.bitOffset / 8)), checked: true, size, typeId };
  }
  if (kind === K.CORE_FIELD_BYTE_SIZE) return { value: BigInt(size), checked: true, size: 0, typeId: 0 };
  throw new BtfError(`relocation ${K.CORE_KIND_NAMES[kind] ?? kind} cannot be of an array element`);
}

/** The bytes to load for a field: for a bit-field, the smallest aligned word that holds all of it. */
function fieldPlace(btf: Btf, typeId: number, bitOffset: number, bitfieldSize: number) {
  let byteSize = sizeOf(btf, typeId);
  if (bitfieldSize === 0) return { byteOffset: Math.floor(bitOffset / 8), byteSize, bitSize: byteSize * 8 };
  const start = () => Math.floor(bitOffset / 8 / byteSize) * byteSize;
  while (byteSize > 0 && bitOffset + bitfieldSize - start() * 8 > byteSize * 8) {
    if (byteSize >= 8) throw new BtfError('a bit-field does not fit any load', `type [${typeId}]`);
    byteSize *= 2;
  }
  return { byteOffset: start(), byteSize, bitSize: bitfieldSize };
}
