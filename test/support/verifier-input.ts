/** What the verifier's tests give it around the instructions: a socket filter of root, without maps and kernel types. */
import type { VerifierInput } from '../../src/verifier/index.ts';

export function socketFilter(insns: Uint8Array, given: Partial<VerifierInput> = {}): VerifierInput {
  return {
    insns,
    name: 'x',
    progType: 1,
    attachType: 0,
    flags: 0,
    gplCompatible: true,
    mapByFd: () => undefined,
    kernelBtf: () => {
      throw new Error('not needed');
    },
    logLevel: 0,
    ...given,
  };
}
