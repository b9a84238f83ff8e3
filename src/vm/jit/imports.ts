/** What a program's module takes from outside: JavaScript functions, each once, with the type that its arguments make. */
import { bug } from '../../base/errors.ts';
import type { Callable } from '../code.ts';
import type { Host } from '../host.ts';
import type { ModuleWriter } from '../wasm/module.ts';
import { I32 } from '../wasm/opcodes.ts';

const MODULE = 'skep';

export class ModuleImports {
  readonly #module: ModuleWriter;
  readonly #host: Host;
  readonly #byCallable = new Map<Callable, number>();
  readonly #values: Record<string, WebAssembly.ImportValue>;

  /** Memory and table are there from the start. */
  constructor(module: ModuleWriter, host: Host) {
    this.#module = module;
    this.#host = host;
    this.#values = { memory: host.mem.wasm, table: host.table };
    module.importMemory(MODULE, 'memory', 1, 65536);
    module.importTable(MODULE, 'table');
  }

  get values(): WebAssembly.Imports {
    return { [MODULE]: this.#values };
  }

  /** The number of the function for `callable`, which `add` has made known. */
  of(callable: Callable): number {
    return this.#byCallable.get(callable) ?? bug(`${callable.name} is not imported`);
  }

  /** Before any function of the module is declared. */
  add(callable: Callable): void {
    if (this.#byCallable.has(callable)) return;
    const name = `${this.#byCallable.size}:${callable.name}`;
    this.#byCallable.set(callable, this.#module.importFunction(MODULE, name, this.typeOf(callable)));
    this.#values[name] = callable.call;
  }

  /** The type that the arguments and the answer of a callable make. */
  typeOf(callable: Callable): number {
    const params = Array.from({ length: lanesOf(callable) }, () => I32);
    return this.#module.type(params, callable.ret === 'void' ? [] : [I32]);
  }

  get host(): Host {
    return this.#host;
  }
}

/** How many i32 a callable takes. */
export function lanesOf(callable: Callable): number {
  return [...callable.args].reduce((n, letter) => n + (letter === 'L' ? 2 : 1), 0);
}
