/**
 * bpf(2) with the repetition taken out: what client and commands would otherwise write again and again.
 *
 * Thin on purpose: one method is one command, or one loop over one command. "Not there" (ENOENT of a map element, the
 * end of a list of ids) is an answer here, null or false; every other errno stays an exception.
 */

import { E2BIG, EINVAL, ENOENT, ENOSPC, EOPNOTSUPP, EPERM } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import type { Attr, CommandName, Result } from '../uapi/commands.ts';
import { BPF_F_QUERY_EFFECTIVE } from '../uapi/flags.ts';
import {
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED,
  BPF_MAP_TYPE_PERCPU_HASH,
} from '../uapi/generated/constants.ts';
import type { BtfInfo, Info, InfoRequest, LinkInfo, MapInfo, ProgInfo } from '../uapi/infos.ts';
import type { Fd, Kernel } from './kernel.ts';
import { logText } from './refusal.ts';

/** Elements of a map, one behind the other; there may be room behind the last. */
export interface ElementBytes {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** Objects that have ids. */
export type IdKind = 'prog' | 'map' | 'btf' | 'link';

/** The arrays of bpf_prog_info that are fetched only when asked for; `map_ids` always is. */
export type ProgInfoPart =
  | 'xlated_prog_insns'
  | 'jited_prog_insns'
  | 'jited_ksyms'
  | 'jited_func_lens'
  | 'func_info'
  | 'line_info'
  | 'jited_line_info'
  | 'prog_tags';

/** Which field of bpf_prog_info says how many elements a part has. */
const PART_COUNT: Readonly<Record<ProgInfoPart | 'map_ids', keyof ProgInfo>> = {
  map_ids: 'nr_map_ids',
  xlated_prog_insns: 'xlated_prog_len',
  jited_prog_insns: 'jited_prog_len',
  jited_ksyms: 'nr_jited_ksyms',
  jited_func_lens: 'nr_jited_func_lens',
  func_info: 'nr_func_info',
  line_info: 'nr_line_info',
  jited_line_info: 'nr_jited_line_info',
  prog_tags: 'nr_prog_tags',
};

/** Room for the texts of a link: symbol names, and PATH_MAX for paths. */
const LINK_TEXTS = { tp_name: 512, target_name: 512, func_name: 512, file_name: 4096, path: 4096 };

/** Elements of that size that a batch asks for: what a batch saves is the system calls, of which few are left by then. */
function stepFor(size: number): number {
  return Math.max(1, Math.min(4096, Math.floor((1 << 16) / size)));
}

const FIRST_LOG = 1 << 16;
/** The kernel takes log buffers of less than 2^30 bytes; past 64 MiB nobody reads on. */
const LARGEST_LOG = 1 << 26;
const LARGEST_BTF = 1 << 26;

export class Bpf {
  readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** One command as it is. */
  call<C extends CommandName>(command: C, attr: Attr<C>): Promise<Result<C>> {
    return this.kernel.bpf(command, attr);
  }

  close(fd: Fd): Promise<void> {
    return this.kernel.closeFd(fd);
  }

  /** Runs `use` with a descriptor and closes it whatever happens. */
  async withFd<T>(fd: Fd | Promise<Fd>, use: (fd: Fd) => Promise<T> | T): Promise<T> {
    const open = await fd;
    try {
      return await use(open);
    } finally {
      await this.kernel.closeFd(open);
    }
  }

  // Maps.

  async mapCreate(attr: Attr<'MAP_CREATE'>): Promise<Fd> {
    return (await this.kernel.bpf('MAP_CREATE', attr)).ret;
  }

  /** The value (`userValueSize` bytes: see there), or null where the key is not there. */
  async mapLookup(fd: Fd, key: Uint8Array, userValueSize: number, flags = 0n): Promise<Uint8Array | null> {
    const { elements } = this.kernel;
    if (elements && flags === 0n) return elements.lookup(fd, key, userValueSize);
    try {
      return (await this.kernel.bpf('MAP_LOOKUP_ELEM', { map_fd: fd, key, value: userValueSize, flags })).value;
    } catch (error) {
      return nullWhereAbsent(error);
    }
  }

