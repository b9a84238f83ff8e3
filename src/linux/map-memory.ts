/** mmap(2) of a map: an array with BPF_F_MMAPABLE (Linux 5.5), an arena (6.9). */
import { alignUp } from '../base/bytes.ts';
import { EACCES, EBADF, EINVAL, EPERM } from '../base/errno.ts';
import { BpfError, UnsupportedError } from '../base/errors.ts';
import type { System } from '../native/index.ts';
import type { Fd, MapMemory } from '../sys/index.ts';
import {
  BPF_F_MMAPABLE,
  BPF_F_SEGV_ON_FAULT,
  BPF_MAP_TYPE_ARENA,
  BPF_MAP_TYPE_ARRAY,
} from '../uapi/generated/constants.ts';
import type { MapInfo } from '../uapi/infos.ts';

export function mapMemory(system: System, fd: Fd, map: MapInfo): MapMemory {
  const page = system.pageSize;
  const { size, at } = extent(map, page);
  const length = alignUp(size, page);
  let writable = true;
  let mapping = system.map(fd, length, 0, true, at);
  // A frozen map, or one whose descriptor may only be read.
  if (mapping === -EPERM || mapping === -EACCES) {
    writable = false;
    mapping = system.map(fd, length, 0, false, at);
  }
  if (typeof mapping === 'number') throw new BpfError('mmap', mapping, `the memory of map ${map.id}`);
  const memory = mapping;
  let open = true;
  return {
    size,
    writable,
    bytes() {
      if (!open) throw new BpfError('mmap', EBADF, `the memory of map ${map.id} was closed`);
      return writable ? memory.bytes(size) : memory.read(0, size);
    },
    async close() {
      open = false;
      memory.close();
    },
  };
}

/** Bytes to map, and the address that an arena is bound to. */
function extent(map: MapInfo, page: number): { size: number; at: number } {
  if (map.type === BPF_MAP_TYPE_ARENA) {
    if (map.map_flags & BPF_F_SEGV_ON_FAULT) {
      throw new UnsupportedError('the memory of an arena with BPF_F_SEGV_ON_FAULT', {
        hint: 'a read of a page that no program has taken would end this process',
      });
    }
    return { size: map.max_entries * page, at: Number(map.map_extra) };
  }
  if (map.type !== BPF_MAP_TYPE_ARRAY || !(map.map_flags & BPF_F_MMAPABLE)) {
    throw new BpfError('mmap', EINVAL, `map ${map.id} is neither an array with BPF_F_MMAPABLE nor an arena`);
  }
  return { size: alignUp(map.value_size, 8) * map.max_entries, at: 0 };
}
