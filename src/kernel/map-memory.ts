/** mmap(2) of a map: the values of an array with BPF_F_MMAPABLE lie in the kernel's memory as programs see them. */
import { alignUp } from '../base/bytes.ts';
import { EACCES, EINVAL } from '../base/errno.ts';
import type { Memory } from '../base/memory.ts';
import type { MapMemory } from '../sys/index.ts';
import { BPF_F_MMAPABLE, BPF_MAP_TYPE_ARRAY } from '../uapi/generated/constants.ts';
import type { Access } from './fds.ts';
import type { LiveMap } from './objects/map.ts';

/** The memory, which keeps the map alive until it is closed; -EINVAL for other maps, -EACCES for one not to be read. */
export function mapMemory(mem: Memory, live: LiveMap, access: Access): MapMemory | number {
  const { def, valueBase } = live.map;
  if (def.type !== BPF_MAP_TYPE_ARRAY || (def.flags & BPF_F_MMAPABLE) === 0) return -EINVAL;
  if (!access.read) return -EACCES;
  const size = alignUp(def.valueSize, 8) * def.maxEntries;
  const writable = access.write && !live.frozen;
  let held: LiveMap | undefined = live.hold();
  if (writable) live.writableViews++;
  return {
    size,
    writable,
    bytes() {
      if (held === undefined) return new Uint8Array(size);
      return writable ? mem.bytes(valueBase, size) : mem.read(valueBase, size);
    },
    async close() {
      if (held === undefined) return;
      if (writable) live.writableViews--;
      held = undefined;
      live.drop();
    },
  };
}
