/** Parts of the waist that a kernel does not offer: each asks the same way and says what is missing. */
import { UnsupportedError } from '../base/errors.ts';
import type { NetAttach, Sockets } from './net.ts';

/** A method that answers UnsupportedError: `unsupported('mapping the memory of maps', 'the embedded kernel')`. */
export function unsupported(what: string, kernel: string): () => Promise<never> {
  return async () => {
    throw new UnsupportedError(`${what} in ${kernel}`, { hint: 'the Linux kernel has it: --kernel linux' });
  };
}

export function unsupportedNet(kernel: string): NetAttach {
  const no = unsupported('attaching over netlink', kernel);
  return { query: no, attachXdp: no, detachXdp: no, attachTc: no, detachTc: no, removeClsact: no };
}

export function unsupportedSockets(kernel: string): Sockets {
  const no = unsupported('attaching to sockets', kernel);
  return {
    openPacket: no,
    receive: no,
    attachFilter: no,
    detachFilter: no,
    attachReuseport: no,
    detachReuseport: no,
  };
}
