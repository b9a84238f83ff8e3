/**
 * The host's clocks, as the kernel's clocks: CLOCK_MONOTONIC where the host tells it (Node), else time since the
 * process or page began.
 */
import type { Clock } from '../../helpers/index.ts';

interface HostProcess {
  hrtime?: { bigint?: () => bigint };
}

export function hostClock(): Clock {
  const monotonic = hostMonotonic();
  // CLOCK_TAI is the wall clock, as on every Linux that nobody told of leap seconds. It is read once and then runs
  // with the monotonic clock, which has the finer resolution.
  const wallMinusMonotonic = BigInt(Math.round(Date.now() * 1e6)) - monotonic();
  return {
    monotonic,
    boot: monotonic, // they differ by the time spent suspended, which hosts do not tell
    tai: () => monotonic() + wallMinusMonotonic,
  };
}

function hostMonotonic(): () => bigint {
  const { process } = globalThis as { process?: HostProcess };
  const hrtime = process?.hrtime?.bigint;
  if (hrtime !== undefined) return () => hrtime();
  return () => BigInt(Math.round(performance.now() * 1e6));
}
