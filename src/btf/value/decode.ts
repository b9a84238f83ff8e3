/** Bytes to values, by type. See value.ts for what becomes what. */
import { cString, view } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import type { Btf, BtfType } from '../btf.ts';
import { flexibleArray, resolve, sizeOf } from '../layout.ts';
import { type BtfValue, MAX_DEPTH, readBits } from './value.ts';

/**
 * The value of type `id` that `bytes` begin with. What follows belongs to a flexible array, where the type is a struct that
 * ends with one, as many elements as are whole. Throws BtfError where the bytes are fewer than the type's, or where
 * the type has no values (void, functions).
 */
export function decodeValue(btf: Btf, id: number, bytes: Uint8Array): BtfValue {
  const size = sizeOf(btf, id);
  if (bytes.length < size)
    throw new BtfError(`a value of type [${id}] has ${size} bytes, and there are ${bytes.length}`);
  return new Decoder(btf).whole(id, bytes, size);
}

/** Most parts of one value: members of unions share bytes, so small bytes could stand for endless parts. */
const MAX_PARTS = 1 << 24;

class Decoder {
  readonly #btf: Btf;
  #parts = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** `size`: bytes of the type itself. */
  whole(id: number, bytes: Uint8Array, size: number): BtfValue {
    const value = this.value(id, bytes.subarray(0, size), 0);
    const last = bytes.length > size ? flexibleArray(this.#btf, id) : undefined;
    if (last === undefined) return value;
    const elements = bytes.subarray(last.offset);
    const array = { ...last.array, count: Math.floor(elements.length / last.elementSize) };
    put(value as Record<string, BtfValue>, last.name, this.#array(array, elements, 1));
    return value;
  }

  value(id: number, bytes: Uint8Array, depth: number): BtfValue {
    this.#count(depth);
    const t = resolve(this.#btf, id);
    switch (t.kind) {
      case 'int':
        return wholeInt(t, bytes) ?? integer(t, readBits(bytes, t.bitOffset, t.bits));
      case 'enum':
      case 'enum64':
        return enumerator(t, readBits(bytes, 0, t.size * 8));
      case 'ptr':
        return readBits(bytes, 0, 64);
      case 'float':
        return float(t, bytes);
      case 'array':
        return this.#array(t, bytes, depth);
      case 'struct':
      case 'union': {
        const out: Record<string, BtfValue> = {};
        this.#members(t, bytes, depth, out);
        return out;
      }
      case 'var':
        return this.value(t.type, bytes, depth + 1);
      case 'datasec': {
        const out: Record<string, BtfValue> = {};
        for (const v of t.vars)
          put(out, this.#btf.type(v.type)?.name ?? '', this.value(v.type, piece(bytes, v.offset, v.size), depth + 1));
        return out;
      }
      default:
        throw new BtfError(`type [${id}] is ${t.kind}, which has no values`, `type [${id}]`);
    }
  }

  #count(depth: number): void {
    if (depth > MAX_DEPTH) throw new BtfError('a type contains itself');
    if (++this.#parts > MAX_PARTS) throw new BtfError(`a value has more than ${MAX_PARTS} parts`);
  }

  #array(t: Extract<BtfType, { kind: 'array' }>, bytes: Uint8Array, depth: number): BtfValue {
    if (t.count === 0) return [];
    const element = resolve(this.#btf, t.type);
    if (element.kind === 'int' && element.size === 1 && element.bits === 8 && !element.bool) {
      if (element.char || element.name === 'char') return cString(bytes);
      if (!element.signed) return bytes.slice(0, t.count);
    }
    const size = sizeOf(this.#btf, t.type);
    if (size === 0 && t.count > MAX_EMPTY) throw new BtfError(`an array has ${t.count} elements of no size`);
    return Array.from({ length: t.count }, (_, i) => this.value(t.type, piece(bytes, i * size, size), depth + 1));
  }

  #members(
    t: Extract<BtfType, { kind: 'struct' | 'union' }>,
    bytes: Uint8Array,
    depth: number,
    out: Record<string, BtfValue>,
  ): void {
    this.#count(depth);
    for (const m of t.members) {
      const type = resolve(this.#btf, m.type);
      if (m.bitfieldSize > 0) {
        const raw = readBits(bytes, m.bitOffset, m.bitfieldSize);
        if (type.kind === 'int') put(out, m.name, integer({ ...type, bits: m.bitfieldSize }, raw));
        else if (type.kind === 'enum' || type.kind === 'enum64') {
          const value = type.signed ? BigInt.asUintN(type.size * 8, BigInt.asIntN(m.bitfieldSize, raw)) : raw;
          put(out, m.name, enumerator(type, value));
        } else throw new BtfError(`bit-field '${m.name}' is a ${type.kind}`);
        continue;
      }
      const size = sizeOf(this.#btf, m.type);
      if (m.bitOffset % 8 !== 0) {
        if (type.kind !== 'int') throw new BtfError(`member '${m.name}' does not begin at a byte`);
        put(out, m.name, integer(type, readBits(bytes, m.bitOffset + type.bitOffset, type.bits)));
        continue;
      }
      const own = piece(bytes, m.bitOffset / 8, size);
      if (m.name === '' && (type.kind === 'struct' || type.kind === 'union')) this.#members(type, own, depth + 1, out);
      else put(out, m.name, this.value(m.type, own, depth + 1));
    }
  }
}

/** Most elements of no size: an array of empty structs takes no bytes however long it is. */
const MAX_EMPTY = 1024;

/** An int of 8, 16, 32 or 64 bits that fills its bytes: all but the rarest, and read without a bigint up to 32. */
function wholeInt(t: Extract<BtfType, { kind: 'int' }>, bytes: Uint8Array): BtfValue | undefined {
  if (t.bool || t.bitOffset !== 0 || t.bits !== t.size * 8) return undefined;
  const dv = view(bytes);
  switch (t.size) {
    case 1:
      return t.signed ? dv.getInt8(0) : dv.getUint8(0);
    case 2:
      return t.signed ? dv.getInt16(0, true) : dv.getUint16(0, true);
    case 4:
      return t.signed ? dv.getInt32(0, true) : dv.getUint32(0, true);
    case 8:
      return t.signed ? dv.getBigInt64(0, true) : dv.getBigUint64(0, true);
    default:
      return undefined;
  }
}

/** The number behind `raw` bits of an int. */
function integer(t: Extract<BtfType, { kind: 'int' }>, raw: bigint): BtfValue {
  if (t.bool) return raw !== 0n;
  const value = t.signed ? BigInt.asIntN(t.bits, raw) : raw;
  return t.bits <= 32 ? Number(value) : value;
}

function enumerator(t: Extract<BtfType, { kind: 'enum' | 'enum64' }>, raw: bigint): BtfValue {
  const value = t.signed ? BigInt.asIntN(t.size * 8, raw) : raw;
  const named = t.values.find((v) => BigInt(v.value) === value);
  return named ? named.name : t.size <= 4 ? Number(value) : value;
}

function float(t: Extract<BtfType, { kind: 'float' }>, bytes: Uint8Array): number {
  const dv = view(bytes);
  if (t.size === 4) return dv.getFloat32(0, true);
  if (t.size === 8) return dv.getFloat64(0, true);
  throw new BtfError(`a float of ${t.size} bytes has no JavaScript counterpart`);
}

/** `__proto__` is a name like any other. */
function put(out: Record<string, BtfValue>, name: string, value: BtfValue): void {
  Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true });
}

function piece(bytes: Uint8Array, at: number, size: number): Uint8Array {
  if (at + size > bytes.length) throw new BtfError(`a member ends at ${at + size} of ${bytes.length} bytes`);
  return bytes.subarray(at, at + size);
}
