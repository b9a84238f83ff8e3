/**
 * Helpers that work on the elements of maps: lookup, update, delete, push, pop, peek, and the walk over all.
 *
 * The map does the work; what is checked here is what Linux checks before it asks the map.
 */
import { EINVAL } from '../base/errno.ts';
import type { Helper } from './helper.ts';

export const map_lookup_elem: Helper = {
  args: 'ii',
  ret: 'ptr',
  bind: (env) => (map, key) => env.mapAt(map! >>> 0).lookup(key! >>> 0),
};

export const map_update_elem: Helper = {
  args: 'iiiL',
  ret: 'int',
  bind: (env) => (map, key, value, flags, flagsHi) =>
    flagsHi === 0 ? env.mapAt(map! >>> 0).update(key! >>> 0, value! >>> 0, flags! >>> 0) : -EINVAL,
};

export const map_delete_elem: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (map, key) => env.mapAt(map! >>> 0).delete(key! >>> 0),
};

export const map_push_elem: Helper = {
  args: 'iiL',
  ret: 'int',
  bind: (env) => (map, value, flags, flagsHi) =>
    flagsHi === 0 ? env.mapAt(map! >>> 0).push(value! >>> 0, flags! >>> 0) : -EINVAL,
};

export const map_pop_elem: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (map, value) => env.mapAt(map! >>> 0).pop(value! >>> 0),
};

export const map_peek_elem: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (map, value) => env.mapAt(map! >>> 0).peek(value! >>> 0),
};

export const map_lookup_percpu_elem: Helper = {
  args: 'iii',
  ret: 'ptr',
  bind: (env) => (map, key, cpu) => env.mapAt(map! >>> 0).lookupPercpu(key! >>> 0, cpu! >>> 0),
};

/** Calls `fn(map, key, value, ctx)` for each element until it answers other than 0; answers how many it was called for. */
export const for_each_map_elem: Helper = {
  args: 'iiLL',
  ret: 'int',
  bind: (env) => (map, fn, ctx, ctxHi, flags, flagsHi) => {
    if (flags !== 0 || flagsHi !== 0) return -EINVAL;
    const visit = (key: number, value: number) => env.callback(fn!, map!, 0, key, 0, value, 0, ctx!, ctxHi!);
    return env.mapAt(map! >>> 0).forEach(visit);
  },
};
