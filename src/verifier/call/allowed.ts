/**
 * Whether the program may call a helper at all: type, attach type, capabilities, what the reference kernel lacks.
 */

import { ATTACH_TYPES, type AttachTypeRow } from '../../uapi/attach-types.ts';
import { mayCall } from '../../uapi/call-access.ts';
import { BPF_PROG_TYPE_STRUCT_OPS } from '../../uapi/generated/constants.ts';
import type { ArgKind } from '../../uapi/helper-kinds.ts';
import type { HelperRow } from '../../uapi/helpers.ts';
import { progTypeName as nameOf, type ProgTypeName } from '../../uapi/prog-types.ts';
import { mayCallHelpers } from '../attach/struct-ops.ts';
import type { Env } from '../env.ts';
import type { Kfunc } from '../structure/kfuncs.ts';
import { helperById } from './effects.ts';

/** The table's name of the program's type. */
export const progTypeName = (env: Env): ProgTypeName | undefined => nameOf(env.input.progType);

function isAllowed(env: Env, row: HelperRow): boolean {
  if (row.cap === 'bpf' && !env.caps.bpf) return false;
  if (row.cap === 'perfmon' && !env.caps.perfmon) return false;
  if (env.input.progType === BPF_PROG_TYPE_STRUCT_OPS && !mayCallHelpers(env)) return false;
  return mayCall(row, env.input.progType, env.attachType);
}

/**
 * Whether a helper can be looked up before the walk, as Linux does to see that it sleeps: programs that are part of a
 * structure have none yet.
 */
export function isFoundBeforeWalk(env: Env, id: number): boolean {
  const row = helperById(id)?.row;
  return row !== undefined && env.input.progType !== BPF_PROG_TYPE_STRUCT_OPS && isAllowed(env, row);
}

/** Whether the program may call a function of the kernel. */
export function isKfuncAllowed(env: Env, { row }: Kfunc): boolean {
  return row !== undefined && (row.allowedIn === 'base' || mayCall(row, env.input.progType, env.attachType));
}

/** Whether a program with another license than the GPL's may not call it. */
export function needsGpl(env: Env, row: HelperRow): boolean {
  const type = progTypeName(env);
  if (!row.gplOnly || (type && row.anyLicenseIn?.includes(type))) return false;
  return !row.anyLicenseAt?.some((at) => (ATTACH_TYPES as Record<string, AttachTypeRow>)[at]!.id === env.attachType);
}

/** A helper as this program sees it. */
export interface KnownHelper {
  readonly name: string;
  /** As messages call it: `bpf_map_lookup_elem#1`. */
  readonly title: string;
  readonly row: HelperRow;
  readonly allowed: boolean;
  readonly args: readonly ArgKind[];
}

/** Helper number `id`; undefined where there is none. */
export function helperFor(env: Env, id: number): KnownHelper | undefined {
  const known = env.helpers.get(id);
  if (known) return known;
  const helper = helperById(id);
  if (!helper) return undefined;
  const { name, row } = helper;
  const made = { name, title: `bpf_${name}#${id}`, row, allowed: isAllowed(env, row), args: argsFor(env, row) };
  env.helpers.set(id, made);
  return made;
}

/** What the arguments must be in this program type. */
function argsFor(env: Env, row: HelperRow): readonly ArgKind[] {
  const type = progTypeName(env);
  return row.variants?.find((v) => type && v.in.includes(type))?.args ?? row.args;
}
