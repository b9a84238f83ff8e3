/** Memory that two processes share: a file without a name, mapped by both. */
import { ftruncateSync } from 'node:fs';
import { errnoName, strerror } from '../../base/errno.ts';
import { SkepError } from '../../base/errors.ts';
import type { Libc } from './libc.ts';

const MFD_CLOEXEC = 1;
export const SHARED_SIZE = 4096;

/** The file's descriptor. */
export function sharedPage(libc: Libc): number {
  const arena = libc.arena(SHARED_SIZE);
  const fd = libc.memfd_create(arena.at(arena.cString('skep')), MFD_CLOEXEC);
  if (fd < 0) throw new SkepError(errnoName(fd), `cannot make shared memory (${strerror(fd)})`);
  ftruncateSync(fd, SHARED_SIZE);
  return fd;
}
