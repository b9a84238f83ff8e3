/** Files that a person named: what is wrong with one is said with its name. */
import { SkepError } from '../../base/errors.ts';

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
};

/** Throws what kept the file from being read: the system, or its own contents. Other errors pass. */
export function cannotRead(path: string, error: unknown): never {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (!(error instanceof SkepError) && syscall === undefined) throw error;
  throw new SkepError(code ?? 'EIO', `cannot read '${path}': ${WHY[code ?? ''] ?? message}`, { cause: error });
}
