/** The executable or library that a program is to be attached to: found, read, and made sure of. */
import { UnsupportedError } from '../base/errors.ts';
import { Executable } from '../object/index.ts';
import { AttachError, type AttachOptions } from './attach-options.ts';
import type { BpfProgram } from './program.ts';

export interface TargetFile {
  /** Absolute, or as the caller gave it with `readFile`. */
  readonly path: string;
  readonly file: Executable;
}

/** `name`: a path, or a bare name that is looked for. AttachError where its build id is not the wanted one. */
export async function openTarget(
  program: BpfProgram,
  { readFile }: AttachOptions,
  name: string,
  buildId: string | undefined,
): Promise<TargetFile> {
  const { path, bytes } = readFile
    ? { path: name, bytes: await readFile(name) }
    : await program.kernel.readBinary(name).catch((error: unknown) => {
        if (!(error instanceof UnsupportedError)) throw error;
        throw new AttachError(program, `finding places in ${name} takes reading it: attach({ readFile })`, 'readFile');
      });
  const file = new Executable(bytes);
  if (buildId !== undefined && file.buildId() !== buildId.toLowerCase()) {
    throw new AttachError(program, `${path} has build id ${file.buildId() ?? 'none'}, not ${buildId}`);
  }
  return { path, file };
}
