/** The commands on one element of a map, and BPF_MAP_FREEZE. */
import { EBUSY, EFAULT, EINVAL, EPERM } from '../../base/errno.ts';
import {
  BPF_F_LOCK,
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_QUEUE,
  BPF_MAP_TYPE_STACK,
} from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import type { LiveMap } from '../objects/map.ts';
import type { Handlers } from './handler.ts';

type ElementCommand =
  | 'MAP_LOOKUP_ELEM'
  | 'MAP_UPDATE_ELEM'
  | 'MAP_DELETE_ELEM'
  | 'MAP_GET_NEXT_KEY'
  | 'MAP_LOOKUP_AND_DELETE_ELEM'
  | 'MAP_FREEZE';

const NO_KEY = new Uint8Array(0);

export const MAP_ELEMENT: Handlers<ElementCommand> = {
  MAP_LOOKUP_ELEM(client, attr) {
    const flags = BigInt(attr.flags ?? 0);
    if ((flags & ~BigInt(BPF_F_LOCK)) !== 0n) return -EINVAL;
    const map = openMap(client, attr.map_fd, 'read');
    if (typeof map === 'number') return map;
    if ((flags & BigInt(BPF_F_LOCK)) !== 0n && !hasSpinLock(map)) return -EINVAL;
    const key = map.def.type === BPF_MAP_TYPE_BLOOM_FILTER ? (attr.key ?? NO_KEY) : keyOf(map, attr.key);
    if (typeof key === 'number') return key;
    return valueAnswer(client, map, attr.value, () => map.map.readElem(key, flags));
  },

  MAP_UPDATE_ELEM(client, attr) {
    const map = openMap(client, attr.map_fd, 'write');
    if (typeof map === 'number') return map;
    const flags = BigInt(attr.flags ?? 0);
    if ((flags & BigInt(BPF_F_LOCK)) !== 0n && !hasSpinLock(map)) return -EINVAL;
    const key = keyOf(map, attr.key);
    if (typeof key === 'number') return key;
    const size = map.map.userValueSize;
    if (attr.value === undefined ? size > 0 : attr.value.length < size) return -EFAULT;
    const value = (attr.value ?? NO_KEY).subarray(0, size);
    return client.core.onBehalfOf(client, () => map.map.writeElem(key, value, flags));
  },

  MAP_DELETE_ELEM(client, attr) {
    if (BigInt(attr.flags ?? 0) !== 0n) return -EINVAL;
    const map = openMap(client, attr.map_fd, 'write');
    if (typeof map === 'number') return map;
    const key = keyOf(map, attr.key);
    if (typeof key === 'number') return key;
    return client.core.onBehalfOf(client, () => map.map.deleteElem(key));
  },

  MAP_GET_NEXT_KEY(client, attr) {
    const map = openMap(client, attr.map_fd, 'read');
    if (typeof map === 'number') return map;
    const key = attr.key === undefined ? null : keyOf(map, attr.key);
    if (typeof key === 'number') return key;
    const next = map.map.nextKey(key);
    if (typeof next === 'number') return next;
    return (attr.next_key ?? 0) < next.length ? -EFAULT : { ret: 0, next_key: next };
  },

  MAP_LOOKUP_AND_DELETE_ELEM(client, attr) {
    const flags = BigInt(attr.flags ?? 0);
    if ((flags & ~BigInt(BPF_F_LOCK)) !== 0n) return -EINVAL;
    const map = openMap(client, attr.map_fd, 'read', 'write');
    if (typeof map === 'number') return map;
    const { type } = map.def;
    if (flags !== 0n && (type === BPF_MAP_TYPE_QUEUE || type === BPF_MAP_TYPE_STACK)) return -EINVAL;
    if ((flags & BigInt(BPF_F_LOCK)) !== 0n && !hasSpinLock(map)) return -EINVAL;
    const key = keyOf(map, attr.key);
    if (typeof key === 'number') return key;
    return valueAnswer(client, map, attr.value, () => map.map.takeElem(key, flags));
  },

  MAP_FREEZE(client, attr) {
    const map = openMap(client, attr.map_fd, 'write');
    if (typeof map === 'number') return map;
    if (map.writableViews > 0) return -EBUSY;
    map.frozen = true;
    return 0;
  },
};

/** The map of a descriptor that may be used so. A frozen map is written to by programs only. */
export function openMap(client: Client, fd = 0, ...uses: ('read' | 'write')[]): LiveMap | number {
  const map = client.object('map', fd);
  if (typeof map === 'number') return map;
  const { access } = client.fds.get(fd)!;
  for (const use of uses) if (!access[use] || (use === 'write' && map.frozen)) return -EPERM;
  return map;
}

/** The key's bytes. A map without keys takes none, every other map needs one. */
export function keyOf(map: LiveMap, key: Uint8Array | undefined): Uint8Array | number {
  const size = map.def.keySize;
  if (size === 0) return key === undefined || key.length === 0 ? NO_KEY : -EINVAL;
  return key === undefined || key.length < size ? -EFAULT : key.subarray(0, size);
}

function valueAnswer(client: Client, map: LiveMap, room: number | undefined, read: () => Uint8Array | number) {
  // Linux takes the element first and only then finds that there is nowhere to put it; here nothing is lost.
  const value = (room ?? 0) < map.map.userValueSize ? -EFAULT : client.core.onBehalfOf(client, read);
  return typeof value === 'number' ? value : { ret: 0, value };
}

function hasSpinLock(map: LiveMap): boolean {
  return map.def.special?.some((field) => field.kind === 'spin_lock') ?? false;
}
