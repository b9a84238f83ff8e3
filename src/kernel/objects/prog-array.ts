/**
 * Which programs may stand in a prog array, and use it: those of the sort of the first one.
 */
import {
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
  BPF_PROG_TYPE_CGROUP_SOCKOPT,
  BPF_PROG_TYPE_EXT,
  BPF_PROG_TYPE_LSM,
  BPF_PROG_TYPE_STRUCT_OPS,
  BPF_PROG_TYPE_TRACING,
} from '../../uapi/generated/constants.ts';
import type { LiveMap } from './map.ts';
import type { LoadedProg } from './prog.ts';

/** What programs that tail-call one another must have in common. */
export interface ProgSort {
  readonly type: number;
  /** Only where it decides what the program's context is. */
  readonly attachType: number;
}

/** Attach types of these program types say which fields the context has. */
const ATTACH_TYPE_MATTERS: ReadonlySet<number> = new Set([
  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
  BPF_PROG_TYPE_CGROUP_SOCKOPT,
  BPF_PROG_TYPE_TRACING,
  BPF_PROG_TYPE_LSM,
  BPF_PROG_TYPE_EXT,
  BPF_PROG_TYPE_STRUCT_OPS,
]);

export function sortOf(type: number, attachType: number): ProgSort {
  return { type, attachType: ATTACH_TYPE_MATTERS.has(type) ? attachType : 0 };
}

/** Whether `sort` fits the map; the first one that asks settles it. Maps of other types take every program. */
export function settleSort(map: LiveMap, sort: ProgSort): boolean {
  if (map.def.type !== BPF_MAP_TYPE_PROG_ARRAY) return true;
  map.owner ??= sort;
  return map.owner.type === sort.type && map.owner.attachType === sort.attachType;
}

export function mayEnter(prog: LoadedProg, map: LiveMap): boolean {
  return settleSort(map, sortOf(prog.type, prog.attachType));
}
