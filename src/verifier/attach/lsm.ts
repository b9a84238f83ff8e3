/**
 * LSM hooks: what a program may answer there, and which of their arguments are to be relied on. Linux:
 * bpf_lsm_verify_prog(), bpf_lsm_get_retval_range().
 */
import { BPF_LSM_CGROUP } from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';

const PREFIX = 'bpf_lsm_';
const MAX_ERRNO = 4095;

/** Hooks that answer yes or no; the others answer 0 or an error. */
const YES_OR_NO = new Set(['xfrm_state_pol_flow_match', 'audit_rule_known', 'inode_xattr_skipcap']);

/** Hooks at which objects are being made or unmade: nothing found through them is to be relied on. */
const UNTRUSTED = new Set([
  'bpf_map_free',
  'bpf_prog_free',
  'file_alloc_security',
  'file_free_security',
  'sk_alloc_security',
  'sk_free_security',
  'task_free',
]);

/** `bpf_lsm_NAME` */
interface Hook {
  readonly name: string;
  /** Type id, 0 for void. */
  readonly ret: number;
}

const nameOf = (hook: Hook): string => hook.name.slice(PREFIX.length);

export function checkHook(env: Env, id: number, name: string): void {
  if (!env.input.gplCompatible) env.reject('EINVAL', 'LSM programs must have a GPL compatible license');
  if (!name.startsWith(PREFIX)) env.reject('EINVAL', `attach_btf_id ${id} points to wrong type name ${name}`);
}

export const hasTrustedArguments = (hook: Hook): boolean => !UNTRUSTED.has(nameOf(hook));

/** What the hook answers, where that is known. */
export function answerOfHook(hook: Hook): readonly [min: number, max: number] | null {
  if (hook.ret === 0) return null;
  return YES_OR_NO.has(nameOf(hook)) ? [0, 1] : [-MAX_ERRNO, 0];
}

/** What a program at the hook may answer, or null where any number will do. */
export function rangeAtHook(env: Env, hook: Hook): readonly [min: number, max: number] | null {
  // Of a cgroup's programs each says whether to go on; where the hook answers nothing, none may stop it.
  if (env.attachType === BPF_LSM_CGROUP) return hook.ret === 0 ? [1, 1] : [0, 1];
  return answerOfHook(hook);
}
