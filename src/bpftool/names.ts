/**
 * What bpftool calls program, map, attach and link types: by number, in the order of the ABI. The facts end with the
 * reference kernel; bpftool 7.8 also knows what came after it, and so do its lists.
 */
import { ATTACH_TYPES } from '../uapi/attach-types.ts';
import { LINK_TYPES } from '../uapi/link-types.ts';
import { MAP_TYPES } from '../uapi/map-types.ts';
import { PROG_TYPES } from '../uapi/prog-types.ts';

export const PROG_TYPE_NAMES = named(PROG_TYPES, []);
export const MAP_TYPE_NAMES = named(MAP_TYPES, ['insn_array', 'rhash']);
export const ATTACH_TYPE_NAMES = named(ATTACH_TYPES, [
  'trace_fsession',
  'trace_fentry_multi',
  'trace_fexit_multi',
  'trace_fsession_multi',
]);
export const LINK_TYPE_NAMES = named(LINK_TYPES, ['tracing_multi']);

/** Names by number; 0 is `unspec` where no row has it. `newer` follows the last row. */
function named(rows: Readonly<Record<string, { readonly id: number }>>, newer: readonly string[]): readonly string[] {
  const names: string[] = ['unspec'];
  for (const [name, { id }] of Object.entries(rows)) names[id] = name;
  return [...names, ...newer];
}