  /** Looks up and deletes in one step; pops from queues and stacks (with an empty key). */
  async mapTake(fd: Fd, key: Uint8Array, userValueSize: number, flags = 0n): Promise<Uint8Array | null> {
    const attr = { map_fd: fd, key, value: userValueSize, flags };
    return orNull(this.kernel.bpf('MAP_LOOKUP_AND_DELETE_ELEM', attr).then((r) => r.value));
  }

  /** `flags`: BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK. */
  async mapUpdate(fd: Fd, key: Uint8Array, value: Uint8Array, flags: bigint | number = 0n): Promise<void> {
    const { elements } = this.kernel;
    if (elements && flags <= 0xffff_ffff) return elements.update(fd, key, value, Number(flags));
    await this.kernel.bpf('MAP_UPDATE_ELEM', { map_fd: fd, key, value, flags });
  }

  /** Whether there was such a key. */
  async mapDelete(fd: Fd, key: Uint8Array): Promise<boolean> {
    const { elements } = this.kernel;
    if (elements) return elements.remove(fd, key);
    return (await orNull(this.kernel.bpf('MAP_DELETE_ELEM', { map_fd: fd, key }))) !== null;
  }

  /** The key after `key`, the first for null; null after the last. */
  async mapNextKey(fd: Fd, key: Uint8Array | null, keySize: number): Promise<Uint8Array | null> {
    const attr = { map_fd: fd, next_key: keySize, ...(key === null ? {} : { key }) };
    return orNull(this.kernel.bpf('MAP_GET_NEXT_KEY', attr).then((r) => r.next_key));
  }

  /**
   * Every key, as far as the map holds still: a hash map that changes meanwhile may start over, so no more keys come
   * than `limit` (give it max_entries, doubled for slack).
   */
  async *mapKeys(fd: Fd, keySize: number, limit = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
    let key = await this.mapNextKey(fd, null, keySize);
    for (let seen = 0; key !== null && seen < limit; seen++) {
      yield key;
      key = await this.mapNextKey(fd, key, keySize);
    }
  }

  /** No more writes from user space. */
  async mapFreeze(fd: Fd): Promise<void> {
    await this.kernel.bpf('MAP_FREEZE', { map_fd: fd });
  }

  /**
   * Keys and values as they lie in a row, `step` elements at a time (default: as many as some 64 KiB hold); `take` deletes them on the way. Maps without the batch commands answer
   * EOPNOTSUPP or ENOTSUPP before the first element.
   */
  async *mapBatchBytes(
    fd: Fd,
    keySize: number,
    userValueSize: number,
    options: { step?: number; take?: boolean } = {},
  ): AsyncGenerator<ElementBytes> {
    const command = options.take ? 'MAP_LOOKUP_AND_DELETE_BATCH' : 'MAP_LOOKUP_BATCH';
    let step = options.step ?? stepFor(keySize + userValueSize);
    // The position is the map's own: a u32 for arrays and hashes, a key for tries. Never larger than this.
    const positionSize = Math.max(keySize, 8);
    let position: Uint8Array | undefined;
    for (;;) {
      const attr = {
        map_fd: fd,
        count: step,
        keys: step * keySize,
        values: step * userValueSize,
        out_batch: positionSize,
        ...(position === undefined ? {} : { in_batch: position }),
      };
      let answer: Partial<Result<'MAP_LOOKUP_BATCH'>>;
      let last = false;
      try {
        answer = await this.kernel.bpf(command, attr);
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        if (error.errno === ENOSPC && step < 1 << 20) {
          step *= 2; // one hash bucket holds more than there is room for
          continue;
        }
        if (error.errno !== ENOENT) throw error;
        answer = (error.answer ?? {}) as Partial<Result<'MAP_LOOKUP_BATCH'>>;
        last = true;
      }
      const { count = 0, keys, values } = answer;
      if (count > 0 && keys && values) yield { count, keys, values };
      if (last) return;
      position = answer.out_batch;
    }
  }

