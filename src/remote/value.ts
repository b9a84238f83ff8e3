/**
 * Values on the wire: what bpf(2) calls are made of, u64 and bytes included, in a compact binary form of our own.
 *
 * One tag byte, then:
 *
 *     0 undefined   1 null   2 false   3 true
 *     4 number, as a double (8 bytes)        5 number, as a u32 (4)       6 bigint, as 8 bytes, two's complement
 *     7 text: length u32, UTF-8              8 bytes: length u32
 *     9 list: count u32, values             10 record: count u32, then (text, value) each
 *
 * A bigint outside of 64 bits does not travel; nothing in the interface has one: unsigned ones come back unsigned (tag 6)
 * and negative ones negative (tag 11).
 */
import { utf8 } from '../base/bytes.ts';
import { FormatError } from '../base/errors.ts';

export type Value =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [name: string]: Value };

const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const DOUBLE = 4;
const U32 = 5;
const U64 = 6;
const TEXT = 7;
const BYTES = 8;
const LIST = 9;
const RECORD = 10;
const S64 = 11;

/** Lists in lists: an honest message has five. */
const MAX_DEPTH = 16;

/** Appends values to a buffer that grows. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(room = 256) {
    this.#bytes = new Uint8Array(room);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** Overwrites the u32 at `at`. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  value(value: Value): void {
    switch (typeof value) {
      case 'undefined':
        return this.#tag(UNDEFINED);
      case 'boolean':
        return this.#tag(value ? TRUE : FALSE);
      case 'number':
        return this.#number(value);
      case 'bigint': {
        this.#tag(value < 0n ? S64 : U64);
        const at = this.#reserve(8);
        this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
        return;
      }
      case 'string':
        this.#tag(TEXT);
        return this.#sized(utf8(value));
      default:
        return this.#object(value);
    }
  }

  #number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff && !Object.is(value, -0)) {
      this.#tag(U32);
      this.u32(value);
      return;
    }
    this.#tag(DOUBLE);
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  #object(value: null | Uint8Array | readonly Value[] | { readonly [name: string]: Value }): void {
    if (value === null) return this.#tag(NULL);
    if (value instanceof Uint8Array) {
      this.#tag(BYTES);
      return this.#sized(value);
    }
    if (Array.isArray(value)) {
      this.#tag(LIST);
      this.u32(value.length);
      for (const item of value) this.value(item);
      return;
    }
    const entries = Object.entries(value as { readonly [name: string]: Value });
    this.#tag(RECORD);
    this.u32(entries.length);
    for (const [name, item] of entries) {
      this.#sized(utf8(name));
      this.value(item);
    }
  }

  #tag(tag: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = tag;
  }

  #sized(bytes: Uint8Array): void {
    this.u32(bytes.length);
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #reserve(size: number): number {
    const at = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#at, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** The one value that `bytes` hold. FormatError, with the offset, for anything else. Its parts are copies. */
export function readValue(bytes: Uint8Array): Value {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw new FormatError('bytes after the end of a message', `byte ${reader.at}`);
  return value;
}

const DECODER = new TextDecoder();

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    // Not a Buffer, whose slices would be views of what the socket reads into next.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  value(depth: number): Value {
    if (depth > MAX_DEPTH) throw new FormatError('values nested too deeply', `byte ${this.at}`);
    const tag = this.#bytes[this.#take(1)];
    switch (tag) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case DOUBLE:
        return this.#view.getFloat64(this.#take(8), true);
      case U32:
        return this.#u32();
      case U64:
        return this.#view.getBigUint64(this.#take(8), true);
      case S64:
        return this.#view.getBigInt64(this.#take(8), true);
      case TEXT:
        return this.#text();
      case BYTES: {
        const size = this.#u32();
        const at = this.#take(size);
        return this.#bytes.slice(at, at + size);
      }
      case LIST:
        return this.#list(depth);
      case RECORD:
        return this.#record(depth);
      default:
        throw new FormatError(`unknown kind of value ${tag}`, `byte ${this.at - 1}`);
    }
  }

  #list(depth: number): Value[] {
    const count = this.#count(1);
    const out: Value[] = [];
    for (let i = 0; i < count; i++) out.push(this.value(depth + 1));
    return out;
  }

  #record(depth: number): { [name: string]: Value } {
    const count = this.#count(5);
    const out: { [name: string]: Value } = {};
    for (let i = 0; i < count; i++) {
      const name = this.#text();
      if (name === '__proto__') throw new FormatError('a name that means something to the language', `byte ${this.at}`);
      out[name] = this.value(depth + 1);
    }
    return out;
  }

  #text(): string {
    const size = this.#u32();
    const at = this.#take(size);
    return DECODER.decode(this.#bytes.subarray(at, at + size));
  }

  /** A count of things that take at least `least` bytes each: never more than there is input for. */
  #count(least: number): number {
    const count = this.#u32();
    if (count * least > this.#bytes.length - this.at) {
      throw new FormatError(`${count} values do not fit into the message`, `byte ${this.at - 4}`);
    }
    return count;
  }

  #u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #take(size: number): number {
    const at = this.at;
    if (size > this.#bytes.length - at) throw new FormatError('message ends too early', `byte ${at}`);
    this.at += size;
    return at;
  }
}
