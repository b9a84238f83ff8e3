/**
 * Structures with parts that the kernel keeps: which of them BTF_LOAD and MAP_CREATE take, and what programs may do with
 * maps that come with types of their own. Both kernels answer the same.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BpfError } from '../../src/base/errors.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import { Bpf, type Kernel } from '../../src/sys/index.ts';
import * as C from '../../src/uapi/generated/constants.ts';
import { ROOT } from '../docs/pages.ts';
import { parseExamples } from '../messages/examples.ts';
import { provoke } from '../messages/programs.ts';
import { Types } from '../messages/types.ts';
import { describeKernel } from '../support/real-kernel.ts';

const LOCK = 'struct bpf_spin_lock lock;';
const NODE = 'struct bpf_list_node';
const LEAF = 'struct bpf_rb_node';
const HEAD = 'struct bpf_list_head';
const TREE = 'struct bpf_rb_root';
const COUNT = 'struct bpf_refcount';

/** What -> types; a map of `struct value` is made of them where there is one. */
const STRUCTURES: Readonly<Record<string, string>> = {
  'a node of a list and one of a tree': `struct value { ${NODE} l; ${LEAF} r; };`,
  'both, with a count of references': `struct value { ${NODE} l; ${LEAF} r; ${COUNT} c; };`,
  'two nodes of lists': `struct value { ${NODE} l; ${NODE} r; };`,
  'a list without a lock': `struct a { ${NODE} l; }; struct value { ${HEAD} h __contains(a, l); };`,
  'a list and its lock': `struct a { ${NODE} l; }; struct value { ${LOCK} ${HEAD} h __contains(a, l); };`,
  'a list and a resilient lock': `struct a { ${NODE} l; }; struct value { struct bpf_res_spin_lock lock; ${HEAD} h __contains(a, l); };`,
  'a list of nobody knows what': `struct value { ${LOCK} ${HEAD} h; };`,
  'a list of what is not there': `struct value { ${LOCK} ${HEAD} h __contains(a, l); };`,
  'a list by a member that is not there': `struct a { ${NODE} l; }; struct value { ${LOCK} ${HEAD} h __contains(a, x); };`,
  'a list by the node of a tree': `struct a { ${LEAF} l; }; struct value { ${LOCK} ${HEAD} h __contains(a, l); };`,
  'a list by a number': `struct a { int l; }; struct value { ${LOCK} ${HEAD} h __contains(a, l); };`,
  'a tree and its lock': `struct a { ${LEAF} l; }; struct value { ${LOCK} ${TREE} h __contains(a, l); };`,
  'a tree without a lock': `struct a { ${LEAF} l; }; struct value { ${TREE} h __contains(a, l); };`,
  'an array of lists': `struct a { ${NODE} l; }; struct value { ${LOCK} ${HEAD} h[2] __contains(a, l); };`,
  'two locks': `struct value { ${LOCK} struct bpf_spin_lock second; };`,
  'two locks of two kinds': `struct value { ${LOCK} struct bpf_res_spin_lock second; };`,
  'a second lock inside': `struct in { ${LOCK} int a; }; struct value { ${NODE} l; ${LOCK} struct in i; };`,
  'an array of locks': `struct value { ${NODE} l; struct bpf_spin_lock locks[2]; };`,
  'two counts of references': `struct value { ${NODE} l; ${COUNT} a; ${COUNT} b; };`,
  'an array of nodes': `struct value { ${NODE} l[4]; };`,
  'too many nodes': `struct value { ${Array.from({ length: 12 }, (_, i) => `${NODE} l${i};`).join(' ')} };`,
  'a list of itself': `struct value { ${NODE} l; ${LOCK} ${HEAD} h __contains(value, l); };`,
  'a list of lists': `struct b { ${NODE} l; }; struct a { ${NODE} l; ${LOCK} ${HEAD} h __contains(b, l); }; struct value { ${LOCK} ${HEAD} h __contains(a, l); };`,
  'a list of lists of lists': `struct c { ${NODE} l; }; struct b { ${NODE} l; ${LOCK} ${HEAD} h __contains(c, l); }; struct value { ${NODE} l; ${LOCK} ${HEAD} h __contains(b, l); };`,
  'a pointer to a number': 'struct value { int *__kptr p; };',
  'a pointer to a number beside a lock': `struct value { ${LOCK} int *__kptr p; };`,
  'a pointer to a structure that is only named': 'struct value { struct nobody *__kptr p; };',
  'the same beside a lock': `struct value { ${LOCK} struct nobody *__kptr p; };`,
  'a pointer to a structure of its own beside a lock': `struct mine { long a; }; struct value { ${LOCK} struct mine *__kptr p; };`,
  'a pointer to a structure and one to a number': `struct mine { long a; }; struct value { struct mine *__kptr p; int *__kptr q; };`,
  'an untrusted pointer and one to a number': `struct mine { long a; }; struct value { struct mine *__kptr_untrusted p; int *__kptr q; };`,
  'twelve pointers': `struct mine { long a; }; struct value { ${Array.from({ length: 12 }, (_, i) => `struct mine *__kptr p${i};`).join(' ')} };`,
  'an array of twelve pointers': `struct mine { long a; }; struct value { struct mine *__kptr p[12]; };`,
  'a pointer to user space': 'struct mine { long a; }; struct value { struct mine *__uptr p; };',
  'a lock of another size': 'struct bpf_spin_lock { u64 a; }; struct value { struct bpf_spin_lock lock; };',
  'twelve pointers beside a lock': `struct mine { long a; }; struct value { ${LOCK} struct mine *__kptr p[12]; };`,
  'an array of structures with pointers': `struct mine { long a; }; struct in { struct mine *__kptr p; }; struct value { ${LOCK} struct in i[2]; };`,
  'an array of structures with locks': `struct in { ${LOCK} }; struct value { ${NODE} l; struct in i[2]; };`,
};

