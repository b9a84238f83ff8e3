/**
 * What iterator programs go through here: maps, programs, links, tasks, the elements of a map. The program says which, by
 * the function it attaches to; the link says which of them.
 */
import { view } from '../../base/bytes.ts';
import { EACCES, EBADF, EINVAL, ENOENT } from '../../base/errno.ts';
import type { Addr } from '../../base/memory.ts';
import * as C from '../../uapi/generated/constants.ts';
import type { LinkInfo } from '../../uapi/infos.ts';
import type { Client } from '../client.ts';
import type { Core } from '../core.ts';
import type { Ids } from '../objects/ids.ts';
import type { LiveMap } from '../objects/map.ts';
import type { LoadedProg } from '../objects/prog.ts';
import type { Blocks } from './blocks.ts';

/** What is gone through: made when the link is. */
export interface Walk {
  /** Words of the context after `meta`. */
  readonly words: number;
  /** The words for each object in turn. Blocks that it asks for are gone after the object's run. */
  objects(core: Core, blocks: Blocks): Generator<readonly Addr[]>;
  /** What the link says of itself beside the name of the target. */
  readonly info: Partial<NonNullable<LinkInfo['iter']>>;
  readonly fdInfo: Readonly<Record<string, string>>;
  /** Gives back what it holds. */
  release?(): void;
}

/** `info`: bytes of union bpf_iter_link_info, as many as were given. Answers -errno where it makes no sense. */
type Target = (client: Client, prog: LoadedProg, info: Uint8Array) => Walk | number;

const NOTHING_SAID = { info: {}, fdInfo: {} };

/** Objects that have ids, by these; what comes or goes meanwhile is there or not. */
function byId<T extends { id: number }>(
  idsOf: (core: Core) => Ids<T>,
  block: (blocks: Blocks, object: T) => Addr,
): Target {
  return () => ({
    ...NOTHING_SAID,
    words: 1,
    *objects(core, blocks) {
      const ids = idsOf(core);
      for (let id = ids.after(0); id !== 0; id = ids.after(id)) {
        const object = ids.get(id);
        if (object !== undefined) yield [block(blocks, object)];
      }
    },
  });
}

const task: Target = (_client, _prog, given) => {
  const [tid = 0, pid = 0, pidFd = 0] = words(given);
  if ([tid, pid, pidFd].filter((word) => word !== 0).length > 1) return -EINVAL;
  if (pidFd !== 0) return -EBADF;
  return {
    words: 1,
    info: { tid, pid },
    fdInfo: {
      task_type: tid !== 0 ? 'TID' : pid !== 0 ? 'PID' : 'ALL',
      ...(tid !== 0 ? { tid: `${tid}` } : pid !== 0 ? { pid: `${pid}` } : {}),
    },
    *objects(core) {
      const tasks = [...core.world.tasks].sort((a, b) => a.pid - b.pid);
      for (const { pid: id } of tasks) {
        const live = core.world.tasks.get(id);
        if (live === undefined || (tid !== 0 && id !== tid) || (pid !== 0 && live.tgid !== pid)) continue;
        yield [live.addr];
      }
    },
  };
};

const HASHES: ReadonlySet<number> = new Set([
  C.BPF_MAP_TYPE_HASH,
  C.BPF_MAP_TYPE_LRU_HASH,
  C.BPF_MAP_TYPE_PERCPU_HASH,
  C.BPF_MAP_TYPE_LRU_PERCPU_HASH,
  C.BPF_MAP_TYPE_ARRAY,
  C.BPF_MAP_TYPE_PERCPU_ARRAY,
]);
const PERCPU: ReadonlySet<number> = new Set([
  C.BPF_MAP_TYPE_PERCPU_HASH,
  C.BPF_MAP_TYPE_LRU_PERCPU_HASH,
  C.BPF_MAP_TYPE_PERCPU_ARRAY,
]);

const mapElem: Target = (client, prog, given) => {
  const [fd = 0] = words(given);
  if (given.length === 0) return -EBADF;
  const live = client.object('map', fd);
  if (typeof live === 'number') return live;
  const { def, map } = live;
  if (!HASHES.has(def.type)) return -EINVAL;
  // The verifier let the program reach as far as it wants: here it turns out what there is.
  const { readOnly, writable } = prog.facts.bufferAccess;
  if (readOnly > def.keySize || writable > map.userValueSize) return -EACCES;
  live.hold();
  return {
    words: 3,
    info: { map_id: live.id },
    fdInfo: { map_id: `${live.id}` },
    release: () => live.drop(),
    *objects(core, blocks) {
      for (let key = map.nextKey(null); typeof key !== 'number'; key = map.nextKey(key)) {
        const words = element(core, blocks, live, key);
        if (words !== undefined) yield words;
      }
    },
  };
};

/** An element's map, key and value: the values of all CPUs side by side, copied, where there are several. */
function element(core: Core, blocks: Blocks, live: LiveMap, key: Uint8Array): readonly Addr[] | undefined {
  const { map, def } = live;
  const { mem } = core;
  const keyAt = blocks.room(Math.max(8, key.length));
  if (keyAt === 0) return undefined;
  mem.write(keyAt, key);
  if (!PERCPU.has(def.type)) {
    const value = map.lookup(keyAt);
    return value === 0 ? undefined : [blocks.map(live), keyAt, value];
  }
  const values = map.readElem(key, 0n);
  const copy = typeof values === 'number' ? 0 : blocks.room(values.length);
  if (typeof values === 'number' || copy === 0) return undefined;
  mem.write(copy, values);
  return [blocks.map(live), keyAt, copy];
}

export const TARGETS: ReadonlyMap<string, Target> = new Map<string, Target>([
  [
    'bpf_map',
    byId(
      (core) => core.maps.ids,
      (blocks, map) => blocks.map(map),
    ),
  ],
  [
    'bpf_prog',
    byId(
      (core) => core.progs,
      (blocks, prog) => blocks.prog(prog),
    ),
  ],
  [
    'bpf_link',
    byId(
      (core) => core.links,
      (blocks, link) => blocks.link(link),
    ),
  ],
  ['bpf_map_elem', mapElem],
  ['task', task],
]);

function words(info: Uint8Array): number[] {
  const dv = view(info);
  return Array.from({ length: info.length >> 2 }, (_, i) => dv.getUint32(4 * i, true));
}

/** The name of what a program goes through: its function is bpf_iter_NAME. -ENOENT where it is none. */
export function targetName(core: Core, prog: LoadedProg): string | number {
  const type = core.kernelBtf.type(prog.facts.attachBtfId);
  return type?.kind === 'func' && type.name.startsWith('bpf_iter_') ? type.name.slice('bpf_iter_'.length) : -ENOENT;
}
