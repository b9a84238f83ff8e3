/**
 * Compiled modules by their bytes, which have in them all that a program was compiled for: its instructions, the maps it
 * refers to, where its stack is. A program that is loaded again finds its machine code, made as fast as it had become.
 *
 * What was not asked for the longest goes first. One cache an engine.
 */

/** Most modules, and most bytes of them together: machine code takes several times as many. */
const MAX_MODULES = 64;
const MAX_BYTES = 1 << 20;

interface Entry {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly module: WebAssembly.Module;
}

export class ModuleCache {
  /** By a hash of the bytes, the one that was asked for last at the end. */
  readonly #entries = new Map<number, Entry>();
  #bytes = 0;

  /** The module with these bytes. Whoever calls does not change them afterwards. */
  get(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
    const key = hashOf(bytes);
    const known = this.#entries.get(key);
    if (known !== undefined && same(known.bytes, bytes)) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.module;
    }
    const module = new WebAssembly.Module(bytes);
    if (known !== undefined) this.#drop(key, known);
    this.#entries.set(key, { bytes, module });
    this.#bytes += bytes.length;
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= MAX_MODULES && this.#bytes <= MAX_BYTES) break;
      this.#drop(oldest, entry);
    }
    return module;
  }

  #drop(key: number, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes.length;
  }
}

/** How many of a module's bytes its hash looks at. */
const SAMPLES = 256;

function hashOf(bytes: Uint8Array): number {
  let hash = bytes.length;
  const step = Math.max(1, Math.floor(bytes.length / SAMPLES));
  for (let i = bytes.length - 1; i >= 0; i -= step) hash = Math.imul(hash ^ bytes[i]!, 0x9e3779b1) ^ (hash >>> 15);
  return hash;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
