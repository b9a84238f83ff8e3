/** The kernel that a command line means, as a client of it. */
import { SkepError } from '../base/errors.ts';
import type { Kernel } from '../sys/index.ts';
import type { KernelChoice } from './argv.ts';

export async function openKernel(choice: KernelChoice): Promise<Kernel> {
  if (choice === 'linux') return (await import('../linux/index.ts')).openLinuxKernel();
  const remote = await import('../remote/index.ts');
  if (choice !== 'embedded') return remote.connectKernel(choice).catch((error: unknown) => notThere(choice, error));
  const { serverCommand } = await import('./kernel/server-command.ts');
  const current = await remote.currentKernel({ start: true, command: serverCommand() });
  if (!current) throw new SkepError('ERR_KERNEL_START', 'there is no kernel, and none could be started');
  if (current.started) process.stderr.write('skep: started your embedded kernel (skep kernel status)\n');
  return current.kernel;
}

function notThere(path: string, error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const why: Record<string, string> = {
    ENOENT: 'there is nothing at that path',
    ECONNREFUSED: 'nobody serves that socket any more',
    EACCES: 'it belongs to somebody else',
    ENOTSOCK: 'that is no socket',
  };
  if (!(code in why)) throw error;
  throw new SkepError(code, `no kernel at '${path}': ${why[code]}`, { cause: error });
}
