/** Where the trace file system is mounted: /proc/mounts says it. Nothing is mounted here. */
import { readFileSync } from 'node:fs';
import { ENOENT } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';

/** Its path; ENOENT where it is not mounted. */
export function tracefs(): string {
  for (const [type, under] of [
    ['tracefs', ''],
    ['debugfs', '/tracing'],
  ] as const) {
    for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
      const [, path, kind] = line.split(' ');
      if (kind === type && path !== undefined) return path.replaceAll('\\040', ' ') + under;
    }
  }
  throw new BpfError(
    'tracefs',
    ENOENT,
    'the trace file system is not mounted: mount -t tracefs tracefs /sys/kernel/tracing',
  );
}
