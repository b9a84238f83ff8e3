/**
 * The descriptor table of one client: small numbers for the objects it may use.
 */
import { EBADF, EMFILE } from '../base/errno.ts';
import type { KernelObject } from './objects/object.ts';

/** What a descriptor may be used for: only map descriptors are ever restricted. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}
export const FULL_ACCESS: Access = { read: true, write: true };

export interface Descriptor {
  readonly object: KernelObject;
  readonly access: Access;
}

/** 0 to 2 are the client's own input and output everywhere, and a program reads 0 as "no descriptor". */
export const FIRST_FD = 3;
/** RLIMIT_NOFILE of a client. */
const MAX_FDS = 1 << 16;

export class FdTable {
  readonly #open = new Map<number, Descriptor>();
  /** Every number below is taken. */
  #free = FIRST_FD;

  get size(): number {
    return this.#open.size;
  }

  get full(): boolean {
    return this.#open.size >= MAX_FDS;
  }

  /** A descriptor for `object`, whose reference passes to the table; -EMFILE drops it. */
  install(object: KernelObject, access: Access = FULL_ACCESS): number {
    if (this.full) {
      object.drop();
      return -EMFILE;
    }
    while (this.#open.has(this.#free)) this.#free++;
    const fd = this.#free++;
    this.#open.set(fd, { object, access });
    object.opened();
    return fd;
  }

  get(fd: number): Descriptor | undefined {
    return this.#open.get(fd);
  }

  close(fd: number): number {
    const descriptor = this.#open.get(fd);
    if (descriptor === undefined) return -EBADF;
    this.#open.delete(fd);
    this.#free = Math.min(this.#free, fd);
    descriptor.object.closed();
    descriptor.object.drop();
    return 0;
  }

  closeAll(): void {
    for (const fd of [...this.#open.keys()]) this.close(fd);
  }

  /** Numbers and what they stand for, ascending. */
  entries(): [number, Descriptor][] {
    return [...this.#open].sort(([a], [b]) => a - b);
  }
}
