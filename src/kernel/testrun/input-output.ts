/** What test-runs of all program types have in common: what goes in, repeating, what comes out. */
import { E2BIG, EINTR, EINVAL, ENOSPC } from '../../base/errno.ts';
import type { Attr } from '../../uapi/commands.ts';
import type { Client } from '../client.ts';
import type { LoadedProg } from '../objects/prog.ts';
import type { Answer } from '../syscall/handler.ts';

export type TestRun = (client: Client, prog: LoadedProg, attr: Attr<'PROG_TEST_RUN'>) => Answer<'PROG_TEST_RUN'>;

/** How long one call may run a program again and again: nothing else happens meanwhile. Nanoseconds. */
const MAX_TIME = 10_000_000_000n;
/** A look at the clock between runs is worth while about this often, and after so many runs in any case. */
const LOOK_EVERY = 1_000_000n;
const MOST_AT_ONCE = 16384;

/** What a program answered last, and nanoseconds a run. */
export interface Repeated {
  readonly retval: number;
  readonly duration: number;
}

/**
 * Calls `run` until the program has run the number of times asked for (0 counts as 1); it is told how many runs to do at
 * once. -EINTR where that takes too long, as for a signal in Linux.
 */
export function repeated(
  client: Client,
  repeat: number | undefined,
  run: (times: number) => number,
): Repeated | number {
  const count = Math.max(repeat ?? 0, 1);
  const { clock } = client.core.world;
  const began = clock.monotonic();
  let retval = 0;
  let looked = began;
  for (let left = count, times = 1; left > 0; ) {
    const now = Math.min(times, left);
    retval = run(now);
    left -= now;
    const time = clock.monotonic();
    if (left > 0 && time - began > MAX_TIME) return -EINTR;
    if (time - looked < LOOK_EVERY && times < MOST_AT_ONCE) times *= 2;
    looked = time;
  }
  const duration = Number((looked - began) / BigInt(count));
  return { retval, duration: Math.min(duration, 0xffffffff) };
}

/**
 * The context that the caller gives, as `size` bytes; undefined where none is asked for. What is given past `size` must
 * be zero. -EINVAL, -E2BIG as in Linux.
 */
export function contextIn(attr: Attr<'PROG_TEST_RUN'>, size: number): Uint8Array | undefined | number {
  const given = attr.ctx_in;
  if (given === undefined && !attr.ctx_out) return undefined;
  const ctx = new Uint8Array(size);
  if (given === undefined) return ctx;
  if (given.subarray(size).some((byte) => byte !== 0)) return -E2BIG;
  ctx.set(given.subarray(0, size));
  return ctx;
}

export function dataIn(attr: Attr<'PROG_TEST_RUN'>, least: number, most: number): Uint8Array | number {
  const data = attr.data_in ?? new Uint8Array(0);
  return data.length < least || data.length > most ? -EINVAL : data;
}

/** What came out, cut to the room there is: -ENOSPC says that it was cut. */
export function finish(
  attr: Attr<'PROG_TEST_RUN'>,
  run: Repeated | number,
  data: Uint8Array | undefined,
  ctx: Uint8Array | undefined,
): Answer<'PROG_TEST_RUN'> {
  if (typeof run === 'number') return run;
  const dataRoom = attr.data_out ?? 0;
  const ctxRoom = attr.ctx_out ?? 0;
  const cut =
    (dataRoom > 0 && data !== undefined && data.length > dataRoom) || (ctxRoom > 0 && (ctx?.length ?? 0) > ctxRoom);
  return {
    ret: cut ? -ENOSPC : 0,
    ...run,
    data_size_out: data?.length ?? 0,
    ctx_size_out: ctxRoom > 0 ? (ctx?.length ?? 0) : 0,
    data_out: (data ?? new Uint8Array(0)).slice(0, dataRoom),
    ctx_out: (ctx ?? new Uint8Array(0)).slice(0, ctxRoom),
  };
}
