/**
 * Every helper that is here, by name. A helper that is not here is one the kernel refuses at load.
 *
 * bpf_tail_call is the engine's own: it is not in this table, and is there all the same.
 */
import * as abi from '../uapi/generated/constants.ts';
import type { Callable } from '../vm/index.ts';
import * as control from './control.ts';
import type { Helper, HelperEnv } from './helper.ts';
import * as mapElements from './map-elements.ts';
import * as probeRead from './probe-read.ts';
import * as ringbuf from './ringbuf.ts';
import * as task from './task.ts';
import * as time from './time.ts';

/** BPF_FUNC_* without the prefix. */
export type HelperName = keyof typeof abi extends infer K ? (K extends `BPF_FUNC_${infer N}` ? N : never) : never;

export const HELPERS: { readonly [N in HelperName]?: Helper } = {
  ...mapElements,
  ...control,
  ...time,
  ...task,
  ...probeRead,
  ...ringbuf,
};

/** What the engine calls, by helper number. */
export function bindHelpers(env: HelperEnv): Map<number, Callable> {
  const bound = new Map<number, Callable>();
  for (const [name, helper] of Object.entries(HELPERS)) {
    bound.set(helperId(name as HelperName), { name, args: helper.args, ret: helper.ret, call: helper.bind(env) });
  }
  return bound;
}

/** The number that a call instruction carries. */
export function helperId(name: HelperName): number {
  return abi[`BPF_FUNC_${name}`];
}
