/**
 * Puts arguments into a parsed format, byte for byte as the kernel's bstr_printf() does.
 *
 * The kernel first collects the arguments in a buffer of 512 bytes, strings and rendered addresses included: what does
 * not fit of a string is cut, and an argument for which nothing is left is -ENOSPC.
 */
import { alignUp } from '../../base/bytes.ts';
import { ENOSPC } from '../../base/errno.ts';
import type { Conversion, Piece } from './parse.ts';

/** Bytes for the collected arguments. */
const ARGUMENT_ROOM = 512;
/** Digits of a pointer. */
const POINTER_DIGITS = 16;
const SPACE = 0x20;
const ZERO = 0x30;
const SIGNS = [0x20, 0x2b, 0x2d];
/** Addresses from here on are error numbers, and shown as they are. */
const FIRST_ERROR = (1n << 64n) - 4095n;

/** What a format may ask about addresses. */
export interface FormatSource {
  /** The text at `addr` up to its zero, at most `size` - 1 bytes of it; null where it cannot be read. */
  text(where: 'kernel' | 'user' | 'either', addr: bigint, size: number): Uint8Array | null;
  /** `size` bytes of kernel memory, or null. */
  bytes(addr: bigint, size: number): Uint8Array | null;
  /** `name+0xoff/0xsize` of the function at `addr`, or undefined. */
  symbol(addr: bigint): string | undefined;
}

/** The text of at most `size` - 1 bytes, and how long it would be without that limit; or -ENOSPC. */
export function renderFormat(
  pieces: readonly Piece[],
  args: BigUint64Array,
  source: FormatSource,
  size: number,
): { text: Uint8Array; length: number } | number {
  const output = new Output(size);
  const room = new ArgumentRoom(source);
  let next = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      output.put(piece);
      continue;
    }
    const text = room.collect(piece, args[next++] ?? 0n);
    if (typeof text === 'number') return text;
    output.putField(text, piece);
  }
  return { text: output.bytes, length: output.length };
}

/** Bytes as they come, of which only the first are kept. */
class Output {
  length = 0;
  readonly #kept: Uint8Array;

  readonly #size: number;

  /** `size` bytes of room: the last is for the zero. */
  constructor(size: number) {
    this.#size = size;
    this.#kept = new Uint8Array(Math.max(size - 1, 0));
  }

  get bytes(): Uint8Array {
    return this.#kept.subarray(0, Math.min(this.length, this.#kept.length));
  }

