/**
 * The flags of maps: which ones a definition may carry, and what the flags of an update ask for.
 */
import { EEXIST, EINVAL, ENOENT } from '../base/errno.ts';
import {
  BPF_EXIST,
  BPF_F_LOCK,
  BPF_F_NUMA_NODE,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY,
  BPF_F_WRONLY_PROG,
  BPF_NOEXIST,
} from '../uapi/generated/constants.ts';
import type { MapDef } from './map.ts';

/** What a descriptor of the map may be used for: any map has these. */
export const SYSCALL_ACCESS = BPF_F_RDONLY | BPF_F_WRONLY;
/** What programs may do with the values: maps whose values programs reach. */
export const PROG_ACCESS = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
/** The flags that nearly every type takes. */
export const COMMON_FLAGS = BPF_F_NUMA_NODE | SYSCALL_ACCESS | PROG_ACCESS;

/** Largest value of a per-CPU map: what Linux's per-CPU allocator gives out in one piece. */
export const MAX_PERCPU_VALUE = 32 * 1024;
/** The largest piece of memory that Linux's allocator gives out: bounds elements that are allocated one by one. */
export const MAX_ELEMENT = 4 * 1024 * 1024;

/** Whether `def` has only `allowed` flags, and does not forbid programs both reading and writing. */
export function flagsAllowed(def: MapDef, allowed: number): boolean {
  return (def.flags & ~allowed) === 0 && (def.flags & PROG_ACCESS) !== PROG_ACCESS;
}

/** Whether the flags of an update of a keyed element are ones that exist, and BPF_F_LOCK has a lock to take. */
export function checkUpdateFlags(def: MapDef, flags: number): number {
  if ((flags & ~BPF_F_LOCK) >>> 0 > BPF_EXIST) return -EINVAL;
  if ((flags & BPF_F_LOCK) !== 0 && !hasSpinLock(def)) return -EINVAL;
  return 0;
}

/** Whether BPF_NOEXIST or BPF_EXIST forbids updating a key that is (not) there: 0 where not. */
export function checkExistence(exists: boolean, flags: number): number {
  const want = flags & ~BPF_F_LOCK;
  if (exists && want === BPF_NOEXIST) return -EEXIST;
  if (!exists && want === BPF_EXIST) return -ENOENT;
  return 0;
}

/** The flags of bpf(2) as the 32 bits that maps look at; -1 where a higher bit is set: no map knows one. */
export function low32(flags: bigint): number {
  return flags >> 32n === 0n ? Number(flags) : -1;
}

export function hasSpinLock(def: MapDef): boolean {
  return def.special?.some((field) => field.kind === 'bpf_spin_lock') ?? false;
}
