/** Kernel functions that give pages of an arena to programs and take them back. */
import { EINVAL } from '../../base/errno.ts';
import { ArenaMap } from '../../maps/index.ts';
import { answer64, type Helper, wide } from '../helper.ts';

/** The only node there is; -1 is any. */
const isNode = (node: number): boolean => node === 0 || node === -1;

export const bpf_arena_alloc_pages: Helper = {
  args: 'iLiiL',
  ret: 'u64',
  bind: (env) => (mapAddr, addrLo, addrHi, count, node, flags, flagsHi) => {
    const map = env.mapAt(mapAddr! >>> 0);
    const refused = !(map instanceof ArenaMap) || flags !== 0 || flagsHi !== 0 || !isNode(node!);
    return answer64(env, refused ? 0n : map.allocatePages(wide(addrLo!, addrHi!), count! >>> 0));
  },
};

export const bpf_arena_free_pages: Helper = {
  args: 'iLi',
  ret: 'void',
  bind: (env) => (mapAddr, addrLo, addrHi, count) => {
    const map = env.mapAt(mapAddr! >>> 0);
    if (map instanceof ArenaMap) map.freePages(wide(addrLo!, addrHi!), count! >>> 0);
    return 0;
  },
};

export const bpf_arena_reserve_pages: Helper = {
  args: 'iLi',
  ret: 'int',
  bind: (env) => (mapAddr, addrLo, addrHi, count) => {
    const map = env.mapAt(mapAddr! >>> 0);
    return map instanceof ArenaMap ? map.reservePages(wide(addrLo!, addrHi!), count! >>> 0) : -EINVAL;
  },
};
