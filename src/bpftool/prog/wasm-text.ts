/**
 * A WebAssembly module as text: each function's instructions in the words of the text format, with where they stand.
 *
 * Covers what a compiler of integer code emits (MVP without floats' arithmetic, sign extension, tail calls, bulk
 * memory, atomics); an opcode outside of it shows as its number and ends the function. Any bytes give lines or a
 * FormatError. Format: WebAssembly core specification, section 5.
 */
import { FormatError } from '../../base/errors.ts';
import { ATOMIC_OPS, IMMEDIATES, OPS, PREFIXED_OPS } from './wasm-opcodes.ts';

export interface WasmLine {
  /** Bytes from the start of the function's code. */
  readonly at: number;
  readonly operation: string;
  readonly operands: readonly string[];
  readonly bytes: Uint8Array;
}

export interface WasmFunction {
  readonly lines: readonly WasmLine[];
}

const CODE_SECTION = 10;
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VALUE_TYPES: Readonly<Record<number, string>> = {
  127: 'i32',
  126: 'i64',
  125: 'f32',
  124: 'f64',
  112: 'funcref',
  111: 'externref',
};
const BLOCK_EMPTY = 0x40;

export function isWasm(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** The module's own functions, in order. */
export function disassembleWasm(bytes: Uint8Array): WasmFunction[] {
  const reader = new Reader(bytes, 8, bytes.length);
  while (!reader.atEnd) {
    const id = reader.byte();
    const size = reader.u32();
    if (id !== CODE_SECTION) {
      reader.skip(size);
      continue;
    }
    const section = reader.part(size);
    const count = section.u32();
    const out: WasmFunction[] = [];
    for (let i = 0; i < count; i++) out.push({ lines: functionLines(section.part(section.u32())) });
    return out;
  }
  return [];
}

function functionLines(body: Reader): WasmLine[] {
  const lines: WasmLine[] = [];
  for (let groups = body.u32(); groups > 0; groups--) {
    const at = body.at;
    const count = body.u32();
    const type = VALUE_TYPES[body.byte()] ?? 'type';
    lines.push(line(body, at, 'local', [`${type}*${count}`]));
  }
  while (!body.atEnd) {
    const at = body.at;
    const { operation, operands, known } = instruction(body);
    lines.push(line(body, at, operation, operands));
    if (!known) break;
  }
  return lines;
}

function line(body: Reader, at: number, operation: string, operands: string[]): WasmLine {
  return { at: at - body.start, operation, operands, bytes: body.bytes.subarray(at, body.at) };
}

function instruction(body: Reader): { operation: string; operands: string[]; known: boolean } {
  const opcode = body.byte();
  if (opcode === 0xfc || opcode === 0xfe) {
    const sub = body.u32();
    const [name, immediate] = (opcode === 0xfc ? PREFIXED_OPS : ATOMIC_OPS)[sub] ?? [undefined, ''];
    if (name === undefined) return { operation: `0x${opcode.toString(16)} ${sub}`, operands: [], known: false };
    return { operation: name, operands: immediates(body, immediate), known: true };
  }
  const name = OPS[opcode];
  if (name === undefined) return { operation: `0x${opcode.toString(16)}`, operands: [], known: false };
  return { operation: name, operands: immediates(body, IMMEDIATES[opcode] ?? ''), known: true };
}

/** One letter an immediate: u index, i/I signed 32/64, m memory argument, b block type, t table of labels, f/F float. */
function immediates(body: Reader, kinds: string): string[] {
  const out: string[] = [];
  for (const kind of kinds) {
    switch (kind) {
      case 'u':
        out.push(String(body.u32()));
        break;
      case 'i':
      case 'I':
        out.push(String(body.signed()));
        break;
      case 'm': {
        const align = body.u32();
        const offset = body.u32();
        if (offset !== 0) out.push(`offset=${offset}`);
        out.push(`align=${2 ** Math.min(align, 16)}`);
        break;
      }
      case 'b': {
        const type = body.signed();
        const value = VALUE_TYPES[Number(type) & 0x7f];
        if (Number(type) >= 0) out.push(`type=${type}`);
        else if ((Number(type) & 0x7f) !== BLOCK_EMPTY && value) out.push(value);
        break;
      }
      case 't':
        for (let n = body.u32() + 1; n > 0; n--) out.push(String(body.u32()));
        break;
      case 'f':
        body.skip(4);
        break;
      case 'F':
        body.skip(8);
        break;
    }
  }
  return out;
}

class Reader {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.at = start;
  }

  get atEnd(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw new FormatError('the WebAssembly module ends early', `byte ${this.at}`);
    return this.bytes[this.at++]!;
  }

  skip(size: number): void {
    if (size > this.end - this.at) throw new FormatError('the WebAssembly module ends early', `byte ${this.at}`);
    this.at += size;
  }

  part(size: number): Reader {
    const start = this.at;
    this.skip(size);
    return new Reader(this.bytes, start, start + size);
  }

  u32(): number {
    return Number(BigInt.asUintN(32, this.#leb(false)));
  }

  signed(): bigint {
    return this.#leb(true);
  }

  #leb(signed: boolean): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) !== 0) continue;
      return signed ? BigInt.asIntN(Number(shift) + 7, value) : value;
    }
    throw new FormatError('a number of the WebAssembly module is too long', `byte ${this.at}`);
  }
}
