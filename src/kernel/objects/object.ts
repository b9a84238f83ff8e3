/**
 * Kernel objects: what descriptors, pins, links and other objects refer to, counted.
 *
 * Whoever makes an object holds its first reference. `hold` takes one more, `drop` gives one back, and the last one
 * destroys the object at once: nothing of ours runs concurrently, so there is no grace period.
 */
import { bug } from '../../base/errors.ts';

export type ObjectKind = 'prog' | 'map' | 'btf' | 'link' | 'perf_event' | 'cgroup' | 'stats' | 'iter';

export abstract class KernelObject {
  abstract readonly kind: ObjectKind;
  #references = 1;

  hold(): this {
    if (this.#references === 0) bug(`a ${this.kind} that is gone was taken hold of`);
    this.#references++;
    return this;
  }

  drop(): void {
    if (this.#references === 0) bug(`a ${this.kind} was dropped once too often`);
    if (--this.#references === 0) this.destroy();
  }

  /** A descriptor or a pin refers to it from now on, beside what `hold` counts. */
  opened(): void {}
  /** That descriptor or pin is gone. */
  closed(): void {}

  /** The last reference is gone: gives back what the object itself held. */
  protected abstract destroy(): void;
}
