import { beforeAll, describe, expect, it } from 'vitest';
import { acceptAll } from '../../../test/support/accept-all.ts';
import { type Btf, loadReferenceBtfBytes, parseBtf } from '../../btf/index.ts';
import { assemble, encode } from '../../isa/index.ts';
import { Bpf } from '../../sys/index.ts';
import { createKernel } from '../index.ts';
import { Layout } from './layout.ts';

const KPROBE = 2;

let btf: Btf;
beforeAll(async () => {
  btf = parseBtf(await loadReferenceBtfBytes());
});

/** Follows pointers from the current task: `[struct, member]` one after another; the last one's 32 or 64 bits. */
async function follow(path: readonly (readonly [struct: string, member: string])[], pid: number): Promise<bigint> {
  const kernel = createKernel({ verify: acceptAll, kernelBtf: () => btf.bytes });
  const bpf = new Bpf(kernel.open({ pid: 1 }));
  const { tasks } = kernel.world;
  tasks.upsert({ pid: 100, comm: 'shell', uid: 1000 });
  tasks.upsert({ pid: 101, parentPid: 100, comm: 'cat', uid: 1000, gid: 50, euid: 0, startTime: 777n });
  tasks.upsert({ pid: 102, tgid: 101, parentPid: 100, comm: 'thread' });
  tasks.upsert({ pid: 103, comm: 'boxed', nsPid: 7, pidNamespace: 4026532000 });

  const seen = await bpf.mapCreate({ map_type: 2, key_size: 4, value_size: 8, max_entries: 1 });
  const lines = ['call 35'];
  for (const [i, [struct, member]] of path.entries()) {
    const { offset, size } = new Layout(btf, struct).member(member)!;
    const isLast = i === path.length - 1;
    lines.push(`r0 = *(${isLast && size === 4 ? 'u32' : 'u64'} *)(r0 + ${offset})`);
  }
  const text = `${lines.join('\n')}\nr2 = map[fd:${seen}][0]+0\n*(u64 *)(r2 + 0) = r0\nexit`;
  const { fd } = await bpf.progLoad({ prog_type: KPROBE, insns: encode(assemble(text)), license: 'GPL' });
  await bpf.kernel.perfEventAttach(await bpf.kernel.perfEventOpen({ kind: 'kprobe', symbol: 'f' }), fd);
  kernel.hooks.kprobe('f').fire(tasks.get(pid)!, {});
  const value = await bpf.mapLookup(seen, new Uint8Array(4), 8);
  return new DataView(value!.buffer, value!.byteOffset).getBigUint64(0, true);
}

describe('task_struct in the reference kernel’s layout', () => {
  it.each([
    ['its pid', [['task_struct', 'pid']], 101, 101n],
    ['its start time', [['task_struct', 'start_time']], 101, 777n],
    [
      'the pid of its parent',
      [
        ['task_struct', 'real_parent'],
        ['task_struct', 'tgid'],
      ],
      101,
      100n,
    ],
    [
      'the parent of its parent is init, which is the client here',
      [
        ['task_struct', 'real_parent'],
        ['task_struct', 'real_parent'],
        ['task_struct', 'tgid'],
      ],
      101,
      1n,
    ],
    [
      'the process of a thread',
      [
        ['task_struct', 'group_leader'],
        ['task_struct', 'pid'],
      ],
      102,
      101n,
    ],
    [
      'its uid',
      [
        ['task_struct', 'cred'],
        ['cred', 'uid'],
      ],
      101,
      1000n,
    ],
    [
      'its effective uid',
      [
        ['task_struct', 'real_cred'],
        ['cred', 'euid'],
      ],
      101,
      0n,
    ],
    [
      'its gid',
      [
        ['task_struct', 'cred'],
        ['cred', 'gid'],
      ],
      101,
      50n,
    ],
    [
      'its pid namespace',
      [
        ['task_struct', 'nsproxy'],
        ['nsproxy', 'pid_ns_for_children'],
        ['pid_namespace', 'ns.inum'],
      ],
      103,
      4026532000n,
    ],
    [
      'the level of its pid',
      [
        ['task_struct', 'thread_pid'],
        ['pid', 'level'],
      ],
      103,
      1n,
    ],
  ] as const)('%s', async (_what, path, pid, expected) => {
    expect(await follow(path, pid)).toBe(expected);
  });

  it('comm stands where programs look for it', async () => {
    const comm = await follow([['task_struct', 'comm']], 101);
    expect(comm & 0xffffffffn).toBe(BigInt(new DataView(new TextEncoder().encode('cat\0').buffer).getUint32(0, true)));
  });
});

it('tasks change, and go with what they held', async () => {
  const kernel = createKernel();
  const { tasks } = kernel.world;
  const shell = tasks.upsert({ pid: 10, comm: 'sh', uid: 5 });
  expect(tasks.upsert({ pid: 10, comm: 'a name that is too long' })).toBe(shell);
  expect([shell.comm, shell.uid]).toEqual(['a name that is ', 5]);
  const child = tasks.upsert({ pid: 11, parentPid: 10 });
  expect(child.parent).toBe(shell);
  tasks.exit(10);
  tasks.exit(10);
  expect(child.parent).toBe(tasks.swapper);
  expect(tasks.get(10)).toBeUndefined();
});

it('cgroups have paths, ids and ancestors', () => {
  const { cgroups, tasks } = createKernel().world;
  const inner = cgroups.add('/a/b');
  expect(cgroups.get('a/b/')).toBe(inner);
  expect(cgroups.byId(inner.id)).toBe(inner);
  expect(tasks.upsert({ pid: 5, cgroupId: inner.id }).cgroupAncestors).toEqual([1n, inner.parent!.id, inner.id]);
});

it('the same seed gives the same chance', () => {
  const numbers = (seed: number) => {
    const { world } = createKernel({ seed });
    return Array.from({ length: 5 }, () => world.random());
  };
  expect(numbers(1)).toEqual(numbers(1));
  expect(numbers(1)).not.toEqual(numbers(2));
});
