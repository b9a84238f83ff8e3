/**
 * A BTF object: type information that BTF_LOAD brought, or the kernel's own (id 1, `vmlinux`).
 */
import type { Btf } from '../../btf/index.ts';
import type { Ids } from './ids.ts';
import { KernelObject } from './object.ts';

export class BtfObject extends KernelObject {
  readonly kind = 'btf';
  readonly id: number;
  /** '' for what user space loaded. */
  readonly name: string;
  readonly #ids: Ids<BtfObject>;
  readonly #load: () => Btf;
  #btf: Btf | undefined;

  /** `load` is called once, when somebody first looks at the types. */
  constructor(ids: Ids<BtfObject>, name: string, load: () => Btf) {
    super();
    this.#ids = ids;
    this.#load = load;
    this.name = name;
    this.id = ids.add(this);
  }

  get isKernel(): boolean {
    return this.name !== '';
  }

  get btf(): Btf {
    this.#btf ??= this.#load();
    return this.#btf;
  }

  protected override destroy(): void {
    this.#ids.remove(this.id);
  }
}
