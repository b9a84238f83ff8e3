/** Values to bytes, by type: what decodeValue gives, and what people would write instead. */
import { utf8, view } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import type { Btf, BtfType } from '../btf.ts';
import { flexibleArray, resolve, sizeOf } from '../layout.ts';
import { type BtfValue, MAX_DEPTH, writeBits } from './value.ts';

/**
 * The bytes of `value` as type `id`, more than the type has where a flexible array at its end is given elements. Missing members and elements are zero. Numbers must fit; enums take a name or a
 * number; arrays and structs take their raw bytes too. Throws BtfError that says where (`value.key.addr[2]`): `what` is
 * the name it begins with.
 */
export function encodeValue(btf: Btf, id: number, value: BtfValue, what = 'value'): Uint8Array {
  const size = sizeOf(btf, id);
  const last = flexibleArray(btf, id);
  const given = last && isRecord(value) && Object.hasOwn(value, last.name) ? value[last.name] : undefined;
  if (last === undefined || given === undefined) return encoded(btf, id, value, size, what);
  // The struct without it, and then as many elements as are given.
  const own = encoded(btf, id, { ...(value as Record<string, BtfValue>), [last.name]: [] }, size, what);
  const count = typeof given === 'string' ? utf8(given).length : isSized(given) ? given.length : 0;
  const out = room(Math.max(size, last.offset + count * last.elementSize));
  out.set(own);
  const elements = out.subarray(last.offset, last.offset + count * last.elementSize);
  if (given instanceof Uint8Array) elements.set(given);
  else array(btf, { ...last.array, count }, given, elements, `${what}.${last.name}`, 1);
  return out;
}

function encoded(btf: Btf, id: number, value: BtfValue, size: number, what: string): Uint8Array {
  const out = room(size);
  encode(btf, id, value, out, what, 0);
  return out;
}

function room(size: number): Uint8Array {
  if (size > MAX_SIZE) throw new BtfError(`a value of ${size} bytes is too large to be made`);
  return new Uint8Array(size);
}

function isSized(value: BtfValue): value is BtfValue[] | Uint8Array {
  return Array.isArray(value) || value instanceof Uint8Array;
}

const MAX_SIZE = 1 << 28;

/** Deepest nesting of members without a name: all of them are searched, and each level may double them. */
const MAX_ANONYMOUS = 16;

function encode(btf: Btf, id: number, value: BtfValue, out: Uint8Array, path: string, depth: number): void {
  if (depth > MAX_DEPTH) fail(path, `is of type [${id}], which contains itself`);
  if (value instanceof Uint8Array) {
    if (value.length !== out.length) fail(path, `takes ${out.length} bytes, and ${value.length} are given`);
    return out.set(value);
  }
  const t = resolve(btf, id);
  switch (t.kind) {
    case 'int':
      return writeBits(out, t.bitOffset, t.bits, integer(t.bits, t.signed, value, path));
    case 'enum':
    case 'enum64':
      return writeBits(out, 0, t.size * 8, enumerator(t, t.size * 8, value, path));
    case 'ptr':
      return writeBits(out, 0, 64, integer(64, false, value, path));
    case 'float':
      return float(t, value, out, path);
    case 'array':
      return array(btf, t, value, out, path, depth);
    case 'struct':
    case 'union':
      return members(btf, t, record(value, path), out, path, depth);
    case 'var':
      return encode(btf, t.type, value, out, path, depth + 1);
    case 'datasec':
      return section(btf, t, record(value, path), out, path, depth);
    default:
      fail(path, `is ${t.kind}, which has no values`);
  }
}

function integer(bits: number, signed: boolean, value: BtfValue, path: string): bigint {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value !== 'bigint' && typeof value !== 'number') fail(path, `is a number, not ${nameOf(value)}`);
  if (typeof value === 'number' && !Number.isInteger(value)) fail(path, `is a whole number, not ${value}`);
  const n = BigInt(value);
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  if (n < low || n > high) fail(path, `takes ${low} to ${high}, not ${n}`);
  return n;
}

function enumerator(
  t: Extract<BtfType, { kind: 'enum' | 'enum64' }>,
  bits: number,
  value: BtfValue,
  path: string,
): bigint {
  if (typeof value !== 'string') return integer(bits, t.signed || isNegative(value), value, path);
  const named = t.values.find((v) => v.name === value);
  if (named === undefined) fail(path, `is an enum ${t.name} without a constant '${value}'`);
  return BigInt(named.value);
}

function isNegative(value: BtfValue): boolean {
  return (typeof value === 'number' || typeof value === 'bigint') && value < 0;
}

