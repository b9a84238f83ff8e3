/** The maps that the programs of test/messages may name: made when they are used. */

import { utf8 } from '../../src/base/bytes.ts';
import { BtfBuilder } from '../../src/btf/index.ts';
import { BpfMap } from '../../src/client/index.ts';
import { Bpf, type Kernel } from '../../src/sys/index.ts';
import * as C from '../../src/uapi/generated/constants.ts';
import type { Types } from './types.ts';

/** What a page says of them. */
export const MAPS: Readonly<Record<string, string>> = {
  hash: 'hash, keys of 4 and values of 16 bytes',
  array: 'array of 4 values of 16 bytes',
  single: 'array of one value of 16 bytes',
  ro: 'array of one value of 16 bytes that programs may only read (BPF_F_RDONLY_PROG)',
  text: 'the same, frozen, and what it holds is a text without its end',
  format: 'the same, frozen, and what it holds is the text "%y"',
  wo: 'array of one value of 16 bytes that programs may only write (BPF_F_WRONLY_PROG)',
  progs: 'prog_array of 4',
  events: 'perf_event_array of 4',
  ring: 'ringbuf of 4096 bytes',
  commands: 'user_ringbuf of 4096 bytes',
  stacks: 'stack_trace',
  queue: 'queue of 4 values of 16 bytes',
  socks: 'sockmap of 4',
  arena: 'arena of one page',
  heap: 'arena of one page at a known address',
  locked: 'hash whose values are struct { struct bpf_spin_lock lock; u32 data; }',
  timers: 'hash whose values are struct { struct bpf_timer timer; }',
  tasks: 'hash whose values are struct { struct task_struct __kptr_untrusted *task; struct task_struct __kptr *own; }',
  storage: 'cgroup_storage',
  values: 'array of one value of the `struct value` that the program declares',
  keyed: 'hash of such values',
  foreign: 'array of one such value, made with types of its own: the same, loaded a second time',
  local: 'task_storage of such values',
};

const DEFINITIONS = {
  hash: { type: 'hash', keySize: 4, valueSize: 16, maxEntries: 4 },
  array: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 4 },
  single: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1 },
  ro: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1, flags: C.BPF_F_RDONLY_PROG },
  text: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1, flags: C.BPF_F_RDONLY_PROG },
  format: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1, flags: C.BPF_F_RDONLY_PROG },
  wo: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1, flags: C.BPF_F_WRONLY_PROG },
  progs: { type: 'prog_array', maxEntries: 4 },
  events: { type: 'perf_event_array', maxEntries: 4 },
  ring: { type: 'ringbuf', maxEntries: 4096 },
  commands: { type: 'user_ringbuf', maxEntries: 4096 },
  stacks: { type: 'stack_trace', valueSize: 8, maxEntries: 4 },
  queue: { type: 'queue', keySize: 0, valueSize: 16, maxEntries: 4 },
  socks: { type: 'sockmap', maxEntries: 4 },
  arena: { type: 'arena', keySize: 0, valueSize: 0, maxEntries: 1, flags: C.BPF_F_MMAPABLE },
  storage: { type: 'cgroup_storage', keySize: 8, valueSize: 8, maxEntries: 0 },
} as const;

/** What maps that are frozen hold. */
const FROZEN: Readonly<Record<string, string>> = { text: 'A'.repeat(16), format: '%y'.padEnd(16, '\0') };
/** Where user space sees arenas. */
const ARENAS: Readonly<Record<string, bigint>> = { heap: 1n << 40n };

/**
 * `name` is one of MAPS; a number after it makes it another of the same kind. `declared`: the types of the program, for
 * maps of its own `struct value`.
 */
