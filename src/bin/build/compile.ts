/** One run of the compiler. The object appears under its name only when it is whole. */
import { spawn } from 'node:child_process';
import { access, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SkepError } from '../../base/errors.ts';
import { packagePath } from '../package-file.ts';
import type { Compiler } from './find-compiler.ts';

export interface CompileRequest {
  readonly source: string;
  readonly output: string;
  readonly flags: readonly string[];
}

/** Throws SkepError with ERR_COMPILE where the compiler refuses; what it says goes to stderr as it comes. */
export async function compile(compiler: Compiler, { source, output, flags }: CompileRequest): Promise<void> {
  await access(source).catch((error: unknown) => {
    throw new SkepError('ENOENT', `there is no file '${source}'`, { cause: error });
  });
  const object = await runCompiler(compiler, [
    '-mcpu=v3',
    '-O2',
    '-g',
    '-Wall',
    // Paths in the debug information are relative, so that everybody's object is the same.
    `-fdebug-prefix-map=${process.cwd()}=.`,
    `-I${packagePath('include')}`,
    ...compiler.includes.flatMap((include) => ['-idirafter', include]),
    ...flags,
    '-c',
    source,
    // Into our hands rather than a file: compilers crash on a full disk.
    '-o',
    '-',
  ]);
  if (!object) throw new SkepError('ERR_COMPILE', `the compiler refused '${source}'; nothing was written`);
  await writeWhole(output, object);
}

/** The object's bytes, or undefined where the compiler refused. */
function runCompiler(compiler: Compiler, args: readonly string[]): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler.command, [...compiler.args, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.once('error', (error) =>
      reject(new SkepError('ERR_NO_COMPILER', `cannot run ${compiler.command}: ${error.message}`, { cause: error })),
    );
    child.once('close', (status) => resolve(status === 0 ? Buffer.concat(parts) : undefined));
  });
}

/** Writes beside the result and renames, which either happens or does not. */
async function writeWhole(output: string, bytes: Uint8Array): Promise<void> {
  const beside = join(dirname(output), `.${basename(output)}.${process.pid}`);
  try {
    await writeFile(beside, bytes);
    await rename(beside, output);
  } catch (error) {
    await rm(beside, { force: true });
    const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
    throw new SkepError(code, `cannot write '${output}': ${WHY[code] ?? code}`, { cause: error });
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (df -h .)',
  EDQUOT: 'your disk quota is used up',
  EACCES: 'you may not write there',
  ENOENT: 'there is no such folder',
  EISDIR: 'that is a folder',
  EROFS: 'that file system is read-only',
};
