/**
 * System calls of the machine that skep runs on.
 *
 * The embedded kernel's world is an x86-64 one, so calls have one name and one number above this file, whatever the
 * machine: those of uapi/syscalls.ts. Here the machine's own numbers are turned into them.
 */
import { SkepError } from '../../../base/errors.ts';
import { SYSCALLS, SYSCALLS_BY_NAME } from '../../../uapi/syscalls.ts';
import type { Machine } from '../seccomp.ts';
import { ARM64_SYSCALLS } from './arm64.ts';

/** From here on a call has the same number on every machine. */
const COMMON_FROM = 424;

export interface MachineSyscalls {
  /** The x86-64 number of this machine's call, or undefined for a call that x86-64 does not have. */
  toX64(nr: number): number | undefined;
  /** This machine's number of an x86-64 call, or undefined where it does not have it. */
  fromX64(nr: number): number | undefined;
}

export function machineSyscalls(machine: Machine): MachineSyscalls {
  if (machine === 'x64') return { toX64: (nr) => nr, fromX64: (nr) => nr };
  const rows = [
    ...ARM64_SYSCALLS.map(([nr, name]) => [nr, SYSCALLS_BY_NAME.get(name)!.nr] as const),
    ...[...SYSCALLS.keys()].filter((nr) => nr >= COMMON_FROM).map((nr) => [nr, nr] as const),
  ];
  const to = new Map(rows);
  const from = new Map(rows.map(([own, x64]) => [x64, own]));
  return { toX64: (nr) => to.get(nr), fromX64: (nr) => from.get(nr) };
}

/** Calls given by number or by the kernel's name. SkepError ERR_SYSCALL for a name that there is not. */
export function syscallNumbers(calls: Iterable<number | string>): number[] {
  return [...calls].map((call) => {
    if (typeof call === 'number') return call;
    const known = SYSCALLS_BY_NAME.get(call);
    if (known === undefined) throw new SkepError('ERR_SYSCALL', `there is no system call ${call}`);
    return known.nr;
  });
}