  /** The same, each element by itself. */
  async *mapBatches(
    fd: Fd,
    keySize: number,
    userValueSize: number,
    options: { step?: number; take?: boolean } = {},
  ): AsyncGenerator<{ key: Uint8Array; value: Uint8Array }[]> {
    for await (const { count, keys, values } of this.mapBatchBytes(fd, keySize, userValueSize, options)) {
      yield Array.from({ length: count }, (_, i) => ({
        // Views made in this way cost three quarters of what `subarray` does.
        key: new Uint8Array(keys.buffer, keys.byteOffset + i * keySize, keySize),
        value: new Uint8Array(values.buffer, values.byteOffset + i * userValueSize, userValueSize),
      }));
    }
  }

  /** Writes all pairs in one command; answers how many were written. */
  async mapUpdateBatch(fd: Fd, keys: Uint8Array, values: Uint8Array, count: number, flags = 0n): Promise<number> {
    return (await this.kernel.bpf('MAP_UPDATE_BATCH', { map_fd: fd, keys, values, count, elem_flags: flags })).count;
  }

  async mapDeleteBatch(fd: Fd, keys: Uint8Array, count: number): Promise<number> {
    return (await this.kernel.bpf('MAP_DELETE_BATCH', { map_fd: fd, keys, count })).count;
  }

  // Programs.

  /**
   * Loads a program. With `log_level` 0 a refusal is asked for once more with a log, so that the VerifierError has one.
   * The log buffer grows until the log fits. `log` is the verifier's text, '' at level 0.
   */
  async progLoad(attr: Omit<Attr<'PROG_LOAD'>, 'log_buf'>): Promise<{ fd: Fd; log: string }> {
    if (!attr.log_level) {
      try {
        return { fd: (await this.kernel.bpf('PROG_LOAD', { ...attr, log_level: 0 })).ret, log: '' };
      } catch (error) {
        // What was refused before the verifier has no log to give.
        if (!(error instanceof BpfError) || error.errno === EPERM) throw error;
      }
    }
    const level = attr.log_level || 1;
    for (let size = FIRST_LOG; ; size *= 4) {
      try {
        const answer = await this.kernel.bpf('PROG_LOAD', { ...attr, log_level: level, log_buf: size });
        return { fd: answer.ret, log: logText(answer.log_buf) };
      } catch (error) {
        if (!(error instanceof BpfError) || error.errno !== ENOSPC || size >= LARGEST_LOG) throw error;
      }
    }
  }

  /** One BPF_PROG_TEST_RUN. `duration` is nanoseconds a run, averaged. */
  testRun(attr: Attr<'PROG_TEST_RUN'>): Promise<Result<'PROG_TEST_RUN'>> {
    return this.kernel.bpf('PROG_TEST_RUN', attr);
  }

  async btfLoad(btf: Uint8Array): Promise<Fd> {
    return (await this.kernel.bpf('BTF_LOAD', { btf })).ret;
  }

  // Attaching.

  async linkCreate(attr: Attr<'LINK_CREATE'>): Promise<Fd> {
    return (await this.kernel.bpf('LINK_CREATE', attr)).ret;
  }

  async linkUpdate(attr: Attr<'LINK_UPDATE'>): Promise<void> {
    await this.kernel.bpf('LINK_UPDATE', attr);
  }

  async linkDetach(fd: Fd): Promise<void> {
    await this.kernel.bpf('LINK_DETACH', { link_fd: fd });
  }

