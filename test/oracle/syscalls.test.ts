/**
 * What bpf(2) answers, asked of both kernels: each question is one call with something about it that matters, and both
 * must answer the same errno. The programs are ones that both accept.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BpfError } from '../../src/base/errors.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import { Bpf, type Fd } from '../../src/sys/index.ts';
import { acceptAll } from '../support/accept-all.ts';
import { describeKernel } from '../support/real-kernel.ts';

const U32 = new Uint8Array(4);
/** r0 = 0; exit */
const RETURN_0 = Uint8Array.from([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
/** No descriptor is this large. */
const CLOSED = 9999;

const SOCKET_FILTER = 1;
const KPROBE = 2;
const SCHED_CLS = 3;
const XDP = 6;

const CGROUP_SKB = 8;
const RAW_TRACEPOINT = 17;

const BPFFS = '/sys/fs/bpf';
/** Mount one (`unshare -m sh -c 'mount -t bpf b /sys/fs/bpf; …'`) to have the questions on pins asked. */
const bpffsMounted = existsSync('/proc/mounts') && readFileSync('/proc/mounts', 'utf8').includes(` ${BPFFS} bpf `);

/** What a question is asked with: objects are made as they are named. */
class Scene {
  readonly bpf: Bpf;
  #last = 0;
  constructor(bpf: Bpf) {
    this.bpf = bpf;
  }
  map(type = 2, more: Parameters<Bpf['mapCreate']>[0] = {}): Promise<Fd> {
    return this.bpf.mapCreate({ map_type: type, key_size: 4, value_size: 4, max_entries: 4, ...more });
  }
  async prog(type = SOCKET_FILTER, more: Parameters<Bpf['progLoad']>[0] = {}): Promise<Fd> {
    const attr = { prog_type: type, insns: RETURN_0, license: 'GPL', ...more };
    return (await this.bpf.call('PROG_LOAD', attr)).ret;
  }
  /** A path that nobody else uses. */
  path(): string {
    return `${BPFFS}/skep_oracle_${process.pid}_${this.#last++}`;
  }
}

type Question = readonly [title: string, ask: (scene: Scene) => Promise<unknown>];

const mapCreate: readonly Question[] = [
  ['a name with a hyphen', (s) => s.map(2, { map_name: 'a-b' })],
  ['a name with dots and digits', (s) => s.map(2, { map_name: 'ok.x_1' })],
  ...[0, 34, 35, 99].map((type): Question => [`map type ${type}`, (s) => s.map(type)]),
  ['read-only and write-only at once', (s) => s.map(2, { map_flags: 8 | 16 })],
  ['a node without its flag', (s) => s.map(2, { numa_node: 1 })],
  ['a map of maps without a template', (s) => s.map(12)],
  ['a map of maps with a closed template', (s) => s.map(12, { inner_map_fd: CLOSED })],
  ['a template for an array', (s) => s.map(2, { inner_map_fd: CLOSED })],
  ['types without BTF', (s) => s.map(2, { btf_key_type_id: 1, btf_value_type_id: 1 })],
  ['types of a closed BTF', (s) => s.map(2, { btf_fd: CLOSED, btf_key_type_id: 1, btf_value_type_id: 1 })],
  ['a key type alone', (s) => s.map(2, { btf_fd: CLOSED, btf_key_type_id: 1 })],
  ['a closed BTF nobody asks about', (s) => s.map(2, { btf_fd: CLOSED })],
  ['map_extra of an array', (s) => s.map(2, { map_extra: 1n })],
  ['an array of no elements', (s) => s.map(2, { max_entries: 0 })],
  ['an unknown flag', (s) => s.map(2, { map_flags: 1 << 30 })],
];

const elements: readonly Question[] = [
  ['lookup in a closed map', (s) => s.bpf.call('MAP_LOOKUP_ELEM', { map_fd: CLOSED, key: U32, value: 4 })],
  ['lookup in a program', async (s) => s.bpf.call('MAP_LOOKUP_ELEM', { map_fd: await s.prog(), key: U32, value: 4 })],
  ['lookup without a key', async (s) => s.bpf.call('MAP_LOOKUP_ELEM', { map_fd: await s.map(), value: 4 })],
  ['lookup without room', async (s) => s.bpf.call('MAP_LOOKUP_ELEM', { map_fd: await s.map(), key: U32 })],
  ...[1n, 2n, 4n, 8n, 1n << 32n].map(
    (flags): Question => [
      `lookup with flags ${flags}`,
      async (s) => s.bpf.call('MAP_LOOKUP_ELEM', { map_fd: await s.map(), key: U32, value: 4, flags }),
    ],
  ),
  ...[0n, 1n, 2n, 3n, 4n, 8n, 1n << 32n].map(
    (flags): Question => [`update with flags ${flags}`, async (s) => s.bpf.mapUpdate(await s.map(), U32, U32, flags)],
  ),
  ['delete from an array', async (s) => s.bpf.call('MAP_DELETE_ELEM', { map_fd: await s.map(), key: U32 })],
  ['delete what is not there', async (s) => s.bpf.call('MAP_DELETE_ELEM', { map_fd: await s.map(1), key: U32 })],
  [
    'take from an array',
    async (s) => s.bpf.call('MAP_LOOKUP_AND_DELETE_ELEM', { map_fd: await s.map(), key: U32, value: 4 }),
  ],
  [
    'take what is not there',
    async (s) => s.bpf.call('MAP_LOOKUP_AND_DELETE_ELEM', { map_fd: await s.map(1), key: U32, value: 4 }),
  ],
  [
    'the next key of an empty hash',
    async (s) => s.bpf.call('MAP_GET_NEXT_KEY', { map_fd: await s.map(1), next_key: 4 }),
  ],
  ['write through a read-only descriptor', async (s) => s.bpf.mapUpdate(await s.map(2, { map_flags: 8 }), U32, U32)],
  ['read through a write-only descriptor', async (s) => s.bpf.mapLookup(await s.map(2, { map_flags: 16 }), U32, 4)],
  ['walk through a write-only descriptor', async (s) => s.bpf.mapNextKey(await s.map(2, { map_flags: 16 }), null, 4)],
  ['freeze through a read-only descriptor', async (s) => s.bpf.mapFreeze(await s.map(2, { map_flags: 8 }))],
  [
    'freeze twice',
    async (s) => {
      const fd = await s.map();
      await s.bpf.mapFreeze(fd);
      await s.bpf.mapFreeze(fd);
    },
  ],
  [
    'write to what is frozen',
    async (s) => {
      const fd = await s.map();
      await s.bpf.mapFreeze(fd);
      await s.bpf.mapUpdate(fd, U32, U32);
    },
  ],
  [
    'delete from what is frozen',
    async (s) => {
      const fd = await s.map(1);
      await s.bpf.mapFreeze(fd);
      await s.bpf.call('MAP_DELETE_ELEM', { map_fd: fd, key: U32 });
    },
  ],
  [
    'read what is frozen',
    async (s) => {
      const fd = await s.map();
      await s.bpf.mapFreeze(fd);
      await s.bpf.mapLookup(fd, U32, 4);
    },
  ],
  [
    'peek at an empty queue',
    async (s) => s.bpf.call('MAP_LOOKUP_ELEM', { map_fd: await s.map(22, { key_size: 0 }), value: 4 }),
  ],
  [
    'pop an empty queue',
    async (s) => s.bpf.call('MAP_LOOKUP_AND_DELETE_ELEM', { map_fd: await s.map(22, { key_size: 0 }), value: 4 }),
  ],
  ['push with a key', async (s) => s.bpf.mapUpdate(await s.map(22, { key_size: 0 }), U32, U32)],
  ['push', async (s) => s.bpf.mapUpdate(await s.map(22, { key_size: 0 }), new Uint8Array(0), U32)],
  [
    'look into an empty prog array',
    async (s) => s.bpf.call('MAP_LOOKUP_ELEM', { map_fd: await s.map(3), key: U32, value: 4 }),
  ],
  [
    'look into a perf event array',
    async (s) => s.bpf.call('MAP_LOOKUP_ELEM', { map_fd: await s.map(4), key: U32, value: 4 }),
  ],
  ['a map in a prog array', async (s) => s.bpf.mapUpdate(await s.map(3), U32, u32(await s.map()))],
  ['a closed descriptor in a prog array', async (s) => s.bpf.mapUpdate(await s.map(3), U32, u32(CLOSED))],
  [
    'a program of another sort in a prog array',
    async (s) => {
      const fd = await s.map(3);
      await s.bpf.mapUpdate(fd, U32, u32(await s.prog()));
      await s.bpf.mapUpdate(fd, u32(1), u32(await s.prog(XDP)));
    },
  ],
];

const batches: readonly Question[] = [
  ['a batch update of an array of programs', async (s) => s.bpf.mapUpdateBatch(await s.map(3), U32, U32, 1)],
  ['a batch delete in an array', async (s) => s.bpf.mapDeleteBatch(await s.map(), U32, 1)],
  [
    'a batch take from an array',
    async (s) =>
      s.bpf.call('MAP_LOOKUP_AND_DELETE_BATCH', { map_fd: await s.map(), out_batch: 4, keys: 8, values: 8, count: 2 }),
  ],
  [
    'a batch of a queue',
    async (s) =>
      s.bpf.call('MAP_LOOKUP_BATCH', {
        map_fd: await s.map(22, { key_size: 0 }),
        out_batch: 4,
        keys: 8,
        values: 8,
        count: 2,
      }),
  ],
  [
    'a batch lookup of an empty hash',
    async (s) => s.bpf.call('MAP_LOOKUP_BATCH', { map_fd: await s.map(1), out_batch: 4, keys: 8, values: 8, count: 2 }),
  ],
  [
    'a batch lookup past the end of an array',
    async (s) =>
      s.bpf.call('MAP_LOOKUP_BATCH', { map_fd: await s.map(), out_batch: 4, keys: 20, values: 20, count: 5 }),
  ],
  [
    'a batch lookup of a whole array',
    async (s) =>
      s.bpf.call('MAP_LOOKUP_BATCH', { map_fd: await s.map(), out_batch: 4, keys: 16, values: 16, count: 4 }),
  ],
  [
    'a batch without a place for the position',
    async (s) => s.bpf.call('MAP_LOOKUP_BATCH', { map_fd: await s.map(), keys: 16, values: 16, count: 4 }),
  ],
  ['a batch of nothing', async (s) => s.bpf.call('MAP_LOOKUP_BATCH', { map_fd: await s.map(), count: 0 })],
  ['a batch with unknown flags', async (s) => s.bpf.mapUpdateBatch(await s.map(1), U32, U32, 1, 1n)],
  ['a batch delete of what is not there', async (s) => s.bpf.mapDeleteBatch(await s.map(1), U32, 1)],
];

const programs: readonly Question[] = [
  ...[0, 33, 99].map((type): Question => [`program type ${type}`, (s) => s.prog(type)]),
  ['no instructions', (s) => s.prog(SOCKET_FILTER, { insns: new Uint8Array(0) })],
  ...[1, 2, 4, 8, 32, 64, 128, 256, 512].map(
    (flags): Question => [`prog_flags ${flags}`, (s) => s.prog(SOCKET_FILTER, { prog_flags: flags })],
  ),
  ['a name with a hyphen', (s) => s.prog(SOCKET_FILTER, { prog_name: 'a-b' })],
  ['no license', (s) => s.bpf.call('PROG_LOAD', { prog_type: SOCKET_FILTER, insns: RETURN_0 })],
  ['a log level without a buffer', (s) => s.prog(SOCKET_FILTER, { log_level: 1 })],
  [
    'a log buffer without a level',
    (s) => s.bpf.call('PROG_LOAD', { prog_type: 1, insns: RETURN_0, license: 'GPL', log_buf: 100 }),
  ],
  [
    'an unknown log level',
    (s) => s.bpf.call('PROG_LOAD', { prog_type: 1, insns: RETURN_0, license: 'GPL', log_level: 16, log_buf: 100 }),
  ],
  [
    'a log buffer that is too small',
    (s) => s.bpf.call('PROG_LOAD', { prog_type: 1, insns: RETURN_0, license: 'GPL', log_level: 1, log_buf: 5 }),
  ],
  ...(
    [
      [XDP, 37],
      [CGROUP_SKB, 0],
      [CGROUP_SKB, 1],
      [18, 0],
      [18, 8],
      [25, 0],
      [30, 0],
      [SCHED_CLS, 46],
      [KPROBE, 48],
    ] as const
  ).map(
    ([type, eat]): Question => [
      `program type ${type} for attach type ${eat}`,
      (s) => s.prog(type, { expected_attach_type: eat }),
    ],
  ),
  ['a version in kern_version', (s) => s.prog(KPROBE, { kern_version: 1 })],
  [
    'func_info of a closed BTF',
    (s) => s.prog(1, { prog_btf_fd: CLOSED, func_info_cnt: 1, func_info_rec_size: 8, func_info: new Uint8Array(8) }),
  ],
  ['a closed BTF nobody asks about', (s) => s.prog(1, { prog_btf_fd: CLOSED })],
];

const objects: readonly Question[] = [
  ['the first program id after the largest', (s) => s.bpf.call('PROG_GET_NEXT_ID', { start_id: 0x7fffffff })],
  ['the id after u32', (s) => s.bpf.call('PROG_GET_NEXT_ID', { start_id: 0xffffffff })],
  ['ids with flags', (s) => s.bpf.call('PROG_GET_NEXT_ID', { start_id: 0, open_flags: 1 })],
  ['program 0', (s) => s.bpf.progById(0)],
  ['a program that is not there', (s) => s.bpf.progById(0x7ffffff0)],
  ['a program with flags', (s) => s.bpf.call('PROG_GET_FD_BY_ID', { prog_id: 1, open_flags: 8 })],
  ['a map both ways at once', (s) => s.bpf.mapById(1, 24)],
  ['a map with unknown flags', (s) => s.bpf.mapById(1, 4)],
  ['a link that is not there', (s) => s.bpf.linkById(0x7ffffff0)],
  ['info of a closed descriptor', (s) => s.bpf.call('OBJ_GET_INFO_BY_FD', { bpf_fd: CLOSED, info: { of: 'prog' } })],
  ['binding a map', async (s) => s.bpf.call('PROG_BIND_MAP', { prog_fd: await s.prog(), map_fd: await s.map() })],
  [
    'binding a map to a map',
    async (s) => {
      const fd = await s.map();
      await s.bpf.call('PROG_BIND_MAP', { prog_fd: fd, map_fd: fd });
    },
  ],
  ['binding a closed map', async (s) => s.bpf.call('PROG_BIND_MAP', { prog_fd: await s.prog(), map_fd: CLOSED })],
  [
    'binding with flags',
    async (s) => s.bpf.call('PROG_BIND_MAP', { prog_fd: await s.prog(), map_fd: await s.map(), flags: 1 }),
  ],
  ['statistics of an unknown kind', (s) => s.bpf.enableStats(1)],
  ['an iterator of a map', async (s) => s.bpf.call('ITER_CREATE', { link_fd: await s.map() })],
  ['an iterator of nothing', (s) => s.bpf.call('ITER_CREATE', { link_fd: CLOSED })],
  [
    'the third stream of a program',
    async (s) => s.bpf.call('PROG_STREAM_READ_BY_FD', { prog_fd: await s.prog(), stream_id: 3, stream_buf: 10 }),
  ],
  [
    'the first stream of a program',
    async (s) => s.bpf.call('PROG_STREAM_READ_BY_FD', { prog_fd: await s.prog(), stream_id: 1, stream_buf: 10 }),
  ],
];

const pins: readonly Question[] = [
  ['a name with a dot', async (s) => s.bpf.objPin(`${s.path()}.x`, await s.map())],
  ['a path elsewhere', async (s) => s.bpf.objPin('/tmp/skep-oracle', await s.map())],
  ['a directory that is not there', async (s) => s.bpf.objPin(`${s.path()}/x`, await s.map())],
  ['the root', async (s) => s.bpf.objPin('/sys/fs/bpf', await s.map())],
  ['a name that is too long', async (s) => s.bpf.objPin(`/sys/fs/bpf/${'a'.repeat(256)}`, await s.map())],
  ['a closed descriptor', async (s) => s.bpf.objPin(s.path(), CLOSED)],
  ['flags', async (s) => s.bpf.call('OBJ_PIN', { pathname: s.path(), bpf_fd: await s.map(), file_flags: 8 })],
  ['twice', (s) => pinned(s, async (path, fd) => s.bpf.objPin(path, fd))],
  ['below a pin', (s) => pinned(s, async (path, fd) => s.bpf.objPin(`${path}/x`, fd))],
  ['get', (s) => pinned(s, (path) => s.bpf.objGet(path))],
  ['get for reading', (s) => pinned(s, (path) => s.bpf.objGet(path, 8))],
  ['get both ways at once', (s) => pinned(s, (path) => s.bpf.objGet(path, 24))],
  ['get with unknown flags', (s) => pinned(s, (path) => s.bpf.objGet(path, 4))],
  ['get a directory', (s) => s.bpf.objGet('/sys/fs/bpf')],
  ['get what is not there', (s) => s.bpf.objGet(s.path())],
  ['get a name with a dot', (s) => s.bpf.objGet(`${s.path()}.x`)],
  ['get below a pin', (s) => pinned(s, (path) => s.bpf.objGet(`${path}/x`))],
  ['mkdir with a dot', (s) => s.bpf.kernel.bpffs.mkdir(`${s.path()}.d`)],
  ['mkdir of a pin', (s) => pinned(s, (path) => s.bpf.kernel.bpffs.mkdir(path))],
  ['remove what is not there', (s) => s.bpf.kernel.bpffs.remove(s.path())],
  [
    'remove a directory with something in it',
    async (s) => {
      const path = s.path();
      const { bpffs } = s.bpf.kernel;
      await bpffs.mkdir(path);
      await bpffs.mkdir(`${path}/inner`);
      try {
        await bpffs.remove(path);
      } finally {
        await bpffs.remove(`${path}/inner`);
        await bpffs.remove(path);
      }
    },
  ],
];

const links: readonly Question[] = [
  ['a raw tracepoint for a map', async (s) => s.bpf.rawTracepointOpen('sched_process_exec', await s.map())],
  [
    'a raw tracepoint for another sort of program',
    async (s) => s.bpf.rawTracepointOpen('sched_process_exec', await s.prog()),
  ],
  [
    'a raw tracepoint that there is none of',
    async (s) => s.bpf.rawTracepointOpen('nope', await s.prog(RAW_TRACEPOINT)),
  ],
  [
    'a raw tracepoint without a name',
    async (s) => s.bpf.call('RAW_TRACEPOINT_OPEN', { prog_fd: await s.prog(RAW_TRACEPOINT) }),
  ],
  ['a raw tracepoint for nothing', (s) => s.bpf.rawTracepointOpen('sched_process_exec', CLOSED)],
  [
    'xdp for another sort of program',
    async (s) => s.bpf.linkCreate({ prog_fd: await s.prog(), target_fd: 1, attach_type: 37 }),
  ],
  ['xdp for a map', async (s) => s.bpf.linkCreate({ prog_fd: await s.map(), target_fd: 1, attach_type: 37 })],
  ['xdp for nothing', (s) => s.bpf.linkCreate({ prog_fd: CLOSED, target_fd: 1, attach_type: 37 })],
  [
    'xdp at no device',
    async (s) => s.bpf.linkCreate({ prog_fd: await s.prog(XDP), target_fd: 99999, attach_type: 37 }),
  ],
  [
    'xdp with another attach type',
    async (s) => s.bpf.linkCreate({ prog_fd: await s.prog(XDP), target_fd: 1, attach_type: 46 }),
  ],
  [
    'tcx at no device',
    async (s) => s.bpf.linkCreate({ prog_fd: await s.prog(SCHED_CLS), target_fd: 99999, attach_type: 46 }),
  ],
  [
    'tcx with another attach type',
    async (s) => s.bpf.linkCreate({ prog_fd: await s.prog(SCHED_CLS), target_fd: 1, attach_type: 2 }),
  ],
  ['update of a map', async (s) => s.bpf.linkUpdate({ link_fd: await s.map(), new_prog_fd: await s.prog() })],
  ['detach of a map', async (s) => s.bpf.linkDetach(await s.map())],
  ['detach of nothing', (s) => s.bpf.linkDetach(CLOSED)],
  [
    'attach to a closed cgroup',
    async (s) => s.bpf.progAttach({ target_fd: CLOSED, attach_bpf_fd: await s.prog(CGROUP_SKB), attach_type: 0 }),
  ],
  [
    'attach another sort to a cgroup',
    async (s) => s.bpf.progAttach({ target_fd: CLOSED, attach_bpf_fd: await s.prog(), attach_type: 0 }),
  ],
  [
    'attach to an unknown place',
    async (s) => s.bpf.progAttach({ target_fd: CLOSED, attach_bpf_fd: await s.prog(), attach_type: 99 }),
  ],
  ['query a closed cgroup', (s) => s.bpf.call('PROG_QUERY', { target_fd: CLOSED, attach_type: 0 })],
  ['query an unknown place', (s) => s.bpf.call('PROG_QUERY', { target_fd: 1, attach_type: 37 })],
  ['a map as perf event', async (s) => s.bpf.call('TASK_FD_QUERY', { pid: process.pid, fd: await s.map() })],
  ['a closed descriptor as perf event', (s) => s.bpf.call('TASK_FD_QUERY', { pid: process.pid, fd: CLOSED })],
  ['a process that is not there', (s) => s.bpf.call('TASK_FD_QUERY', { pid: 0x3ffffff, fd: 3 })],
  ['flags of TASK_FD_QUERY', (s) => s.bpf.call('TASK_FD_QUERY', { pid: process.pid, fd: 3, flags: 1 })],
];

const packet = (size: number) => new Uint8Array(size).fill(1);
const PACKET_TYPES = [SOCKET_FILTER, SCHED_CLS, XDP, CGROUP_SKB] as const;
const testRuns: readonly Question[] = [
  ['a closed program', (s) => s.bpf.testRun({ prog_fd: CLOSED })],
  ...PACKET_TYPES.flatMap((type): Question[] => [
    ...[0, 13, 14, 64].map(
      (size): Question => [
        `type ${type}, ${size} bytes`,
        async (s) => s.bpf.testRun({ prog_fd: await s.prog(type), data_in: packet(size) }),
      ],
    ),
    ...[1, 4, 8].map(
      (flags): Question => [
        `type ${type}, flags ${flags}`,
        async (s) => s.bpf.testRun({ prog_fd: await s.prog(type), data_in: packet(64), flags }),
      ],
    ),
    [
      `type ${type}, too little room`,
      async (s) => s.bpf.testRun({ prog_fd: await s.prog(type), data_in: packet(64), data_out: 10 }),
    ],
    [`type ${type}, a CPU`, async (s) => s.bpf.testRun({ prog_fd: await s.prog(type), data_in: packet(64), cpu: 1 })],
    [
      `type ${type}, a batch size`,
      async (s) => s.bpf.testRun({ prog_fd: await s.prog(type), data_in: packet(64), batch_size: 1 }),
    ],
    ...[0, 4, 8, 12, 16, 32, 36, 48, 68, 76, 140, 160].map(
      (at): Question => [
        `type ${type}, context with a 1 at ${at}`,
        async (s) =>
          s.bpf.testRun({ prog_fd: await s.prog(type), data_in: packet(64), ctx_in: packet(1 + at).fill(0, 0, at) }),
      ],
    ),
    [
      `type ${type}, context of 200 zeros`,
      async (s) => s.bpf.testRun({ prog_fd: await s.prog(type), data_in: packet(64), ctx_in: new Uint8Array(200) }),
    ],
    [
      `type ${type}, context of 200 ones`,
      async (s) => s.bpf.testRun({ prog_fd: await s.prog(type), data_in: packet(64), ctx_in: packet(200) }),
    ],
  ]),
  ...[3648, 3712, 3713, 4096].map(
    (size): Question => [
      `tc, ${size} bytes`,
      async (s) => s.bpf.testRun({ prog_fd: await s.prog(SCHED_CLS), data_in: packet(size) }),
    ],
  ),
  ...[0, 8, 96, 97].map(
    (size): Question => [
      `raw tracepoint, context of ${size}`,
      async (s) => s.bpf.testRun({ prog_fd: await s.prog(RAW_TRACEPOINT), ctx_in: new Uint8Array(size) }),
    ],
  ),
  [
    'raw tracepoint with data',
    async (s) => s.bpf.testRun({ prog_fd: await s.prog(RAW_TRACEPOINT), data_in: packet(14) }),
  ],
  ['raw tracepoint, repeated', async (s) => s.bpf.testRun({ prog_fd: await s.prog(RAW_TRACEPOINT), repeat: 1 })],
  [
    'raw tracepoint on a CPU without the flag',
    async (s) => s.bpf.testRun({ prog_fd: await s.prog(RAW_TRACEPOINT), cpu: 1 }),
  ],
  ['raw tracepoint on a CPU', async (s) => s.bpf.testRun({ prog_fd: await s.prog(RAW_TRACEPOINT), cpu: 1, flags: 1 })],
  [
    'raw tracepoint on no CPU',
    async (s) => s.bpf.testRun({ prog_fd: await s.prog(RAW_TRACEPOINT), cpu: 9999, flags: 1 }),
  ],
];

const GROUPS: Readonly<Record<string, readonly Question[]>> = {
  BPF_MAP_CREATE: mapCreate,
  'commands on elements': elements,
  'batch commands': batches,
  BPF_PROG_LOAD: programs,
  'ids and information': objects,
  pins: pins,
  'links and attaching': links,
  BPF_PROG_TEST_RUN: testRuns,
};

describeKernel('bpf(2) answers what Linux answers', () => {
  for (const [group, questions] of Object.entries(GROUPS)) {
    describe.skipIf(questions === pins && !bpffsMounted)(group, () => {
      it.each(questions.map(([title, ask]) => [title, ask] as const))('%s', async (_title, ask) => {
        const embedded = createKernel({ verify: acceptAll }).open({ pid: process.pid });
        const linux = await openLinuxKernel();
        try {
          const theirs = await outcome(ask, linux);
          expect(await outcome(ask, embedded)).toBe(theirs);
        } finally {
          await linux.close();
          await embedded.close();
        }
      });
    });
  }
});

async function outcome(ask: Question[1], kernel: Bpf['kernel']): Promise<string> {
  try {
    await ask(new Scene(new Bpf(kernel)));
    return 'done';
  } catch (error) {
    if (error instanceof BpfError) return error.code;
    throw error;
  }
}

async function pinned(s: Scene, use: (path: string, fd: Fd) => Promise<unknown>): Promise<void> {
  const path = s.path();
  const fd = await s.map();
  await s.bpf.objPin(path, fd);
  try {
    await use(path, fd);
  } finally {
    await s.bpf.kernel.bpffs.remove(path);
  }
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