export async function makeMap(kernel: Kernel, called: string, declared: { fd: number; types: Types }): Promise<BpfMap> {
  const name = called.replace(/\d+$/, '');
  const own = OWN[name];
  if (own) return BpfMap.adopt(kernel, await makeOwnMap(new Bpf(kernel), name, own, declared));
  const address = ARENAS[name];
  if (address) {
    const arena = { map_type: C.BPF_MAP_TYPE_ARENA, max_entries: 1, map_flags: C.BPF_F_MMAPABLE, map_extra: address };
    return BpfMap.adopt(kernel, await new Bpf(kernel).mapCreate(arena));
  }
  const plain = (DEFINITIONS as Readonly<Record<string, Parameters<typeof BpfMap.create>[1]>>)[name];
  if (plain) {
    const map = await BpfMap.create(kernel, { name, ...plain });
    const text = FROZEN[name];
    if (text !== undefined) {
      await map.update(new Uint8Array(4), utf8(text));
      await map.freeze();
    }
    return map;
  }
  const make = TYPED[name];
  if (!make) throw new Error(`test/messages: there is no map '${name}'`);
  const builder = new BtfBuilder();
  const key = builder.int('unsigned int', 4);
  const { value, size } = make(builder, key);
  const bpf = new Bpf(kernel);
  return bpf.withFd(bpf.btfLoad(builder.build()), async (btf_fd) =>
    BpfMap.adopt(
      kernel,
      await bpf.mapCreate({
        map_type: C.BPF_MAP_TYPE_HASH,
        map_name: name,
        key_size: 4,
        value_size: size,
        max_entries: 4,
        btf_fd,
        btf_key_type_id: key,
        btf_value_type_id: value,
      }),
    ),
  );
}

async function makeOwnMap(bpf: Bpf, name: string, map_type: number, { fd, types }: { fd: number; types: Types }) {
  const value = types.structs.get('value');
  if (!value || fd === 0) throw new Error(`test/messages: map '${name}' without a struct value`);
  const isStorage = map_type === C.BPF_MAP_TYPE_TASK_STORAGE;
  const create = (btf_fd: number) =>
    bpf.mapCreate({
      map_type,
      map_name: name,
      key_size: 4,
      value_size: value.size,
      max_entries: isStorage ? 0 : 1,
      map_flags: isStorage ? C.BPF_F_NO_PREALLOC : 0,
      btf_fd,
      btf_key_type_id: types.int(isStorage ? 'int' : 'u32'),
      btf_value_type_id: value.id,
    });
  return name === 'foreign' ? bpf.withFd(bpf.btfLoad(types.btf.build()), create) : create(fd);
}

/** Maps whose values are the program's own `struct value`. */
const OWN: Readonly<Record<string, number>> = {
  values: C.BPF_MAP_TYPE_ARRAY,
  keyed: C.BPF_MAP_TYPE_HASH,
  foreign: C.BPF_MAP_TYPE_ARRAY,
  local: C.BPF_MAP_TYPE_TASK_STORAGE,
};

/** Values with parts that the kernel keeps, which only types can say. */
const TYPED: Readonly<Record<string, (builder: BtfBuilder, u32: number) => { value: number; size: number }>> = {
  locked(b, u32) {
    const lock = b.struct('bpf_spin_lock', 4, [['val', u32, 0]]);
    const value = b.struct('value', 8, [
      ['lock', lock, 0],
      ['data', u32, 4],
    ]);
    return { value, size: 8 };
  },
  timers(b) {
    const timer = b.struct('bpf_timer', 16, [['__opaque', b.array(b.int('unsigned long', 8), 2, 1), 0]]);
    return { value: b.struct('value', 16, [['timer', timer, 0]]), size: 16 };
  },
  tasks(b, u32) {
    const task = b.struct('task_struct', 4, [['unused', u32, 0]]);
    const pointer = (tag: string) => b.ptr(b.add({ kind: 'type_tag', name: tag, type: task, kindFlag: false }));
    const value = b.struct('value', 16, [
      ['task', pointer('kptr_untrusted'), 0],
      ['own', pointer('kptr'), 8],
    ]);
    return { value, size: 16 };
  },
};