  async rawTracepointOpen(name: string, progFd: Fd, cookie = 0n): Promise<Fd> {
    return (await this.kernel.bpf('RAW_TRACEPOINT_OPEN', { name, prog_fd: progFd, cookie })).ret;
  }

  async progAttach(attr: Attr<'PROG_ATTACH'>): Promise<void> {
    await this.kernel.bpf('PROG_ATTACH', attr);
  }

  async progDetach(attr: Attr<'PROG_DETACH'>): Promise<void> {
    await this.kernel.bpf('PROG_DETACH', attr);
  }

  /** What is attached, in two steps where there are more than 64 programs. */
  async progQuery(attr: Omit<Attr<'PROG_QUERY'>, 'prog_ids'>): Promise<Result<'PROG_QUERY'>> {
    for (let room = 64; ; ) {
      try {
        const bytes = room * 4;
        // Programs that come from cgroups above have flags there: asking for them here is EINVAL.
        const effective = (Number(attr.query_flags ?? 0) & BPF_F_QUERY_EFFECTIVE) !== 0;
        const flags = effective ? {} : { prog_attach_flags: bytes, link_attach_flags: bytes };
        const rooms = { prog_ids: bytes, link_ids: bytes, ...flags };
        return await this.kernel.bpf('PROG_QUERY', { ...attr, ...rooms });
      } catch (error) {
        const needed =
          error instanceof BpfError && error.errno === ENOSPC ? Number(error.answer?.['prog_cnt'] ?? 0) : 0;
        if (needed <= room) throw error;
        room = needed;
      }
    }
  }

  // Pins.

  async objPin(pathname: string, fd: Fd): Promise<void> {
    await this.kernel.bpf('OBJ_PIN', { pathname, bpf_fd: fd });
  }

  /** `flags`: BPF_F_RDONLY or BPF_F_WRONLY for maps. */
  async objGet(pathname: string, flags = 0): Promise<Fd> {
    return (await this.kernel.bpf('OBJ_GET', { pathname, file_flags: flags })).ret;
  }

  // Ids.

  async *ids(kind: IdKind): AsyncGenerator<number> {
    const command = `${kind.toUpperCase() as Uppercase<IdKind>}_GET_NEXT_ID` as const;
    let id = 0;
    for (;;) {
      const next: Promise<Result<typeof command>> = this.kernel.bpf(command, { start_id: id });
      const found = await orNull(next);
      if (found === null) return;
      id = found.next_id;
      yield id;
    }
  }
  progIds(): AsyncGenerator<number> {
    return this.ids('prog');
  }
  mapIds(): AsyncGenerator<number> {
    return this.ids('map');
  }
  btfIds(): AsyncGenerator<number> {
    return this.ids('btf');
  }
  linkIds(): AsyncGenerator<number> {
    return this.ids('link');
  }

  async progById(id: number): Promise<Fd> {
    return (await this.kernel.bpf('PROG_GET_FD_BY_ID', { prog_id: id })).ret;
  }
  /** `flags`: BPF_F_RDONLY or BPF_F_WRONLY. */
  async mapById(id: number, flags = 0): Promise<Fd> {
    return (await this.kernel.bpf('MAP_GET_FD_BY_ID', { map_id: id, open_flags: flags })).ret;
  }
  async btfById(id: number): Promise<Fd> {
    return (await this.kernel.bpf('BTF_GET_FD_BY_ID', { btf_id: id })).ret;
  }
  async linkById(id: number): Promise<Fd> {
    return (await this.kernel.bpf('LINK_GET_FD_BY_ID', { link_id: id })).ret;
  }

  // Information.

  /** Facts of a program with its map ids, and the parts asked for. */
  async progInfo(fd: Fd, ...parts: ProgInfoPart[]): Promise<ProgInfo> {
    const sizes = await this.#info(fd, { of: 'prog' });
    const want: Record<string, number> = {};
    for (const part of ['map_ids', ...parts] as const) {
      const count = Number(sizes[PART_COUNT[part]]);
      if (count > 0) want[part] = count;
    }
    return Object.keys(want).length === 0 ? sizes : this.#info(fd, { of: 'prog', want });
  }

