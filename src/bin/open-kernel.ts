/** The kernel that a command line means. */
import { UnsupportedError } from '../base/errors.ts';
import type { Kernel } from '../sys/index.ts';
import type { KernelChoice } from './argv.ts';

export async function openKernel(choice: KernelChoice): Promise<Kernel> {
  if (choice === 'linux') return (await import('../linux/index.ts')).openLinuxKernel();
  throw new UnsupportedError('the embedded kernel');
}
