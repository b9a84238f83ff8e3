/**
 * A value shown by its type, as `map dump` does.
 *
 * `plain` is the text for people: bit-fields and odd characters as bare hex (not JSON then), pointers as printf("%p")
 * has them. Otherwise it is JSON. Types that do not fit their bytes (hostile BTF) throw BtfError.
 */
import { cString, view } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import { type Btf, type BtfType, resolve, sizeOf, skipQualifiers } from '../../btf/index.ts';
import type { JsonWriter } from '../json-writer.ts';

/** Nesting deeper than C allows is a type that contains itself. */
const MAX_DEPTH = 64;

export interface TypedOptions {
  readonly plain: boolean;
  /** What stands for a pointer to a function: `proto` is the function's type. Default: a pointer like others. */
  readonly functionPointer?: (proto: number, value: bigint) => string;
}

/** Writes the value of type `id` that `bytes` hold from their start. */
export function writeTyped(
  writer: JsonWriter,
  btf: Btf,
  id: number,
  bytes: Uint8Array,
  options: TypedOptions | boolean,
): void {
  new TypedWriter(writer, btf, typeof options === 'boolean' ? { plain: options } : options).write(id, bytes, 0, 0);
}

class TypedWriter {
  readonly #writer: JsonWriter;
  readonly #btf: Btf;
  readonly #plain: boolean;

  readonly #functionPointer: TypedOptions['functionPointer'];

  constructor(writer: JsonWriter, btf: Btf, { plain, functionPointer }: TypedOptions) {
    this.#writer = writer;
    this.#btf = btf;
    this.#plain = plain;
    this.#functionPointer = functionPointer;
  }

  /** The value at `bytes`, from bit `bitOffset` (0 to 7) of its first byte. */
  write(id: number, bytes: Uint8Array, bitOffset: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new BtfError(`type [${id}] contains itself`, `type [${id}]`);
    const type = resolve(this.#btf, id);
    switch (type.kind) {
      case 'int':
        return this.#int(type, bytes, bitOffset);
      case 'enum':
      case 'enum64':
        return this.#enum(type, bytes);
      case 'ptr':
        return this.#pointer(type.type, readBits(bytes, 0, 64));
      case 'array':
        return this.#array(type, bytes, depth);
      case 'struct':
      case 'union':
        return this.#struct(type, bytes, depth);
      case 'var':
        this.#writer.startObject().name(type.name);
        this.write(type.type, bytes, 0, depth + 1);
        this.#writer.endObject();
        return;
      case 'datasec':
        return this.#section(type, bytes, depth);
      case 'float':
        return this.#float(type.size, bytes);
      case 'fwd':
        this.#writer.raw('(fwd-kind-invalid)');
        return;
      default:
        throw new BtfError(`a value of type [${id}] ${type.kind} cannot be shown`, `type [${id}]`);
    }
  }

  #int(type: Extract<BtfType, { kind: 'int' }>, bytes: Uint8Array, bitOffset: number): void {
    const shift = bitOffset + type.bitOffset;
    if (shift !== 0 || type.bits % 8 !== 0 || ![8, 16, 32, 64].includes(type.bits)) {
      return this.#bits(readBits(bytes, shift, type.bits));
    }
    const value = readBits(bytes, 0, type.bits);
    if (type.bool) this.#writer.bool(value !== 0n);
    else if (type.char) this.#char(Number(value & 0xffn));
    else this.#writer.number(type.signed ? BigInt.asIntN(type.bits, value) : value);
  }

  /** JSON has no word for what is no number; and of the sizes that C has, JavaScript has two. */
  #float(size: number, bytes: Uint8Array): void {
    if (size !== 4 && size !== 8) return this.#bits(readBits(bytes, 0, size * 8));
    const value = size === 4 ? view(bytes).getFloat32(0, true) : view(bytes).getFloat64(0, true);
    if (this.#plain || Number.isFinite(value)) this.#writer.raw(String(value));
    else this.#writer.string(String(value));
  }