  mapInfo(fd: Fd): Promise<MapInfo> {
    return this.#info(fd, { of: 'map' });
  }

  /** Facts of a BTF object; its bytes with `bytes`. */
  async btfInfo(fd: Fd, options: { bytes?: boolean } = {}): Promise<BtfInfo> {
    const sizes = await this.#info(fd, { of: 'btf', want: { name: 64 } });
    if (!options.bytes) return sizes;
    if (sizes.btf_size > LARGEST_BTF) throw new BpfError('BPF_OBJ_GET_INFO_BY_FD', E2BIG, 'BTF of more than 64 MiB');
    return this.#info(fd, { of: 'btf', want: { name: 64, btf: sizes.btf_size } });
  }

  /** Facts of a link, with names, paths and the places of multi-links. */
  async linkInfo(fd: Fd): Promise<LinkInfo> {
    const info = await this.#info(fd, { of: 'link', want: LINK_TEXTS });
    const count = info.kprobe_multi?.count ?? info.uprobe_multi?.count ?? 0;
    if (count === 0) return info;
    const places = { addrs: count, cookies: count, offsets: count, ref_ctr_offsets: count };
    return this.#info(fd, { of: 'link', want: { ...LINK_TEXTS, ...places } });
  }

  /**
   * What kind of object a descriptor is, with its facts. One question per kind: a kernel refuses a structure of
   * another kind.
   */
  async info(fd: Fd): Promise<Info> {
    for (const of of ['prog', 'map', 'link', 'btf'] as const) {
      try {
        return (await this.kernel.bpf('OBJ_GET_INFO_BY_FD', { bpf_fd: fd, info: { of } })).info;
      } catch (error) {
        if (!(error instanceof BpfError) || (error.errno !== EINVAL && error.errno !== E2BIG)) throw error;
      }
    }
    throw new BpfError('BPF_OBJ_GET_INFO_BY_FD', EINVAL, 'not a program, map, link or BTF object');
  }

  /** What hangs on a perf event or raw tracepoint descriptor of process `pid`, or null: not such a descriptor. */
  async taskFdQuery(pid: number, fd: Fd): Promise<Result<'TASK_FD_QUERY'> | null> {
    try {
      return await this.kernel.bpf('TASK_FD_QUERY', { pid, fd, buf: 4096 });
    } catch (error) {
      if (error instanceof BpfError && (error.errno === ENOENT || error.errno === EOPNOTSUPP)) return null;
      throw error;
    }
  }

  /** Counts runs and time of all programs while the descriptor is open. */
  async enableStats(type = 0): Promise<Fd> {
    return (await this.kernel.bpf('ENABLE_STATS', { type })).ret;
  }

  async #info<K extends InfoRequest['of']>(fd: Fd, info: InfoRequest & { of: K }): Promise<Extract<Info, { of: K }>> {
    const answer = await this.kernel.bpf('OBJ_GET_INFO_BY_FD', { bpf_fd: fd, info });
    return answer.info as Extract<Info, { of: K }>;
  }
}

const PER_CPU: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED,
]);

/** Whether user space sees one value per CPU. */
export function isPerCpu(mapType: number): boolean {
  return PER_CPU.has(mapType);
}

/** Bytes that one value of a map has for user space: value_size, or round_up(value_size, 8) * CPUs. */
export function userValueSize(map: { type: number; value_size: number }, possibleCpus: number): number {
  return isPerCpu(map.type) ? Math.ceil(map.value_size / 8) * 8 * possibleCpus : map.value_size;
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    return nullWhereAbsent(error);
  }
}

function nullWhereAbsent(error: unknown): null {
  if (error instanceof BpfError && error.errno === ENOENT) return null;
  throw error;
}
