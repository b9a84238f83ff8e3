/** The trace file system: where it is mounted (/proc/mounts says it; nothing is mounted here), and what it lists. */
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

/** Functions that a tracer may be put on; undefined where the list cannot be had. */
export function traceableFunctions(): string[] | undefined {
  try {
    return functionNames(readFileSync(`${tracefs()}/available_filter_functions`, 'utf8'));
  } catch {
    return undefined; // not mounted, not for us to read, or locked down
  }
}

/** Lines are `NAME` or `NAME [MODULE]`; functions that were dropped from the kernel leave a mark in place of a name. */
export function functionNames(text: string): string[] {
  const names = text.split('\n').map((line) => line.split(' ', 1)[0]!);
  return names.filter((name) => name !== '' && !name.startsWith('__ftrace_invalid_address'));
}
