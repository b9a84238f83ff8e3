/** Executables and libraries by the names that people give them: execvp(3), ld.so(8). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EIO, ENOENT, errnoOf } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';

const MACHINE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const LIBRARY_DIRECTORIES = [`/usr/lib/${MACHINE}-linux-gnu`, `/lib/${MACHINE}-linux-gnu`, '/usr/lib64', '/usr/lib'];
const PROGRAM_DIRECTORIES = ['/usr/bin', '/usr/sbin'];

/** `name` with a slash is a path; one with `.so` is a library; any other a program. */
export async function readBinary(name: string): Promise<{ path: string; bytes: Uint8Array }> {
  for (const path of candidates(name)) {
    try {
      return { path, bytes: new Uint8Array(await readFile(path)) };
    } catch (cause) {
      const errno = errnoOf((cause as NodeJS.ErrnoException).code ?? '') ?? EIO;
      if (errno !== ENOENT || path === name) throw new BpfError('open', errno, path, { cause });
    }
  }
  throw new BpfError('open', ENOENT, `${name} is in none of the directories where such files are`);
}

function candidates(name: string): string[] {
  if (name.includes('/')) return [name];
  const isLibrary = /\.so(\.|$)/.test(name);
  const said = (process.env[isLibrary ? 'LD_LIBRARY_PATH' : 'PATH'] ?? '').split(':').filter(Boolean);
  return [...said, ...(isLibrary ? LIBRARY_DIRECTORIES : PROGRAM_DIRECTORIES)].map((directory) =>
    join(directory, name),
  );
}
