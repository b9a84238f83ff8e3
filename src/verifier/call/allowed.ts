/**
 * Whether the program may call a helper at all: type, attach type, capabilities, what the reference kernel lacks.
 */

import { mayCall } from '../../uapi/call-access.ts';
import { BPF_PROG_TYPE_STRUCT_OPS } from '../../uapi/generated/constants.ts';
import type { ArgKind } from '../../uapi/helper-kinds.ts';
import type { HelperRow } from '../../uapi/helpers.ts';
import { progTypeName as nameOf, type ProgTypeName } from '../../uapi/prog-types.ts';
import { mayCallHelpers } from '../attach/struct-ops.ts';
import type { Env } from '../env.ts';

/** The table's name of the program's type. */
export const progTypeName = (env: Env): ProgTypeName | undefined => nameOf(env.input.progType);

export function isAllowed(env: Env, row: HelperRow): boolean {
  if (row.cap === 'bpf' && !env.caps.bpf) return false;
  if (row.cap === 'perfmon' && !env.caps.perfmon) return false;
  if (env.input.progType === BPF_PROG_TYPE_STRUCT_OPS && !mayCallHelpers(env)) return false;
  return mayCall(row, env.input.progType, env.attachType);
}

/** Whether a program with another license than the GPL's may not call it. */
export function needsGpl(env: Env, row: HelperRow): boolean {
  const type = progTypeName(env);
  return row.gplOnly && !(type && row.anyLicenseIn?.includes(type));
}

/** What the arguments must be in this program type. */
export function argsFor(env: Env, row: HelperRow): readonly ArgKind[] {
  const type = progTypeName(env);
  return row.variants?.find((v) => type && v.in.includes(type))?.args ?? row.args;
}
