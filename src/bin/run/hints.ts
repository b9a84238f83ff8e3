/** What a person can do about a refusal that says only what is wrong. */
import { ENOMEM } from '../../base/errno.ts';
import { BpfError, VerifierError } from '../../base/errors.ts';

const IN_LOG: readonly (readonly [words: string, hint: string])[] = [
  [
    'cannot call GPL-restricted function',
    'say the licence, as char LICENSE[] SEC("license") = "GPL"; or do without that helper',
  ],
  ['invalid func unknown#', 'this helper exists in no Linux; skep feature probe lists those that do'],
];

/** Undefined where there is nothing to add. */
export function hintFor(error: unknown): string | undefined {
  if (error instanceof VerifierError) return IN_LOG.find(([words]) => error.log.includes(words))?.[1];
  if (error instanceof BpfError && error.op === 'BPF_MAP_CREATE' && error.errno === ENOMEM) {
    return 'make it smaller; the embedded kernel has 1 GiB for all maps and programs together';
  }
  return undefined;
}
