/** What a kernel's refusal was about. A kernel says an errno; which map, program or path was meant only the client knows. */
import { BpfError, VerifierError } from '../base/errors.ts';

/** The error with what it was about in front: `map 'points': user 1000 has no CAP_BPF`. Others stay as they are. */
export function about(what: string, error: unknown): unknown {
  if (!(error instanceof BpfError)) return error;
  if (error instanceof VerifierError) {
    return new VerifierError(error.errno, error.log, error.pc, error.sourceLine, what);
  }
  const detail = error.detail === undefined ? what : `${what}: ${error.detail}`;
  return new BpfError(error.op, error.errno, detail, {
    cause: error,
    ...(error.answer === undefined ? {} : { answer: error.answer }),
  });
}

/** The answer, with errors about `what`. */
export async function asked<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw about(what, error);
  }
}
