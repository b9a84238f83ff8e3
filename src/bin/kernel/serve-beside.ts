/** A kernel that a running command hosts, served to the user's other terminals meanwhile. */
import { rmSync } from 'node:fs';
import { SkepError } from '../../base/errors.ts';
import type { EmbeddedKernel } from '../../kernel/index.ts';

/** Undefined, after a word of warning, where it cannot be served: the command itself works without. */
export async function serveBeside(
  kernel: EmbeddedKernel,
  warn: (message: string) => void,
): Promise<{ close(): Promise<void> } | undefined> {
  const { hostedSocket, serveKernel } = await import('../../remote/index.ts');
  const path = hostedSocket();
  // However the command ends: a socket that nobody serves is no good to anybody.
  process.on('exit', () => rmSync(path, { force: true }));
  try {
    return await serveKernel(kernel, path);
  } catch (error) {
    if (!(error instanceof SkepError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    warn(`other terminals cannot look into this kernel: ${(error as Error).message}`);
    return undefined;
  }
}
