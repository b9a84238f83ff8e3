/** Global variables: set in the contents of data maps before they are made, read and written while programs run. */
import { EPERM } from '../base/errno.ts';
import { BpfError, BtfError, SkepError } from '../base/errors.ts';
import { type Btf, type BtfValue, decodeValue, encodeValue, sizeOf } from '../btf/index.ts';
import type { CollectionSpec } from '../object/index.ts';
import type { BpfMap } from './map.ts';

/** Contents of the data maps by map name, with `globals` written into them. Throws for a name that is no variable. */
export function applyGlobals(
  spec: CollectionSpec,
  globals: Readonly<Record<string, BtfValue>>,
): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  for (const map of spec.maps.values()) if (map.data) contents.set(map.name, map.data.slice());
  const places = variables(spec);
  for (const [name, value] of Object.entries(globals)) {
    const place = places.get(name);
    if (!place) throw new SkepError('ERR_NO_SUCH_GLOBAL', `the object has no global variable '${name}'`);
    try {
      contents.get(place.map)!.set(encodeVariable(spec.btf!, name, place, value), place.offset);
    } catch (error) {
      if (!(error instanceof BtfError)) throw error;
      throw new SkepError(error.code, `the global variable '${name}': ${error.message}`, { cause: error });
    }
  }
  return contents;
}

function encodeVariable(btf: Btf, name: string, { typeId, size }: Place, value: BtfValue): Uint8Array {
  const bytes = encodeValue(btf, typeId, value, name);
  if (bytes.length <= size) return bytes;
  throw new BtfError(`${name} has room for ${size} bytes, and ${bytes.length} are given`, name);
}

/** The variables of an object that have a place in one of its data maps. */
export function variables(spec: CollectionSpec): Map<string, Place> {
  const { btf } = spec;
  const found = new Map<string, Place>();
  for (const map of spec.maps.values()) {
    const section = btf && map.data && map.isData ? btf.type(map.valueTypeId) : undefined;
    if (!btf || section?.kind !== 'datasec') continue;
    for (const entry of section.vars) {
      const variable = btf.type(entry.type);
      if (variable?.kind !== 'var' || found.has(variable.name)) continue;
      // A flexible array at its end makes the variable larger than its type.
      const size = Math.max(entry.size, sizeOf(btf, variable.type));
      if (entry.offset + size <= map.data!.length) {
        found.set(variable.name, { map: map.name, offset: entry.offset, size, typeId: variable.type });
      }
    }
  }
  return found;
}

/** Where a variable lies: bytes `offset` to `offset + size` of the map's one value. */
interface Place {
  readonly map: string;
  readonly offset: number;
  readonly size: number;
  readonly typeId: number;
}

/** A global variable of a loaded object, as its programs see it now. */
export class BpfGlobal<T extends BtfValue = BtfValue> {
  readonly name: string;
  /** The data map that it lies in: `.bss`, `.data`, `.rodata`… */
  readonly map: BpfMap;
  readonly #place: Place;
  readonly #btf: Btf;

  constructor(name: string, map: BpfMap, place: Place, btf: Btf) {
    this.name = name;
    this.map = map;
    this.#place = place;
    this.#btf = btf;
  }

  /** Its value: by type a number, bigint, boolean, text, array or object. */
  async get(): Promise<T> {
    const { offset, size, typeId } = this.#place;
    const section = await this.map.lookup(FIRST);
    return decodeValue(this.#btf, typeId, section!.subarray(offset, offset + size)) as T;
  }

  /**
   * Sets it, and nothing beside it, while programs run. EPERM for constants, which are fixed when they are loaded (give
   * those as `globals` of `loadCollection`). UnsupportedError where the kernel does not share the memory of maps.
   */
  async set(value: T): Promise<void> {
    const { offset } = this.#place;
    const bytes = encodeVariable(this.#btf, this.name, this.#place, value);
    const memory = await this.map.memory();
    try {
      if (!memory.writable) throw new BpfError('set', EPERM, `the global variable '${this.name}' is a constant`);
      memory.bytes().set(bytes, offset);
    } finally {
      await memory.close();
    }
  }
}

/** The key of a data map's one value. */
const FIRST = new Uint8Array(4);