  #char(code: number): void {
    const hex = code.toString(16);
    if (isPrintable(code)) this.#writer.string(String.fromCharCode(code));
    else this.#writer.raw(this.#plain ? `0x${hex}` : `"\\u00${hex.padStart(2, '0')}"`);
  }

  /** A bit-field: its sign is not applied. */
  #bits(value: bigint): void {
    const hex = `0x${value.toString(16)}`;
    if (this.#plain) this.#writer.raw(hex);
    else this.#writer.string(hex);
  }

  #enum(type: Extract<BtfType, { kind: 'enum' | 'enum64' }>, bytes: Uint8Array): void {
    const raw = readBits(bytes, 0, type.size * 8);
    const value = type.signed ? BigInt.asIntN(type.size * 8, raw) : raw;
    const named = type.values.find((entry) => BigInt(entry.value) === value);
    if (named) this.#writer.string(named.name);
    else this.#writer.number(type.size === 4 ? BigInt.asIntN(32, raw) : value);
  }

  #pointer(to: number, value: bigint): void {
    const toFunction = to !== 0 && resolve(this.#btf, to).kind === 'func_proto';
    if (toFunction && this.#functionPointer) this.#writer.string(this.#functionPointer(to, value));
    else if (this.#plain) this.#writer.string(value === 0n ? '(nil)' : `0x${value.toString(16)}`);
    else this.#writer.number(value);
  }

  #array(type: Extract<BtfType, { kind: 'array' }>, bytes: Uint8Array, depth: number): void {
    const size = type.count === 0 ? 0 : sizeOf(this.#btf, type.type);
    const all = bytes.subarray(0, size * type.count);
    if (this.#isText(type.type) && isText(all)) {
      this.#writer.string(cString(all));
      return;
    }
    this.#writer.startArray();
    for (let i = 0; i < type.count; i++) this.write(type.type, piece(bytes, i * size, size), 0, depth + 1);
    this.#writer.endArray();
  }

  /** Only `char` itself counts: a typedef of it may well mean a small number. */
  #isText(id: number): boolean {
    const type = this.#btf.type(skipQualifiers(this.#btf, id));
    return type?.kind === 'int' && type.bits === 8 && type.name === 'char';
  }

  #struct(type: Extract<BtfType, { kind: 'struct' | 'union' }>, bytes: Uint8Array, depth: number): void {
    this.#writer.startObject();
    for (const member of type.members) {
      this.#writer.name(member.name);
      const at = piece(bytes, Math.floor(member.bitOffset / 8));
      if (member.bitfieldSize > 0) this.#bits(readBits(at, member.bitOffset % 8, member.bitfieldSize));
      else this.write(member.type, at, member.bitOffset % 8, depth + 1);
    }
    this.#writer.endObject();
  }

  #section(type: Extract<BtfType, { kind: 'datasec' }>, bytes: Uint8Array, depth: number): void {
    this.#writer.startObject().name(type.name).startArray();
    for (const variable of type.vars)
      this.write(variable.type, piece(bytes, variable.offset, variable.size), 0, depth + 1);
    this.#writer.endArray().endObject();
  }
}

/** The bytes from `at`, at least `size` of them. */
function piece(bytes: Uint8Array, at: number, size = 0): Uint8Array {
  if (at + size > bytes.length) throw new BtfError('the type is larger than its value', `byte ${at}`);
  return size > 0 ? bytes.subarray(at, at + size) : bytes.subarray(at);
}

/** `count` bits from bit `from`, little-endian, unsigned. */
function readBits(bytes: Uint8Array, from: number, count: number): bigint {
  const size = Math.ceil((from + count) / 8);
  if (size > bytes.length) throw new BtfError('the type is larger than its value', `byte ${bytes.length}`);
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return BigInt.asUintN(count, value >> BigInt(from));
}

/** Whether the bytes are printable text with a zero after it. */
function isText(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte === 0) return true;
    if (!isPrintable(byte)) return false;
  }
  return false;
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code < 0x7f;
}
