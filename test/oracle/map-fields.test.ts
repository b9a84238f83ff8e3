/**
 * BPF_MAP_CREATE with BTF that puts a field of the kernel's into the value: which types of map take which, and the
 * errno of those that do not. The machine's kernel and ours answer the same.
 */
import { afterAll, expect, it } from 'vitest';
import { BpfError } from '../../src/base/errors.ts';
import { BtfBuilder } from '../../src/btf/index.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import type { Kernel } from '../../src/sys/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { describeKernel } from '../support/real-kernel.ts';

const FIELDS = {
  bpf_spin_lock: 4,
  bpf_res_spin_lock: 8,
  bpf_timer: 16,
  bpf_wq: 16,
  bpf_task_work: 16,
  bpf_refcount: 4,
  bpf_list_head: 16,
  bpf_rb_root: 16,
  kptr: 8,
  kptr_untrusted: 8,
  percpu_kptr: 8,
} as const;
type Field = keyof typeof FIELDS;

/** Value of 32 bytes: the field at 0, a number behind it. Graph roots say that they hold `struct node`. */
function valueBtf(field: Field): { bytes: Uint8Array; key: number; lpmKey: number; value: number } {
  const btf = new BtfBuilder();
  const u32 = btf.int('unsigned int', 4);
  const u64 = btf.int('unsigned long', 8);
  const kernel = field.startsWith('bpf_') ? btf.struct(field, FIELDS[field], fields(field, u32, u64)) : 0;
  const listNode = btf.struct('bpf_list_node', 24, [['a', btf.array(u64, 3, u32), 0]]);
  const rbNode = btf.struct('bpf_rb_node', 32, [['b', btf.array(u64, 4, u32), 0]]);
  const lpmKey = btf.struct('lpm_key', 8, [
    ['prefixlen', u32, 0],
    ['addr', u32, 4],
  ]);
  const tree = field === 'bpf_rb_root';
  btf.struct('node', 32, [tree ? ['r', rbNode, 0] : ['l', listNode, 0]]);
  // A type of the kernel's, of which Linux knows how to give one back.
  const task = btf.struct('task_struct', 4, [['pid', u32, 0]]);
  const lock =
    field === 'bpf_list_head' || field === 'bpf_rb_root' ? btf.struct('bpf_spin_lock', 4, [['v', u32, 0]]) : 0;
  const type = kernel || btf.ptr(btf.add({ kind: 'type_tag', name: field, type: task, kindFlag: false }));
  const members: [string, number, number][] = [
    ['f', type, 0],
    ['n', u64, 16],
  ];
  if (lock) members.push(['lock', lock, 24]);
  const value = btf.struct('value', 32, members);
  const contains = { bpf_list_head: 'contains:node:l', bpf_rb_root: 'contains:node:r' }[field as string];
  if (contains) btf.add({ kind: 'decl_tag', name: contains, type: value, component: 0, kindFlag: false });
  return { bytes: btf.build(), key: u32, lpmKey, value };
}

function fields(field: Field, u32: number, u64: number): [string, number, number][] {
  const size = FIELDS[field];
  if (size === 4) return [['v', u32, 0]];
  return Array.from({ length: size / 8 }, (_, i): [string, number, number] => [`w${i}`, u64, 8 * i]);
}

const TYPES = {
  ARRAY: abi.BPF_MAP_TYPE_ARRAY,
  HASH: abi.BPF_MAP_TYPE_HASH,
  LRU_HASH: abi.BPF_MAP_TYPE_LRU_HASH,
  PERCPU_ARRAY: abi.BPF_MAP_TYPE_PERCPU_ARRAY,
  PERCPU_HASH: abi.BPF_MAP_TYPE_PERCPU_HASH,
  LRU_PERCPU_HASH: abi.BPF_MAP_TYPE_LRU_PERCPU_HASH,
  LPM_TRIE: abi.BPF_MAP_TYPE_LPM_TRIE,
  QUEUE: abi.BPF_MAP_TYPE_QUEUE,
  STACK: abi.BPF_MAP_TYPE_STACK,
  SK_STORAGE: abi.BPF_MAP_TYPE_SK_STORAGE,
  TASK_STORAGE: abi.BPF_MAP_TYPE_TASK_STORAGE,
  INODE_STORAGE: abi.BPF_MAP_TYPE_INODE_STORAGE,
  CGRP_STORAGE: abi.BPF_MAP_TYPE_CGRP_STORAGE,
  BLOOM_FILTER: abi.BPF_MAP_TYPE_BLOOM_FILTER,
} as const;
type MapType = keyof typeof TYPES;

async function create(kernel: Kernel, type: MapType, field: Field): Promise<number> {
  const { bytes, key, lpmKey, value } = valueBtf(field);
  const { ret: btf_fd } = await kernel.bpf('BTF_LOAD', { btf: bytes });
  try {
    const storage = type.endsWith('_STORAGE');
    const keyless = type === 'QUEUE' || type === 'STACK' || type === 'BLOOM_FILTER';
    const { ret } = await kernel.bpf('MAP_CREATE', {
      map_type: TYPES[type],
      key_size: keyless ? 0 : type === 'LPM_TRIE' ? 8 : 4,
      value_size: 32,
      max_entries: storage ? 0 : 2,
      map_flags: storage || type === 'LPM_TRIE' ? abi.BPF_F_NO_PREALLOC : 0,
      btf_fd,
      btf_key_type_id: keyless ? 0 : type === 'LPM_TRIE' ? lpmKey : key,
      btf_value_type_id: value,
    });
    await kernel.closeFd(ret);
    return 0;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return error.errno;
  } finally {
    await kernel.closeFd(btf_fd);
  }
}

describeKernel('fields of the kernel in values', () => {
  const kernels: Kernel[] = [];
  afterAll(async () => {
    for (const kernel of kernels) await kernel.close();
  });

  it('are taken and refused alike by both kernels, in every type of map', async () => {
    const [linux, ours] = [await openLinuxKernel(), createKernel().open({ pid: 1, comm: 'test' })];
    kernels.push(linux, ours);
    const answers = async (kernel: Kernel): Promise<Record<string, string>> => {
      const said: Record<string, string> = {};
      for (const type of Object.keys(TYPES) as MapType[])
        for (const field of Object.keys(FIELDS) as Field[])
          said[`${type} ${field}`] = `${await create(kernel, type, field)}`;
      return said;
    };
    expect(await answers(ours)).toEqual(await answers(linux));
  });
});