/** What a value may have; which maps take it is the question. */
const PARTS: Readonly<Record<string, string>> = {
  lock: LOCK,
  'resilient lock': 'struct bpf_res_spin_lock lock;',
  timer: 'struct bpf_timer t;',
  workqueue: 'struct bpf_wq w;',
  'task work': 'struct bpf_task_work w;',
  count: `${COUNT} c;`,
  pointer: 'struct task_struct *__kptr p;',
  'untrusted pointer': 'struct task_struct *__kptr_untrusted p;',
  'per-CPU pointer': 'struct task_struct *__percpu_kptr p;',
  'user pointer': 'struct mine *__uptr p;',
  list: `${LOCK} ${HEAD} h __contains(n, l);`,
  tree: `${LOCK} ${TREE} h __contains(m, l);`,
  node: `${NODE} l;`,
  nothing: 'int a;',
};
const OTHER_TYPES = `struct n { ${NODE} l; }; struct m { ${LEAF} l; }; struct task_struct { int a; }; struct mine { long a; };
struct lpm_key { u32 bits; u32 data; }; struct cgroup_key { u64 id; u32 type; };`;

type Key = 'u32' | 'int' | 'lpm_key' | 'cgroup_key' | '';
const MAPS: readonly (readonly [type: number, key: Key, flags?: number])[] = [
  [C.BPF_MAP_TYPE_HASH, 'u32'],
  [C.BPF_MAP_TYPE_HASH, 'u32', C.BPF_F_RDONLY_PROG],
  [C.BPF_MAP_TYPE_ARRAY, 'u32'],
  [C.BPF_MAP_TYPE_ARRAY, 'u32', C.BPF_F_MMAPABLE],
  [C.BPF_MAP_TYPE_PERCPU_HASH, 'u32'],
  [C.BPF_MAP_TYPE_PERCPU_ARRAY, 'u32'],
  [C.BPF_MAP_TYPE_LRU_HASH, 'u32'],
  [C.BPF_MAP_TYPE_LRU_PERCPU_HASH, 'u32'],
  [C.BPF_MAP_TYPE_LPM_TRIE, 'lpm_key', C.BPF_F_NO_PREALLOC],
  [C.BPF_MAP_TYPE_QUEUE, ''],
  [C.BPF_MAP_TYPE_STACK, ''],
  [C.BPF_MAP_TYPE_BLOOM_FILTER, ''],
  [C.BPF_MAP_TYPE_SK_STORAGE, 'int', C.BPF_F_NO_PREALLOC],
  [C.BPF_MAP_TYPE_INODE_STORAGE, 'int', C.BPF_F_NO_PREALLOC],
  [C.BPF_MAP_TYPE_TASK_STORAGE, 'int', C.BPF_F_NO_PREALLOC],
  [C.BPF_MAP_TYPE_CGRP_STORAGE, 'int', C.BPF_F_NO_PREALLOC],
  [C.BPF_MAP_TYPE_CGROUP_STORAGE, 'cgroup_key'],
  [C.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 'cgroup_key'],
];
/** Types whose size the kernel knows by itself. */
const NO_ENTRIES: ReadonlySet<Key> = new Set(['int', 'cgroup_key']);

