/** One run of the compiler. The object appears under its name only when it is whole. */
import { spawn } from 'node:child_process';
import { access, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
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
  // Beside the result, so that the last step is a rename, which either happens or does not.
  const folder = await mkdtemp(join(dirname(resolve(output)), '.skep-build-')).catch((error: unknown) => {
    throw cannotWrite(output, error);
  });
  try {
    const made = join(folder, basename(output));
    const status = await runCompiler(compiler, [
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
      '-o',
      made,
    ]);
    if (status !== 0) throw new SkepError('ERR_COMPILE', `the compiler refused '${source}'; nothing was written`);
    await checkWhole(made, output);
    await rename(made, output).catch((error: unknown) => {
      throw cannotWrite(output, error);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runCompiler(compiler: Compiler, args: readonly string[]): Promise<number> {
  return new Promise((resolveStatus, reject) => {
    const child = spawn(compiler.command, [...compiler.args, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', (error) =>
      reject(new SkepError('ERR_NO_COMPILER', `cannot run ${compiler.command}: ${error.message}`, { cause: error })),
    );
    child.once('exit', (code) => resolveStatus(code ?? 1));
  });
}

/** A full disk can leave an empty file behind a compiler that says nothing. */
async function checkWhole(made: string, output: string): Promise<void> {
  const { size } = await stat(made).catch(() => ({ size: 0 }));
  if (size === 0) {
    throw new SkepError('ENOSPC', `the compiler wrote nothing for '${output}': is the disk full? (df -h .)`);
  }
}

function cannotWrite(output: string, error: unknown): SkepError {
  const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
  const hint =
    code === 'ENOSPC' ? ': the disk is full (df -h .)' : code === 'EACCES' ? ': you may not write there' : '';
  return new SkepError(code, `cannot write '${output}'${hint || ` (${code})`}`, { cause: error });
}
