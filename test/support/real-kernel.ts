/**
 * Tests that ask the machine's kernel. They run where bpf(2) loads programs for this user, and skip with a reason
 * elsewhere. `[kernel]` in the name lets CI see that they ran.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const asked = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('../../tools/house/bpf-works.mjs', import.meta.url))],
  {
    encoding: 'utf8',
  },
);

/** Whether bpf(2) works for this user on this machine. */
export const bpfWorks = asked.status === 0;

/** `describe`, for tests of the machine's kernel. */
export function describeKernel(title: string, body: () => void): void {
  if (bpfWorks) describe(`${title} [kernel]`, body);
  else describe.skip(`${title} [kernel] (bpf(2) does not work for this user here)`, body);
}
