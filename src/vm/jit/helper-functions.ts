/** The functions of one module that stand for helpers: each is written when a call of it is. */
import { BPF_FUNC_get_prandom_u32 } from '../../uapi/generated/constants.ts';
import type { Callable } from '../code.ts';
import { type MapFacts, mapFacts } from '../helpers/facts.ts';
import { helperWriter, mapWriter, unknownMapWriter } from '../helpers/functions.ts';
import { writeHashRest } from '../helpers/hash-table.ts';
import { HelperFunction, MapFunction } from '../helpers/helper-function.ts';
import { CodeWriter } from '../wasm/code.ts';
import type { ModuleWriter } from '../wasm/module.ts';
import { lanesOf, type ModuleImports } from './imports.ts';

export class HelperFunctions {
  readonly #module: ModuleWriter;
  readonly #imports: ModuleImports;
  /** By helper and map; null where JavaScript does it. */
  readonly #made = new Map<string, number | null>();

  constructor(module: ModuleWriter, imports: ModuleImports) {
    this.#module = module;
    this.#imports = imports;
  }

  /** The number of the function that does `callable`, helper `id`, on the map at `map` (0: none is known); or null. */
  of(id: number, callable: Callable, map: number): number | null {
    const key = `${id}:${map}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#make(id, callable, map);
    this.#made.set(key, made);
    return made;
  }

  /** What a probe of the hash table at `map` leaves to be looked at: (element, key) -> value. */
  hashRest(facts: MapFacts, callable: Callable): number {
    const key = `rest:${facts.addr}`;
    const known = this.#made.get(key);
    if (known) return known;
    const code = new CodeWriter(2);
    writeHashRest(code, facts, this.#imports.host.control);
    const fn = this.#module.declare(this.#imports.typeOf(callable), `skep_${callable.name}_rest`);
    this.#module.define(fn, code.finish());
    this.#made.set(key, fn);
    return fn;
  }

  #make(id: number, callable: Callable, map: number): number | null {
    const { host } = this.#imports;
    const lanes = lanesOf(callable);
    const code = new CodeWriter(lanes);
    const helper = this.#imports.of(callable);
    const isLeft = id === BPF_FUNC_get_prandom_u32 && !host.hasSeed;
    const ofAny = map === 0 ? unknownMapWriter(id, callable.args) : undefined;
    const ownWriter = isLeft ? undefined : (helperWriter(id, callable.args) ?? ofAny);
    if (ownWriter) {
      ownWriter(new HelperFunction(code, helper, lanes, host.control));
    } else {
      const facts = map === 0 ? undefined : mapFacts(host.mem, map);
      const writer = facts && mapWriter(id, callable.args, facts);
      if (!writer) return null;
      writer(new MapFunction(code, helper, lanes, host.control, facts));
    }
    const fn = this.#module.declare(this.#imports.typeOf(callable), `skep_${callable.name}`);
    this.#module.define(fn, code.finish());
    return fn;
  }
}
