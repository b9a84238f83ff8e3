/**
 * The batch commands. A position in a map is a u32: how many elements came before. The map remembers the key at the
 * last position it gave out, so that reading on does not start over; where the map changed meanwhile, it counts.
 */
import { view } from '../../base/bytes.ts';
import { EFAULT, EINVAL, ENOENT, ENOTSUPP } from '../../base/errno.ts';
import type { Attr } from '../../uapi/commands.ts';
import {
  BPF_F_LOCK,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
} from '../../uapi/generated/constants.ts';
import type { Client } from '../client.ts';
import type { LiveMap } from '../objects/map.ts';
import type { Answer, Handlers } from './handler.ts';
import { openMap } from './map-elem.ts';

const HASHES = [
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_HASH_OF_MAPS,
] as const;
const ARRAYS = [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS] as const;

/** Which map types have which batch command. */
const LOOKUP: ReadonlySet<number> = new Set([...HASHES, ...ARRAYS, BPF_MAP_TYPE_LPM_TRIE]);
const TAKE: ReadonlySet<number> = new Set(HASHES);
const UPDATE: ReadonlySet<number> = LOOKUP;
const DELETE: ReadonlySet<number> = new Set([...HASHES, BPF_MAP_TYPE_LPM_TRIE]);

const POSITION_SIZE = 4;

type BatchCommand = 'MAP_LOOKUP_BATCH' | 'MAP_LOOKUP_AND_DELETE_BATCH' | 'MAP_UPDATE_BATCH' | 'MAP_DELETE_BATCH';

export const MAP_BATCH: Handlers<BatchCommand> = {
  MAP_LOOKUP_BATCH: (client, attr) => readBatch(client, attr, false),
  MAP_LOOKUP_AND_DELETE_BATCH: (client, attr) => readBatch(client, attr, true),

  MAP_UPDATE_BATCH(client, attr) {
    const map = openForBatch(client, attr, UPDATE, 'write');
    if (typeof map === 'number') return map;
    const { keySize } = map.def;
    const valueSize = map.map.userValueSize;
    const flags = BigInt(attr.elem_flags ?? 0);
    return eachOf(attr, (i) => {
      const key = piece(attr.keys, i, keySize);
      const value = piece(attr.values, i, valueSize);
      if (key === undefined || value === undefined) return -EFAULT;
      return client.core.onBehalfOf(client, () => map.map.writeElem(key, value, flags));
    });
  },

  MAP_DELETE_BATCH(client, attr) {
    const map = openForBatch(client, attr, DELETE, 'write');
    if (typeof map === 'number') return map;
    return eachOf(attr, (i) => {
      const key = piece(attr.keys, i, map.def.keySize);
      return key === undefined ? -EFAULT : client.core.onBehalfOf(client, () => map.map.deleteElem(key));
    });
  },
};

/** Does something `count` times, up to the first refusal; answers how often it was done. */
function eachOf(attr: { count?: number }, once: (i: number) => number) {
  const wanted = attr.count ?? 0;
  for (let i = 0; i < wanted; i++) {
    const error = once(i);
    if (error < 0) return { ret: error, count: i };
  }
  return { ret: 0, count: wanted };
}

function piece(bytes: Uint8Array | undefined, i: number, size: number): Uint8Array | undefined {
  const part = bytes?.subarray(i * size, (i + 1) * size);
  return part?.length === size ? part : undefined;
}

function openForBatch(
  client: Client,
  attr: Attr<BatchCommand>,
  types: ReadonlySet<number>,
  ...uses: ('read' | 'write')[]
): LiveMap | number {
  const map = openMap(client, attr.map_fd, ...uses);
  if (typeof map === 'number') return map;
  if (!types.has(map.def.type)) return -ENOTSUPP;
  const flags = BigInt(attr.elem_flags ?? 0);
  if ((flags & ~BigInt(BPF_F_LOCK)) !== 0n) return -EINVAL;
  if (flags !== 0n && !map.def.special?.some((field) => field.kind === 'spin_lock')) return -EINVAL;
  return map;
}

function readBatch(client: Client, attr: Attr<'MAP_LOOKUP_BATCH'>, take: boolean): Answer<'MAP_LOOKUP_BATCH'> {
  const map = openForBatch(client, attr, take ? TAKE : LOOKUP, 'read', ...(take ? (['write'] as const) : []));
  if (typeof map === 'number') return map;
  const wanted = attr.count ?? 0;
  if (wanted === 0) return { ret: 0, count: 0 };
  const { keySize } = map.def;
  const valueSize = map.map.userValueSize;
  if ((attr.out_batch ?? 0) < POSITION_SIZE) return -EFAULT;
  const fits = Math.min(wanted, Math.floor((attr.keys ?? 0) / keySize), Math.floor((attr.values ?? 0) / valueSize));
  if (fits < wanted) return { ret: -EFAULT, count: 0 };
  const from = attr.in_batch === undefined ? 0 : positionOf(attr.in_batch);
  if (from === undefined) return -EFAULT;

  const keys: Uint8Array[] = [];
  const values: Uint8Array[] = [];
  // What is taken leaves no gap: the next batch begins at the first element again.
  let next = take ? map.map.nextKey(null) : keyAt(map, from);
  while (typeof next !== 'number' && keys.length < wanted) {
    const key = next;
    next = map.map.nextKey(key);
    const value = take ? map.map.takeElem(key, 0n) : map.map.readElem(key, 0n);
    if (typeof value === 'number') {
      if (value === -ENOENT) continue; // an empty slot
      return { ret: value, count: keys.length };
    }
    keys.push(key);
    values.push(value);
  }
  const position = take ? 0 : from + keys.length;
  const last = keys.at(-1);
  if (!take && last !== undefined) map.cursor = { position, key: last };
  const atEnd = typeof next === 'number';
  // A full batch that ends exactly at the end: arrays tell only when asked again.
  const told = atEnd && (keys.length < wanted || HASHES.some((type) => type === map.def.type));
  return {
    ret: told ? -ENOENT : 0,
    count: keys.length,
    keys: join(keys, keySize),
    values: join(values, valueSize),
    out_batch: u32(position),
  };
}

/** The key of the element that `position` elements precede. */
function keyAt(map: LiveMap, position: number): Uint8Array | number {
  if (map.cursor?.position === position && typeof map.map.readElem(map.cursor.key, 0n) !== 'number') {
    return map.map.nextKey(map.cursor.key);
  }
  let key = map.map.nextKey(null);
  for (let i = 0; i < position && typeof key !== 'number'; i++) key = map.map.nextKey(key);
  return key;
}

function positionOf(bytes: Uint8Array): number | undefined {
  return bytes.length < POSITION_SIZE ? undefined : view(bytes).getUint32(0, true);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(POSITION_SIZE);
  view(bytes).setUint32(0, value, true);
  return bytes;
}

function join(pieces: Uint8Array[], size: number): Uint8Array {
  const out = new Uint8Array(pieces.length * size);
  for (const [i, bytes] of pieces.entries()) out.set(bytes, i * size);
  return out;
}