  put(text: Uint8Array): void {
    if (this.length < this.#kept.length) this.#kept.set(text.subarray(0, this.#kept.length - this.length), this.length);
    this.length += text.length;
  }

  putField(text: Uint8Array, conversion: Conversion): void {
    // What the kernel rendered while collecting is copied as it is, and counts only as far as there is room.
    if (isRendered(conversion)) this.put(text.subarray(0, Math.max(this.#size - this.length, 0)));
    else this.#putPadded(text, conversion);
  }

  #putPadded(text: Uint8Array, conversion: Conversion): void {
    // Without a width, an address has all its digits.
    const allDigits = conversion.kind.type === 'address' && conversion.width === undefined;
    const width = allDigits ? POINTER_DIGITS : (conversion.width ?? 0);
    const pad = Math.max(width - text.length, 0);
    const zeros = (conversion.zero || allDigits) && !conversion.left && isNumber(conversion);
    const sign = zeros && SIGNS.includes(text[0]!) ? 1 : 0;
    this.put(text.subarray(0, sign));
    if (!conversion.left) this.#fill(zeros ? ZERO : SPACE, pad);
    this.put(text.subarray(sign));
    if (conversion.left) this.#fill(SPACE, pad);
  }

  #fill(byte: number, count: number): void {
    this.#kept.fill(byte, this.length, Math.min(this.length + count, this.#kept.length));
    this.length += count;
  }
}

function isNumber({ kind }: Conversion): boolean {
  return kind.type === 'int' || kind.type === 'address';
}

function isRendered({ kind }: Conversion): boolean {
  if (kind.type === 'string' || kind.type === 'symbol') return !kind.padded;
  return kind.type === 'ip';
}

/** The buffer of collected arguments: how much of it is used, and what it makes of each argument. */
class ArgumentRoom {
  readonly #source: FormatSource;
  #used = 0;

  constructor(source: FormatSource) {
    this.#source = source;
  }

  /** The text of an argument before it is padded with spaces, or -ENOSPC. */
  collect(conversion: Conversion, arg: bigint): Uint8Array | number {
    const { kind } = conversion;
    switch (kind.type) {
      case 'int':
        return this.#takeWords(kind.bits / 8) ?? ascii(integer(conversion, arg));
      case 'address':
        return this.#takeWords(8) ?? ascii(address(kind.hashed, arg));
      case 'char':
        return this.#takeBytes(1) ?? Uint8Array.of(Number(arg & 0xffn));
      case 'string':
        return this.#string(kind.where, arg);
      case 'symbol': {
        const name = ascii(this.#symbol(arg, kind.offset));
        return kind.padded ? (this.#takeWords(8) ?? name) : this.#rendered(name);
      }
      case 'ip':
        return this.#ip(kind.version, kind.plain, arg);
    }
  }

  /** Room for `size` bytes of 4-byte words: null where there is. */
  #takeWords(size: number): number | null {
    const at = alignUp(this.#used, 4);
    if (ARGUMENT_ROOM - at < size) return -ENOSPC;
    this.#used = at + size;
    return null;
  }
  #takeBytes(size: number): number | null {
    if (ARGUMENT_ROOM - this.#used < size) return -ENOSPC;
    this.#used += size;
    return null;
  }

  #string(where: 'kernel' | 'user' | 'either', addr: bigint): Uint8Array | number {
    const left = ARGUMENT_ROOM - this.#used;
    if (left === 0) return -ENOSPC;
    const text = this.#source.text(where, addr, left) ?? new Uint8Array();
    this.#used += text.length + 1;
    return text;
  }

  /** Text that is put into the buffer with a zero, cut to what is left. */
  #rendered(text: Uint8Array): Uint8Array | number {
    const left = ARGUMENT_ROOM - this.#used;
    if (left === 0) return -ENOSPC;
    const kept = text.subarray(0, left - 1);
    this.#used += kept.length + 1;
    return kept;
  }

  #symbol(addr: bigint, offset: boolean): string {
    const symbol = this.#source.symbol(addr);
    if (symbol === undefined) return `0x${addr.toString(16)}`;
    return offset ? symbol : symbol.slice(0, symbol.indexOf('+'));
  }

  #ip(version: 4 | 6, plain: boolean, addr: bigint): Uint8Array | number {
    const size = version === 4 ? 4 : 16;
    if (ARGUMENT_ROOM - this.#used < size) return -ENOSPC;
    const bytes = this.#source.bytes(addr, size) ?? new Uint8Array(size);
    return this.#rendered(ascii(version === 4 ? ipv4(bytes, plain) : ipv6(bytes, plain)));
  }
}

function integer({ kind, plus, space }: Conversion, arg: bigint): string {
  if (kind.type !== 'int') return '';
  const value = kind.signed ? BigInt.asIntN(kind.bits, arg) : BigInt.asUintN(kind.bits, arg);
  const digits = (value < 0n ? -value : value).toString(kind.base);
  const sign = !kind.signed ? '' : value < 0n ? '-' : plus ? '+' : space ? ' ' : '';
  return sign + (kind.upper ? digits.toUpperCase() : digits);
}

function address(hashed: boolean, arg: bigint): string {
  return (hashed && arg !== 0n && arg < FIRST_ERROR ? hashAddress(arg) : arg).toString(16);
}

/** 32 bits that differ for different addresses and do not show them: two programs' lines can be compared. */
function hashAddress(addr: bigint): bigint {
  const mixed = BigInt.asUintN(64, (addr ^ (addr >> 33n)) * 0xff51afd7ed558ccdn);
  return BigInt.asUintN(32, mixed ^ (mixed >> 32n));
}

/** `1.2.30.255`, or `001.002.030.255` when plain. */
function ipv4(bytes: Uint8Array, plain: boolean): string {
  return Array.from(bytes, (b) => (plain ? b.toString().padStart(3, '0') : b.toString())).join('.');
}

/** Eight groups of four digits, with colons between them unless plain. */
function ipv6(bytes: Uint8Array, plain: boolean): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16).padStart(4, '0'));
  return groups.join(plain ? '' : ':');
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
