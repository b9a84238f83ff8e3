/** koffi, the one optional dependency: how system functions are called from JavaScript. */
import { createRequire } from 'node:module';
import { UnsupportedError } from '../base/errors.ts';

export type Koffi = typeof import('koffi');

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
