/** Waits for any of some descriptors to become readable, from the event loop: nothing spins, and close ends the wait. */
import type { System } from '../native/index.ts';

export class Waiter {
  closed = false;
  private readonly system: System;
  private readonly fds: readonly number[];
  private wake: (() => void) | undefined;

  constructor(system: System, fds: readonly number[]) {
    this.system = system;
    this.fds = fds;
  }

  /** Resolves when one of them is readable, or at once after `close`. One wait at a time. */
  readable(): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const stops: (() => void)[] = [];
      this.wake = () => {
        if (this.wake === undefined) return;
        this.wake = undefined;
        for (const stop of stops) stop();
        resolve();
      };
      for (const fd of this.fds) stops.push(this.system.onReadable(fd, () => this.wake?.()));
    });
  }

  close(): void {
    this.closed = true;
    this.wake?.();
  }
}
