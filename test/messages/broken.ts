/** The objects of examples/verifier: each has a program `broken`, which the verifier refuses, and one `mended`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VerifierError } from '../../src/base/errors.ts';
import { loadCollection } from '../../src/client/index.ts';
import type { Kernel } from '../../src/sys/index.ts';

/** What a kernel says to `broken`; addresses of maps are its own. */
export async function refusalOf(kernel: Kernel, root: string, name: string): Promise<VerifierError> {
  const object = readFileSync(join(root, `examples/verifier/${name}.bpf.o`));
  try {
    await (await loadCollection(kernel, object, { programs: ['broken'] })).close();
  } catch (error) {
    if (error instanceof VerifierError) return error;
    throw error;
  }
  throw new Error(`examples/verifier/${name}.bpf.o: 'broken' is accepted`);
}

/** The last lines of the log, without the count at its end. */
export async function endOfLog(kernel: Kernel, root: string, name: string, lines: number): Promise<string> {
  const { log } = await refusalOf(kernel, root, name);
  const said = log
    .replace(/= 0xffff[0-9a-f]{12}/g, '= 0xffff…')
    .trimEnd()
    .split('\n');
  return said.slice(-lines - 1, -1).join('\n');
}
