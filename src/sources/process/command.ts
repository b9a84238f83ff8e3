/**
 * Finding the file behind a command, as execvp(3) does: so that a command that cannot run is refused before anything
 * runs.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { EACCES, ENOENT, ENOTDIR, errnoName, strerror } from '../../base/errno.ts';
import { SkepError } from '../../base/errors.ts';

/** Where a command is looked for when there is no PATH: what execvp(3) of glibc and musl agree on. */
const DEFAULT_PATH = '/usr/local/bin:/bin:/usr/bin';

/**
 * Absolute path of the program that `name` means in directory `cwd`.
 *
 * SkepError ENOENT: there is no such command; EACCES: there is, but it cannot be executed (a directory, no x bit).
 */
export function findCommand(name: string, path: string | undefined, cwd: string): string {
  if (name === '') refuse(ENOENT, 'the command is empty');
  if (name.includes('/')) {
    const file = resolve(cwd, name);
    const why = whyNotExecutable(file);
    if (why !== 0) refuse(why, `cannot run ${name}`);
    return file;
  }
  let worst = ENOENT;
  for (const dir of (path ?? DEFAULT_PATH).split(':')) {
    const file = resolve(cwd, dir, name);
    const why = whyNotExecutable(file);
    if (why === 0) return file;
    if (why === EACCES && isFile(file)) worst = EACCES; // a directory we may not look into does not count
  }
  if (worst === EACCES) refuse(EACCES, `cannot run ${name}: no file of that name in PATH may be executed`);
  return refuse(ENOENT, `cannot run ${name}: it is in no directory of PATH`);
}

/** SkepError ENOENT or ENOTDIR where a process cannot be started in `cwd`. */
export function checkDirectory(cwd: string): void {
  const stat = statSync(cwd, { throwIfNoEntry: false });
  if (stat === undefined) refuse(ENOENT, `cannot start in ${cwd}`);
  if (!stat.isDirectory()) refuse(ENOTDIR, `cannot start in ${cwd}`);
}

function refuse(errno: number, what: string): never {
  throw new SkepError(errnoName(errno), `${what} (${strerror(errno)})`);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** 0, ENOENT or EACCES. */
function whyNotExecutable(file: string): number {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return ENOENT;
    if (!stat.isFile()) return EACCES;
    accessSync(file, constants.X_OK);
    return 0;
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM' ? EACCES : ENOENT;
  }
}
