/** koffi, the one optional dependency: how system functions are called from JavaScript. */
import { createRequire } from 'node:module';
import { UnsupportedError } from '../base/errors.ts';

/**
 * What is used of koffi. Said here and not taken from its package, so that a project without the optional dependency
 * still compiles against our types.
 */
export interface Koffi {
  /** A library by path; null is the process itself, where libc is. */
  load(path: string | null): { func(name: string, result: string, args: readonly string[]): NativeFunction };
  view(address: bigint, size: number): ArrayBuffer;
  address(bytes: Uint8Array): bigint;
  errno(): number;
  decode(address: bigint, type: string): unknown;
  readonly node: {
    poll(
      fd: number,
      events: { readable?: boolean; disconnect?: boolean },
      callback: () => void,
    ): { stop(): void; close(): void };
  };
}

export interface NativeFunction {
  (...args: (number | bigint | Uint8Array)[]): number | bigint;
  /** Runs on a thread of libuv's pool; the last argument is called with (error, result). */
  async(...args: (number | bigint | ((error: unknown, result: unknown) => void))[]): void;
}

/** koffi, or an UnsupportedError that says what to install. */
export function loadKoffi(): Koffi {
  try {
    // The CommonJS entry: half the start-up time of the other one, which every short command pays.
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new UnsupportedError('calling system functions', {
      hint: `the package koffi cannot be loaded (${why}); npm install koffi`,
    });
  }
}

/** Calls back whenever `fd` is readable or hung up, from the event loop; answers how to stop. Stopping twice is fine. */
export function onReadable(koffi: Koffi, fd: number, callback: () => void): () => void {
  const handle = koffi.node.poll(fd, { readable: true, disconnect: true }, callback);
  let stopped = false;
  return () => {
    if (stopped) return;
    stopped = true;
    handle.stop();
    handle.close();
  };
}
