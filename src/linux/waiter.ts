/** Waits for any of some descriptors to become readable, from the event loop: nothing spins, and close ends the wait. */
import type { System } from '../native/index.ts';

/** Reads in a row that found something, before everybody else has a turn. */
const STREAK = 16;

export class Waiter {
  closed = false;
  private streak = 0;
  private readonly system: System;
  private readonly fds: readonly number[];
  private wake: (() => void) | undefined;

  constructor(system: System, fds: readonly number[]) {
    this.system = system;
    this.fds = fds;
  }

  /** Resolves when one of them is readable, or at once after `close`. One wait at a time. */
  readable(): Promise<void> {
    this.streak = 0;
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

  /** Waits `ms`, or until `close`. */
  pause(ms: number): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        this.wake = undefined;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Lets the event loop turn now and then: a reader that always finds records would keep timers and sockets waiting. */
  async breathe(): Promise<void> {
    if (++this.streak % STREAK === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  close(): void {
    this.closed = true;
    this.wake?.();
  }
}
