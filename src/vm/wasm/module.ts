/** A WebAssembly module as it is written: types, imports, functions, exports, names. */
import { ByteWriter } from './bytes.ts';

const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const KIND_FUNCTION = 0;

export interface FunctionRange {
  /** Bytes from the module's beginning to the body of a function, and its length. */
  readonly offset: number;
  readonly size: number;
}

export class ModuleWriter {
  readonly #types: string[] = [];
  readonly #typeBytes = new ByteWriter();
  readonly #imports = new ByteWriter();
  #importCount = 0;
  #functionImports = 0;
  readonly #functions: { type: number; body: Uint8Array | null; name: string }[] = [];
  readonly #exports = new ByteWriter();
  #exportCount = 0;

  /** The number of a function type: parameters and results, each I32 or I64. */
  type(params: readonly number[], results: readonly number[]): number {
    const key = `${params.join()}:${results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const out = this.#typeBytes;
    out.byte(0x60);
    out.u32(params.length);
    for (const p of params) out.byte(p);
    out.u32(results.length);
    for (const r of results) out.byte(r);
    return this.#types.push(key) - 1;
  }

  /** A memory of at least `pages` pages and at most `maximum`. */
  importMemory(module: string, name: string, pages: number, maximum: number): void {
    this.#importHead(module, name);
    this.#imports.byte(2);
    this.#imports.byte(1);
    this.#imports.u32(pages);
    this.#imports.u32(maximum);
  }

  /** A table of functions. */
  importTable(module: string, name: string): void {
    this.#importHead(module, name);
    this.#imports.byte(1);
    this.#imports.byte(0x70);
    this.#imports.byte(0);
    this.#imports.u32(0);
  }

  /** The number of an imported function. All imports come before the first `declare`. */
  importFunction(module: string, name: string, type: number): number {
    this.#importHead(module, name);
    this.#imports.byte(KIND_FUNCTION);
    this.#imports.u32(type);
    return this.#functionImports++;
  }

  /** The number of a function whose body comes later. */
  declare(type: number, name: string): number {
    return this.#functionImports + this.#functions.push({ type, body: null, name }) - 1;
  }

  /** Gives a declared function its body, as CodeWriter.finish answers it. */
  define(fn: number, body: Uint8Array): void {
    this.#functions[fn - this.#functionImports]!.body = body;
  }

  exportFunction(name: string, fn: number): void {
    this.#exports.name(name);
    this.#exports.byte(KIND_FUNCTION);
    this.#exports.u32(fn);
    this.#exportCount++;
  }

  /** The module, and where the body of each declared function lies in it, in order of declaration. */
  finish(): { bytes: Uint8Array; ranges: FunctionRange[] } {
    const out = new ByteWriter();
    out.bytes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    section(out, SECTION.type, this.#types.length, this.#typeBytes);
    section(out, SECTION.import, this.#importCount, this.#imports);
    const functions = new ByteWriter();
    for (const f of this.#functions) functions.u32(f.type);
    section(out, SECTION.function, this.#functions.length, functions);
    section(out, SECTION.export, this.#exportCount, this.#exports);
    const code = new ByteWriter();
    const ranges: { offset: number; size: number }[] = [];
    for (const f of this.#functions) {
      const body = f.body!;
      code.u32(body.length);
      ranges.push({ offset: code.length, size: body.length });
      code.bytes(body);
    }
    const start = section(out, SECTION.code, this.#functions.length, code);
    this.#names(out);
    return { bytes: out.take(), ranges: ranges.map(({ offset, size }) => ({ offset: start + offset, size })) };
  }

  /** The custom section by which tools and stack traces name functions. */
  #names(out: ByteWriter): void {
    const names = new ByteWriter();
    names.u32(this.#functions.length);
    this.#functions.forEach((f, i) => {
      names.u32(this.#functionImports + i);
      names.name(f.name);
    });
    const body = new ByteWriter();
    body.name('name');
    body.byte(1);
    body.u32(names.length);
    body.bytes(names.take());
    out.byte(SECTION.custom);
    out.u32(body.length);
    out.bytes(body.take());
  }

  #importHead(module: string, name: string): void {
    this.#imports.name(module);
    this.#imports.name(name);
    this.#importCount++;
  }
}

/** Writes a section of `count` things; answers where the things begin. */
function section(out: ByteWriter, id: number, count: number, things: ByteWriter): number {
  const head = new ByteWriter();
  head.u32(count);
  out.byte(id);
  out.u32(head.length + things.length);
  out.bytes(head.take());
  const start = out.length;
  out.bytes(things.take());
  return start;
}