async function answers(kernel: Kernel): Promise<Record<string, string>> {
  const bpf = new Bpf(kernel);
  const said: Record<string, string> = {};
  const ask = async (what: string, question: () => Promise<unknown>) => {
    said[what] = await question().then(
      () => 'ok',
      (error: unknown) => (error instanceof BpfError ? error.code : Promise.reject(error)),
    );
  };
  for (const [what, text] of Object.entries(STRUCTURES)) {
    await ask(what, () => withMap(bpf, new Types(text), [C.BPF_MAP_TYPE_HASH, 'u32']));
  }
  for (const [part, text] of Object.entries(PARTS)) {
    for (const map of MAPS) {
      const types = new Types(`${OTHER_TYPES} struct value { ${text} u64 rest; };`);
      await ask(`${part} in map of type ${map.join(' ')}`, () => withMap(bpf, types, map));
    }
  }
  return said;
}

/** Loads the types, makes a map of them, and gives both back. */
async function withMap(bpf: Bpf, types: Types, [map_type, key, map_flags = 0]: (typeof MAPS)[number]): Promise<void> {
  const value = types.structs.get('value')!;
  const { size: key_size, id } =
    key === '' ? { size: 0, id: 0 } : (types.structs.get(key) ?? { size: 4, id: types.int(key) });
  await bpf.withFd(bpf.btfLoad(types.btf.build()), async (btf_fd) => {
    const fd = await bpf.mapCreate({
      map_type,
      key_size,
      value_size: value.size,
      max_entries: NO_ENTRIES.has(key) ? 0 : 4,
      map_flags,
      btf_fd,
      btf_key_type_id: id,
      btf_value_type_id: value.id,
    });
    await bpf.close(fd);
  });
}

describeKernel('parts of the kernel in structures', () => {
  let ours: Kernel;
  let linux: Kernel;
  beforeAll(async () => {
    ours = createKernel().open();
    linux = await openLinuxKernel();
  });
  afterAll(async () => {
    await ours.close();
    await linux.close();
  });

  it('are taken and refused by both kernels alike', { timeout: 120_000 }, async () => {
    expect(await answers(ours)).toEqual(await answers(linux));
  });

  const path = join(ROOT, 'test/oracle/foreign-types.txt');
  for (const example of parseExamples(readFileSync(path, 'utf8'), path)) {
    it(`of types that were loaded apart: ${example.words}`, async () => {
      const { errno, lines } = await provoke(ours, example);
      const theirs = await provoke(linux, example);
      expect({ errno, lines }).toEqual({ errno: theirs.errno, lines: theirs.lines });
    });
  }
});
