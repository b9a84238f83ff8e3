/** mmap(2) of a map: the values of an array with BPF_F_MMAPABLE, or the pages of an arena, lie in the kernel's memory as programs see them. */
import { alignUp } from '../base/bytes.ts';
import { EACCES, EINVAL, ENOMEM } from '../base/errno.ts';
import type { Memory } from '../base/memory.ts';
import { ArenaMap } from '../maps/index.ts';
import type { MapMemory } from '../sys/index.ts';
import { BPF_F_MMAPABLE, BPF_MAP_TYPE_ARRAY } from '../uapi/generated/constants.ts';
import type { Access } from './fds.ts';
import type { LiveMap } from './objects/map.ts';

/** The memory, which keeps the map alive until it is closed; -EINVAL for other maps, -EACCES for one not to be read, -ENOMEM for an arena too large. */
export function mapMemory(mem: Memory, live: LiveMap, access: Access): MapMemory | number {
  const { map } = live;
  const { def } = map;
  const isArena = map instanceof ArenaMap;
  if (!isArena && (def.type !== BPF_MAP_TYPE_ARRAY || (def.flags & BPF_F_MMAPABLE) === 0)) return -EINVAL;
  if (!access.read) return -EACCES;
  const size = isArena ? map.byteSize : alignUp(def.valueSize, 8) * def.maxEntries;
  const base = isArena ? map.pages() : map.valueBase;
  if (base === 0) return -ENOMEM;
  const writable = access.write && !live.frozen;
  let held: LiveMap | undefined = live.hold();
  if (writable) live.writableViews++;
  return {
    size,
    writable,
    bytes() {
      if (held === undefined) return new Uint8Array(size);
      return writable ? mem.bytes(base, size) : mem.read(base, size);
    },
    async close() {
      if (held === undefined) return;
      if (writable) live.writableViews--;
      held = undefined;
      live.drop();
    },
  };
}
