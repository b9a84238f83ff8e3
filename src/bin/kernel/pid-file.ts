/** Which process is the user's kernel: a number beside its socket. Believed only while somebody serves that socket. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runtimeDirectory } from '../../remote/index.ts';

function pidFile(): string {
  return join(runtimeDirectory(), 'kernel.pid');
}

export function writePid(pid: number): void {
  writeFileSync(pidFile(), `${pid}\n`, { mode: 0o600 });
}

export function readPid(): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(), 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined; // none was written
  }
}

/** Removes the file, if it still names that process. */
export function removePid(pid: number): void {
  if (readPid() === pid) rmSync(pidFile(), { force: true });
}
