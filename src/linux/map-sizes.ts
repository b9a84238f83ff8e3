/**
 * How large keys and values of maps are. The kernel writes whole values wherever it is pointed, so no call may point it
 * to less room: that would be somebody else's memory.
 */
import { EINVAL } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import { type Fd, userValueSize } from '../sys/index.ts';
import type { Attr, CommandName } from '../uapi/commands.ts';
import {
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_PROG_ARRAY,
} from '../uapi/generated/constants.ts';
import type { MapInfo } from '../uapi/infos.ts';

export interface MapSizes {
  readonly key: number;
  readonly value: number;
  /** A bloom filter is asked for a value, and has no keys: the value is given as `key`. */
  readonly asksForValue: boolean;
}

/** Maps whose lookups answer an id of four bytes, whatever their values are. */
const IDS: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_PROG_ARRAY,
]);
/** What a position of a batch takes at least: a hash keeps a bucket's number there, whatever its keys are. */
const POSITION = 4;

export class KnownMaps {
  private readonly sizes = new Map<Fd, MapSizes>();
  private readonly ask: (fd: Fd) => MapInfo | undefined;
  private readonly isOurs: (fd: Fd) => boolean;
  private readonly cpus: number;

  /**
   * `ask`: facts of a map, undefined where the descriptor is none. `isOurs`: descriptors that this kernel opened;
   * another's may be closed and mean something else at any time.
   */
  constructor(ask: (fd: Fd) => MapInfo | undefined, isOurs: (fd: Fd) => boolean, cpus: number) {
    this.ask = ask;
    this.isOurs = isOurs;
    this.cpus = cpus;
  }

  /** undefined where the descriptor is no map. */
  of(fd: Fd): MapSizes | undefined {
    const known = this.sizes.get(fd);
    if (known !== undefined) return known;
    const map = this.ask(fd);
    if (map === undefined) return undefined;
    const sizes = {
      key: map.key_size,
      value: IDS.has(map.type) ? 4 : userValueSize(map, this.cpus),
      asksForValue: map.type === BPF_MAP_TYPE_BLOOM_FILTER,
    };
    if (this.isOurs(fd)) this.sizes.set(fd, sizes);
    return sizes;
  }

  forget(fd: Fd): void {
    this.sizes.delete(fd);
  }

  /** EINVAL where the kernel would read or write past what is given. */
  check<C extends CommandName>(command: C, attr: Attr<C>): void {
    switch (command) {
      case 'MAP_LOOKUP_ELEM':
      case 'MAP_LOOKUP_AND_DELETE_ELEM':
      case 'MAP_UPDATE_ELEM':
      case 'MAP_DELETE_ELEM':
      case 'MAP_GET_NEXT_KEY':
        this.checkElement(command, attr);
        break;
      case 'MAP_LOOKUP_BATCH':
      case 'MAP_LOOKUP_AND_DELETE_BATCH':
      case 'MAP_UPDATE_BATCH':
      case 'MAP_DELETE_BATCH':
        this.checkBatch(command, attr);
        break;
      case 'PROG_QUERY':
        checkQuery(attr);
        break;
    }
  }

  private checkElement(command: CommandName, attr: Attr<'MAP_UPDATE_ELEM'> | Attr<'MAP_GET_NEXT_KEY'>): void {
    const sizes = this.of(attr.map_fd ?? 0);
    if (sizes === undefined) return; // no map: the kernel says so, and writes nothing
    // A pointer that is not there is the kernel's to refuse: queues have no key, and no key is before the first.
    atLeast(command, 'key', attr.key, sizes.asksForValue ? sizes.value : sizes.key);
    if ('value' in attr) atLeast(command, 'value', attr.value, sizes.value);
    if ('next_key' in attr) atLeast(command, 'next_key', attr.next_key, sizes.key);
  }

  private checkBatch(command: CommandName, attr: Attr<'MAP_LOOKUP_BATCH'> | Attr<'MAP_UPDATE_BATCH'>): void {
    const sizes = this.of(attr.map_fd ?? 0);
    if (sizes === undefined) return;
    const count = attr.count ?? 0;
    atLeast(command, 'keys', attr.keys, count * sizes.key);
    atLeast(command, 'values', attr.values, count * sizes.value);
    if (!('in_batch' in attr) && !('out_batch' in attr)) return;
    atLeast(command, 'in_batch', attr.in_batch, Math.min(sizes.key, POSITION));
    atLeast(command, 'out_batch', attr.out_batch, Math.max(sizes.key, POSITION));
  }
}

/** The other arrays of a query are as long as the ids are. */
function checkQuery(attr: Attr<'PROG_QUERY'>): void {
  const needed = attr.prog_ids ?? 0;
  for (const name of ['prog_attach_flags', 'link_ids', 'link_attach_flags'] as const) {
    atLeast('PROG_QUERY', name, attr[name], needed);
  }
}

/** `given`: bytes, or how many bytes there is room for; absent is a NULL pointer. */
function atLeast(command: CommandName, name: string, given: Uint8Array | number | undefined, needed: number): void {
  const size = typeof given === 'object' ? given.length : given;
  if (size === undefined || size === 0 || size >= needed) return;
  throw new BpfError(`BPF_${command}`, EINVAL, `${name} has ${size} bytes, and this map's take ${needed}`);
}
