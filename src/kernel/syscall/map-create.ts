/** BPF_MAP_CREATE: checks in the order of Linux, so that of two mistakes the same one is told. */
import { EACCES, EINVAL, EMFILE, EPERM } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { createMap, type MapDef } from '../../maps/index.ts';
import type { Attr } from '../../uapi/commands.ts';
import { BPF_OBJ_NAME_LEN } from '../../uapi/flags.ts';
import {
  BPF_F_NUMA_NODE,
  BPF_F_RDONLY,
  BPF_F_WRONLY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_STRUCT_OPS,
} from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import { LiveMap, type MapBtf } from '../objects/map.ts';
import { checkMapBtf, specialFields } from '../objects/map-btf.ts';
import { type Handler, isObjectName } from './handler.ts';

export const mapCreate: Handler<'MAP_CREATE'> = (client, attr) => {
  const flags = attr.map_flags ?? 0;
  const type = attr.map_type ?? 0;
  const name = (attr.map_name ?? '').slice(0, BPF_OBJ_NAME_LEN - 1);
  if (attr.excl_prog_hash) throw new UnsupportedError('a map for one signed program only', { since: '6.18' });
  if (type === BPF_MAP_TYPE_STRUCT_OPS && !attr.btf_vmlinux_value_type_id) return -EINVAL;
  if (type === BPF_MAP_TYPE_STRUCT_OPS) throw new UnsupportedError('map type struct_ops', { since: '5.6' });
  if (attr.btf_vmlinux_value_type_id) return -EINVAL;
  if (attr.btf_key_type_id && !attr.btf_value_type_id) return -EINVAL;
  const access = accessOf(flags);
  if (access === null) return -EINVAL;
  if ((flags & BPF_F_NUMA_NODE) !== 0 && (attr.numa_node ?? 0) !== 0) return -EINVAL;
  if (attr.map_ifindex) return -EINVAL; // no device here can keep maps

  const inner = innerMap(client, type, attr.inner_map_fd ?? 0);
  if (typeof inner === 'number') return inner;
  if (!isObjectName(name)) return -EINVAL;
  const btf = mapBtf(client, attr);
  if (typeof btf === 'number') return btf;

  const def: MapDef = {
    type,
    name,
    keySize: attr.key_size ?? 0,
    valueSize: attr.value_size ?? 0,
    maxEntries: attr.max_entries ?? 0,
    flags,
    extra: BigInt(attr.map_extra ?? 0),
    hasBtf: btf !== undefined,
    ...(btf === undefined ? {} : { special: specialFields(btf.object.btf, btf.valueTypeId) }),
    ...(inner === undefined ? {} : { inner: inner.def }),
  };
  if (!client.may('MAP_CREATE', attr)) return -EPERM;
  if (client.fds.full) return -EMFILE;
  const { core } = client;
  const map = core.onBehalfOf(client, () => createMap(def, core.mapEnv));
  if (typeof map === 'number') return map;
  const error = btf === undefined ? 0 : checkMapBtf(btf, def);
  if (error !== 0) {
    map.destroy();
    return error;
  }
  btf?.object.hold();
  inner?.btf?.object.hold();
  return client.fds.install(new LiveMap(core.maps, map, btf, inner?.btf), access);
};

/** What BPF_F_RDONLY and BPF_F_WRONLY leave of a descriptor's use, or null for both at once. */
export function accessOf(flags: number): { read: boolean; write: boolean } | null {
  const readOnly = (flags & BPF_F_RDONLY) !== 0;
  const writeOnly = (flags & BPF_F_WRONLY) !== 0;
  return readOnly && writeOnly ? null : { read: !writeOnly, write: !readOnly };
}

/** The template of a map of maps; undefined for other types. */
function innerMap(client: Client, type: number, fd: number): LiveMap | undefined | number {
  if (type !== BPF_MAP_TYPE_ARRAY_OF_MAPS && type !== BPF_MAP_TYPE_HASH_OF_MAPS) return undefined;
  return client.object('map', fd);
}

function mapBtf(client: Client, attr: Attr<'MAP_CREATE'>): MapBtf | undefined | number {
  const { btf_key_type_id: keyTypeId = 0, btf_value_type_id: valueTypeId = 0 } = attr;
  if (keyTypeId === 0 && valueTypeId === 0) return undefined;
  const object = client.object('btf', attr.btf_fd ?? 0);
  if (typeof object === 'number') return object;
  if (object.isKernel) return -EACCES;
  return { object, keyTypeId, valueTypeId };
}
