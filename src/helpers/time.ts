/** Helpers that tell the time, all from the kernel's one clock. */
import { answer64, type Clock, type Helper } from './helper.ts';

/** CONFIG_HZ of the reference kernel. */
const HZ = 250n;
const NS_PER_JIFFY = 1_000_000_000n / HZ;
/** Linux starts to count jiffies five minutes before they wrap at 32 bits, so that what cannot bear it shows. */
const FIRST_JIFFY = (1n << 32n) - 300n * HZ;
/** The coarse clock moves once a jiffy. */
const COARSE_NS = NS_PER_JIFFY;

function clock(read: (clock: Clock) => bigint): Helper {
  return { args: '', ret: 'u64', bind: (env) => () => answer64(env, read(env.clock)) };
}

export const ktime_get_ns = clock((c) => c.monotonic());
export const ktime_get_boot_ns = clock((c) => c.boot());
export const ktime_get_coarse_ns = clock((c) => (c.monotonic() / COARSE_NS) * COARSE_NS);
export const ktime_get_tai_ns = clock((c) => c.tai());
export const jiffies64 = clock((c) => FIRST_JIFFY + c.monotonic() / NS_PER_JIFFY);
