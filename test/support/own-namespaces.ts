/**
 * Namespaces of the test's own: what a test makes in them, nobody else sees, and it is gone with them.
 *
 * unshare(2) moves the calling thread, which runs every system call of src/linux and starts every child; Node's worker
 * threads stay where they were.
 */
import { closeSync, openSync } from 'node:fs';
import { loadKoffi } from '../../src/native/index.ts';

const CLONE = { net: 0x40000000, mnt: 0x00020000 } as const;

/** Enters new namespaces; answers how to come back. */
export function enterNamespaces(...kinds: (keyof typeof CLONE)[]): () => void {
  const libc = loadKoffi().load(null);
  const unshare = libc.func('unshare', 'int', ['int']);
  const setns = libc.func('setns', 'int', ['int', 'int']);
  const homes = kinds.map((kind) => openSync(`/proc/thread-self/ns/${kind}`, 'r'));
  if (unshare(kinds.reduce((flags, kind) => flags | CLONE[kind], 0)) !== 0) throw new Error('unshare(2) failed');
  return () => {
    for (const home of homes) {
      if (setns(home, 0) !== 0) throw new Error('setns(2) failed');
      closeSync(home);
    }
  };
}
