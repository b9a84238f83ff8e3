/** The kernel that answers cases: the machine's, a served one, or an embedded one of this command's own. */
import type { ClientIdentity, KernelOptions } from '../../kernel/index.ts';
import type { Kernel } from '../../sys/index.ts';
import type { KernelChoice } from '../argv.ts';
import { openKernel } from '../open-kernel.ts';

export interface CaseHost {
  readonly kernel: Kernel;
  /**
   * The verifier's log of the program that was last asked about, where it was accepted. For programs that are right and
   * still cannot be made, since they call what the embedded kernel does not have.
   */
  acceptedLog(): string | undefined;
}

/**
 * An embedded kernel that nobody else sees: what cases make is gone with it, and thousands of loads stay in this process.
 * Close `kernel` at the end. `identity`: what the caller may do on the embedded kernel; the machine's knows by itself.
 * `options`: how the embedded one runs programs.
 */
export async function openCaseHost(
  choice: KernelChoice,
  identity: Pick<ClientIdentity, 'capabilities'> = {},
  options: Pick<KernelOptions, 'mode' | 'checked' | 'warn'> = {},
): Promise<CaseHost> {
  if (choice !== 'embedded') return { kernel: await openKernel(choice), acceptedLog: () => undefined };
  const { createKernel } = await import('../../kernel/index.ts');
  let accepted: string | undefined;
  const embedded = createKernel({
    mode: 'jit', // what is compared is what programs that go on running do
    ...options,
    onVerdict: (result) => {
      accepted = result.ok ? result.log : undefined;
    },
  });
  return { kernel: embedded.open({ pid: process.pid, comm: 'skep', ...identity }), acceptedLog: () => accepted };
}
