/**
 * Every kernel function that is here, by name. One that is not here is one that a program can be verified with and not
 * be run: the kernel says so when the program is loaded.
 */
import type { Callable } from '../../vm/index.ts';
import type { Helper, HelperEnv } from '../helper.ts';
import * as arena from './arena.ts';
import * as cpumask from './cpumask.ts';
import * as dynptr from './dynptr.ts';
import * as graph from './graph.ts';
import * as iterators from './iterators.ts';
import * as sections from './sections.ts';
import * as strings from './strings.ts';
import * as world from './world.ts';

export const KFUNCS: Readonly<Record<string, Helper>> = {
  ...sections,
  ...iterators,
  ...dynptr,
  ...strings,
  ...graph,
  ...arena,
  ...cpumask,
  ...world,
};

/** Each bound to a kernel. */
export function bindKfuncs(env: HelperEnv): ReadonlyMap<string, Callable> {
  const bound = new Map<string, Callable>();
  for (const [name, { args, ret, bind }] of Object.entries(KFUNCS))
    bound.set(name, { name, args, ret, call: bind(env) });
  return bound;
}
