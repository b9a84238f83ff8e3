/**
 * What a reader waits at: a promise that somebody else resolves. No polling, and at most one waiting read.
 */

import { EBUSY } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';

export class Mailbox<T> {
  readonly #take: () => T[];
  #waiting: ((items: T[]) => void) | undefined;
  #closed = false;

  /** `take` answers what is there now, possibly nothing. */
  constructor(take: () => T[]) {
    this.#take = take;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** At least one item; empty once the mailbox is closed. */
  read(): Promise<T[]> {
    if (this.#waiting) return Promise.reject(new BpfError('read', EBUSY, 'this reader is already being read'));
    if (this.#closed) return Promise.resolve([]);
    const items = this.#take();
    if (items.length > 0) return Promise.resolve(items);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /**
   * Something may be there. The waiting read takes it a moment later: what arrives in one go is read in one go, and
   * the program that wrote it is not kept waiting.
   */
  wake(): void {
    if (this.#waiting !== undefined) queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    const resolve = this.#waiting;
    if (resolve === undefined) return;
    const items = this.#take();
    if (items.length === 0) return;
    this.#waiting = undefined;
    resolve(items);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting?.([]);
    this.#waiting = undefined;
  }
}