function float(t: Extract<BtfType, { kind: 'float' }>, value: BtfValue, out: Uint8Array, path: string): void {
  if (typeof value !== 'number') fail(path, `is a number, not ${nameOf(value)}`);
  if (t.size === 4) view(out).setFloat32(0, value, true);
  else if (t.size === 8) view(out).setFloat64(0, value, true);
  else fail(path, `is a float of ${t.size} bytes, which cannot be made`);
}

function array(
  btf: Btf,
  t: Extract<BtfType, { kind: 'array' }>,
  value: BtfValue,
  out: Uint8Array,
  path: string,
  depth: number,
): void {
  if (typeof value === 'string') {
    const bytes = utf8(value);
    if (sizeOf(btf, t.type) !== 1) fail(path, 'is an array of numbers, not a text');
    if (bytes.length > t.count) fail(path, `has room for ${t.count} bytes, and the text has ${bytes.length}`);
    return out.set(bytes);
  }
  if (!Array.isArray(value)) fail(path, `is an array, not ${nameOf(value)}`);
  if (value.length > t.count) fail(path, `has ${t.count} elements, and ${value.length} are given`);
  const size = value.length === 0 ? 0 : sizeOf(btf, t.type);
  for (const [i, v] of value.entries()) {
    encode(btf, t.type, v, piece(out, i * size, size, path), `${path}[${i}]`, depth + 1);
  }
}

function members(
  btf: Btf,
  t: Extract<BtfType, { kind: 'struct' | 'union' }>,
  value: Readonly<Record<string, BtfValue>>,
  out: Uint8Array,
  path: string,
  depth: number,
): void {
  const unknown = new Set(Object.keys(value));
  writeMembers(btf, t, value, out, path, 0, depth, unknown);
  for (const name of unknown) fail(path, `has no member '${name}'`);
}

/** Writes the members that `value` has; takes their names from `unknown`. */
function writeMembers(
  btf: Btf,
  t: Extract<BtfType, { kind: 'struct' | 'union' }>,
  value: Readonly<Record<string, BtfValue>>,
  out: Uint8Array,
  path: string,
  anonymous: number,
  depth: number,
  unknown: Set<string>,
): void {
  if (anonymous > MAX_ANONYMOUS) fail(path, `has members without a name too deep in each other`);
  // members of a union share their bytes: the last one given counts
  for (const m of t.members) {
    const type = resolve(btf, m.type);
    if (m.name === '' && m.bitfieldSize === 0 && (type.kind === 'struct' || type.kind === 'union')) {
      const own = piece(out, m.bitOffset / 8, type.size, path);
      writeMembers(btf, type, value, own, path, anonymous + 1, depth, unknown);
      continue;
    }
    const given = Object.hasOwn(value, m.name) ? value[m.name] : undefined;
    unknown.delete(m.name);
    if (given === undefined) continue;
    const where = `${path}.${m.name}`;
    const bits = m.bitfieldSize || (m.bitOffset % 8 !== 0 && type.kind === 'int' ? type.bits : 0);
    if (bits > 0) {
      if (type.kind === 'int') writeBits(out, m.bitOffset, bits, integer(bits, type.signed, given, where));
      else if (type.kind === 'enum' || type.kind === 'enum64') {
        writeBits(out, m.bitOffset, bits, enumerator(type, bits, given, where));
      } else fail(where, `is a bit-field of ${type.kind}`);
      continue;
    }
    encode(btf, m.type, given, piece(out, m.bitOffset / 8, sizeOf(btf, m.type), where), where, depth + 1);
  }
}

function section(
  btf: Btf,
  t: Extract<BtfType, { kind: 'datasec' }>,
  value: Readonly<Record<string, BtfValue>>,
  out: Uint8Array,
  path: string,
  depth: number,
): void {
  const unknown = new Set(Object.keys(value));
  for (const v of t.vars) {
    const name = btf.type(v.type)?.name ?? '';
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (given === undefined) continue;
    unknown.delete(name);
    encode(btf, v.type, given, piece(out, v.offset, v.size, `${path}.${name}`), `${path}.${name}`, depth + 1);
  }
  for (const name of unknown) fail(path, `has no variable '${name}'`);
}

function record(value: BtfValue, path: string): Readonly<Record<string, BtfValue>> {
  return isRecord(value) ? value : fail(path, `is an object with members, not ${nameOf(value)}`);
}

function isRecord(value: BtfValue): value is { readonly [name: string]: BtfValue } {
  return typeof value === 'object' && value !== null && !isSized(value);
}

function nameOf(value: BtfValue): string {
  if (value === undefined || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : value instanceof Uint8Array ? 'bytes' : `a ${typeof value}`;
}

function piece(out: Uint8Array, at: number, size: number, path: string): Uint8Array {
  if (at + size > out.length || !Number.isInteger(at)) fail(path, `lies outside of its ${out.length} bytes`);
  return out.subarray(at, at + size);
}

function fail(path: string, what: string): never {
  throw new BtfError(`${path} ${what}`, path);
}
