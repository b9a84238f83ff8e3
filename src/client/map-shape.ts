/** What a map is like: its definition, and how its keys and values are bytes. */
import { view } from '../base/bytes.ts';
import { SkepError, UnsupportedError } from '../base/errors.ts';
import { type Btf, type BtfValue, decodeValue, encodeValue } from '../btf/index.ts';
import type { MapInfo } from '../uapi/infos.ts';
import { type MapTypeName, mapTypeName } from '../uapi/map-types.ts';

/** How a map is defined, and the types of its key and value where they are known. */
export interface MapShape {
  readonly name: string;
  /** BPF_MAP_TYPE_*. */
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes; of one CPU where there is a value for each. */
  readonly valueSize: number;
  /** How many elements; bytes for ring buffers. */
  readonly maxEntries: number;
  /** BPF_F_*. */
  readonly flags: number;
  /** The types of its keys and values, where they are known. */
  readonly btf: Btf | undefined;
  /** Ids in `btf`; 0 where there is no type. */
  readonly keyTypeId: number;
  /** The same of the value. */
  readonly valueTypeId: number;
}

/** A map to make without an object file. */
export interface MapDefinition {
  /** The name of the type (`hash`, `percpu_array`, `ringbuf`: as bpftool spells them), or BPF_MAP_TYPE_*. */
  readonly type: MapTypeName | number;
  /** Bytes; default 4, and 0 for the types that have no keys. */
  readonly keySize?: number;
  /** Bytes; default 4, and 0 for ring buffers. */
  readonly valueSize?: number;
  /** How many elements; bytes for ring buffers. */
  readonly maxEntries: number;
  /** At most 15 letters, digits, `_` and `.`. */
  readonly name?: string;
  /** BPF_F_*. */
  readonly flags?: number;
  /** For maps of maps: a map like those that it will hold. */
  readonly inner?: { readonly fd: number };
}

export function shapeOf(info: MapInfo, btf: Btf | undefined): MapShape {
  return {
    name: info.name,
    type: info.type,
    keySize: info.key_size,
    valueSize: info.value_size,
    maxEntries: info.max_entries,
    flags: info.map_flags,
    btf,
    keyTypeId: btf ? info.btf_key_type_id : 0,
    valueTypeId: btf ? info.btf_value_type_id : 0,
  };
}

type Part = 'key' | 'value';

function typeOf(shape: MapShape, part: Part): number {
  return part === 'key' ? shape.keyTypeId : shape.valueTypeId;
}

/** Without a type a value is a number of its size, and bytes where no number has that size. */
export function decodePlain(shape: MapShape, part: Part, bytes: Uint8Array): BtfValue {
  const typeId = typeOf(shape, part);
  if (shape.btf && typeId !== 0) return decodeValue(shape.btf, typeId, bytes);
  const from = view(bytes);
  switch (bytes.length) {
    case 1:
      return from.getUint8(0);
    case 2:
      return from.getUint16(0, true);
    case 4:
      return from.getUint32(0, true);
    case 8:
      return from.getBigUint64(0, true);
    default:
      return bytes;
  }
}

/** Bytes stay what they are; a plain value becomes as many as the map has for a key, or for a value of one CPU. */
export function encodePlain(shape: MapShape, part: Part, value: BtfValue): Uint8Array {
  const size = part === 'key' ? shape.keySize : shape.valueSize;
  if (value instanceof Uint8Array) {
    checkSize(shape, part, value, size);
    return value;
  }
  const typeId = typeOf(shape, part);
  if (shape.btf && typeId !== 0) return encodeValue(shape.btf, typeId, value, part);
  const out = new Uint8Array(size);
  const to = view(out);
  const whole = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
  if (whole && size === 8) to.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  else if (whole && size === 4) to.setUint32(0, Number(value), true);
  else if (whole && size === 2) to.setUint16(0, Number(value), true);
  else if (whole && size === 1) to.setUint8(0, Number(value));
  else if (whole)
    throw new UnsupportedError(
      `a number for the ${size} bytes of a ${part} of map '${shape.name}', which has no types,`,
      { hint: 'give its bytes' },
    );
  else
    throw new SkepError(
      'ERR_ARGUMENT',
      `a ${part} of map '${shape.name}', which has no types, is a whole number or bytes`,
    );
  return out;
}

/** What was asked for, in words: for errors. */
export function describeShape({ name, type, keySize, valueSize, maxEntries }: MapShape): string {
  const of = `${maxEntries} elements, keys of ${keySize} and values of ${valueSize} bytes`;
  return `map ${name === '' ? '' : `'${name}' `}of type ${mapTypeName(type) ?? type} with ${of}`;
}

/** Throws a SkepError where bytes are not as many as the map has for a key or a value. */
export function checkSize({ name }: MapShape, part: Part, bytes: Uint8Array, size: number): void {
  if (bytes.length === size) return;
  throw new SkepError('ERR_SIZE', `a ${part} of map '${name}' has ${size} bytes, and here are ${bytes.length}`);
}
