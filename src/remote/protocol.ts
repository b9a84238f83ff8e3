/**
 * What the two ends say to each other.
 *
 *     client: ['skep', VERSION, pid, comm]            server: ['skep', VERSION, possibleCpus] or ['error', error]
 *     client: [id, method, arguments]                 server: [id, true, answer] or [id, false, error]
 *
 * Methods are those of Kernel by name, `bpffs.list` and its like, and `read` and `closeReader` for a reader that an
 * open method answered the number of. A read is answered when there is something: who does not ask gets nothing, so a
 * slow reader holds up nobody. Answers to other requests come in the order of asking.
 */
import { BpfError, SkepError, UnsupportedError, VerifierError } from '../base/errors.ts';
import type { Value } from './value.ts';

export const MAGIC = 'skep';
/** Changes whenever the two ends would misunderstand each other. */
export const VERSION = 1;

/** An error as a value. What is none of ours tells nothing of the inside but its message. */
export function errorValue(error: unknown): Value {
  if (error instanceof VerifierError) {
    const { errno, log, pc, sourceLine } = error;
    return { kind: 'verifier', errno, log, pc, sourceLine };
  }
  if (error instanceof BpfError) {
    const { op, errno, message, detail } = error;
    return { kind: 'bpf', op, errno, message, detail, answer: error.answer as Value };
  }
  if (error instanceof UnsupportedError) {
    return { kind: 'unsupported', feature: error.feature, since: error.since, message: error.message };
  }
  if (error instanceof SkepError) return { kind: 'skep', code: error.code, message: error.message };
  return { kind: 'other', message: error instanceof Error ? error.message : String(error) };
}

/** The error that `errorValue` was given. */
export function errorOf(value: Value): Error {
  const fields = isRecord(value) ? value : {};
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
  const number = (name: string) => (typeof fields[name] === 'number' ? fields[name] : 0);
  const message = text('message') || 'the kernel answered an error that cannot be read';
  switch (fields['kind']) {
    case 'verifier': {
      const { pc, sourceLine } = fields;
      const where = typeof pc === 'number' ? pc : undefined;
      const line = typeof sourceLine === 'string' ? sourceLine : undefined;
      return new VerifierError(number('errno'), text('log'), where, line);
    }
    case 'bpf': {
      const { answer } = fields;
      const options = isRecord(answer) ? { answer } : {};
      const detail = text('detail') || undefined;
      return withMessage(new BpfError(text('op'), number('errno'), detail, options), message);
    }
    case 'unsupported': {
      const since = text('since');
      return withMessage(new UnsupportedError(text('feature'), since === '' ? {} : { since }), message);
    }
    case 'skep':
      return new SkepError(text('code') || 'ERR_KERNEL', message);
    default:
      return new SkepError('ERR_KERNEL', `the kernel's process failed: ${message}`);
  }
}

function withMessage<E extends Error>(error: E, message: string): E {
  error.message = message;
  return error;
}

export function isRecord(value: unknown): value is { readonly [name: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
