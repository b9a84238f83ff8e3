/** How a command says that it failed: with an exit status, and a message, the usage text, or nothing at all. */
import { EACCES, EPERM, errnoOf, strerror } from '../base/errno.ts';
import { BpfError, SkepError } from '../base/errors.ts';

/** What `-1` is after the shell cut it to eight bits. */
export const FAILED = 255;

/** `message` undefined: nothing is printed (a name that matches no program). `cause`: the refusal behind it. */
export class CommandError extends SkepError {
  readonly status: number;
  readonly text: string | undefined;
  constructor(text: string | undefined, status = FAILED, cause?: unknown) {
    super('ERR_COMMAND', text ?? `exit status ${status}`, { cause });
    this.text = text;
    this.status = status;
  }
}

/** The words do not fit the command: its object's usage is the answer. */
export class ShowUsage extends SkepError {
  constructor() {
    super('ERR_USAGE', 'see the usage');
  }
}

/** Ends the command with `Error: text`. */
export function fail(text: string, status = FAILED, cause?: unknown): never {
  throw new CommandError(text, status, cause);
}

/** What bpftool's words leave out where somebody may not, or something is not mounted: what is in the way. */
export function hintOf({ cause }: CommandError): string | undefined {
  const forbidden = cause instanceof BpfError && [EPERM, EACCES].includes(cause.errno);
  return forbidden || (cause instanceof BpfError && cause.op === 'tracefs') ? cause.detail : undefined;
}

/** Ends the command without a word. */
export function failSilently(status = FAILED): never {
  throw new CommandError(undefined, status);
}

/** The positive errno behind an error, or undefined where a kernel or a file did not answer with one. */
export function errnoIn(error: unknown): number | undefined {
  if (error instanceof BpfError) return error.errno;
  return error instanceof SkepError ? errnoOf(error.code) : undefined;
}

/** What strerror(3) says of an error; its message where it has no errno. Bugs pass through. */
export function reason(error: unknown): string {
  if (!(error instanceof SkepError)) throw error;
  const errno = errnoIn(error);
  return errno === undefined ? error.message : strerror(errno);
}

/** Exit status of a handler that returns `-errno`. */
export function statusOf(error: unknown): number {
  const errno = errnoIn(error);
  return errno === undefined ? FAILED : -errno & 0xff;
}

/** Runs `ask`; on refusal ends the command with `Error: what: reason`, exit 255 or, if `errnoStatus`, `-errno`. */
export async function orFail<T>(what: string, ask: Promise<T>, errnoStatus = false): Promise<T> {
  try {
    return await ask;
  } catch (error) {
    const text = reason(error);
    throw new CommandError(`${what}: ${text}`, errnoStatus ? statusOf(error) : FAILED, error);
  }
}
