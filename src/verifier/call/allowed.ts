/**
 * Whether the program may call a helper at all: type, attach type, capabilities, what the reference kernel lacks.
 */

import { ATTACH_TYPES, type AttachTypeRow } from '../../uapi/attach-types.ts';
import type { ArgKind } from '../../uapi/helper-kinds.ts';
import type { HelperRow } from '../../uapi/helpers.ts';
import { PROG_TYPES, type ProgTypeName } from '../../uapi/prog-types.ts';
import type { Env } from '../env.ts';

const TYPE_NAMES: ReadonlyMap<number, ProgTypeName> = new Map(
  Object.entries(PROG_TYPES).map(([name, row]) => [row.id, name as ProgTypeName]),
);

const attachId = (name: string): number => (ATTACH_TYPES as Record<string, AttachTypeRow>)[name]!.id;

/** The table's name of the program's type; an extension stands for what it replaces. */
export function progTypeName(env: Env): ProgTypeName | undefined {
  const { progType, attachProg } = env.input;
  const name = TYPE_NAMES.get(progType);
  return name === 'ext' && attachProg ? TYPE_NAMES.get(attachProg.progType) : name;
}

export function isAllowed(env: Env, row: HelperRow): boolean {
  if (row.absent) return false;
  if (row.cap === 'bpf' && !env.caps.bpf) return false;
  if (row.cap === 'perfmon' && !env.caps.perfmon) return false;
  const type = progTypeName(env);
  if (!type) return false;
  if (row.allowedIn === 'base') {
    if (type === 'lirc_mode2') return false;
  } else if (row.allowedIn !== 'all' && !row.allowedIn.includes(type)) {
    return false;
  }
  const attach = row.attach?.[type];
  return !attach || attach.some((name) => attachId(name) === env.attachType);
}

/** What the arguments must be in this program type. */
export function argsFor(env: Env, row: HelperRow): readonly ArgKind[] {
  const type = progTypeName(env);
  return row.variants?.find((v) => type && v.in.includes(type))?.args ?? row.args;
}
