/** Who may call what: the question that rows of helpers.ts and kfuncs.ts answer. */
import { type AttachTypeName, attachTypeName } from './attach-types.ts';
import { type ProgTypeName, progTypeName } from './prog-types.ts';

/** What helpers and kernel functions have in common. */
export interface Callee {
  readonly allowedIn: 'base' | 'all' | readonly ProgTypeName[];
  readonly attach?: Partial<Record<ProgTypeName, readonly AttachTypeName[]>>;
  readonly notAttached?: readonly AttachTypeName[];
  readonly absent?: string;
}

/**
 * Whether a program of the type (BPF_PROG_TYPE_*) and expected attach type (BPF_*) may call it, as far as these decide.
 * Capabilities, the license and sleepability are asked separately. An ext program is asked about by its target's type.
 */
export function mayCall(callee: Callee, progType: number, attachType: number): boolean {
  const type = progTypeName(progType);
  if (type === undefined || callee.absent !== undefined) return false;
  if (callee.allowedIn === 'all') return true;
  if (callee.allowedIn === 'base') return type !== 'lirc_mode2';
  if (!callee.allowedIn.includes(type)) return false;
  const among = callee.attach?.[type];
  const attach = attachTypeName(attachType);
  if (among !== undefined) return attach !== undefined && among.includes(attach);
  return attach === undefined || !callee.notAttached?.includes(attach);
}
