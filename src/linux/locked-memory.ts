/**
 * RLIMIT_MEMLOCK: before Linux 5.11 maps and programs counted as locked memory of their user, of which 64 KiB are usual.
 * Whoever was over it got EPERM, root too. setrlimit(2).
 */
import { view } from '../base/bytes.ts';
import type { System } from '../native/index.ts';

const RLIMIT_MEMLOCK = 8;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** Lifts the limit, or puts it as high as this process may; whether that changed anything. */
export function raiseLockedMemory(system: System): boolean {
  const before = new Uint8Array(16);
  if (system.call('prlimit64', 0, RLIMIT_MEMLOCK, 0, system.addressOf(before)) < 0) return false;
  const soft = view(before).getBigUint64(0, true);
  const hard = view(before).getBigUint64(8, true);
  if (soft === RLIM_INFINITY) return false;
  return set(system, RLIM_INFINITY, RLIM_INFINITY) || (soft < hard && set(system, hard, hard));
}

function set(system: System, soft: bigint, hard: bigint): boolean {
  const limits = new Uint8Array(16);
  view(limits).setBigUint64(0, soft, true);
  view(limits).setBigUint64(8, hard, true);
  return system.call('prlimit64', 0, RLIMIT_MEMLOCK, system.addressOf(limits), 0) >= 0;
}
