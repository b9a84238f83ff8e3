import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BpfError } from '../../base/errors.ts';
import { assemble, encode } from '../../isa/index.ts';
import type { Kernel } from '../../sys/index.ts';
import { BPF_F_SLEEPABLE } from '../../uapi/flags.ts';
import { BPF_F_MMAPABLE, BPF_MAP_TYPE_ARENA, BPF_PROG_TYPE_SYSCALL } from '../../uapi/generated/constants.ts';
import { createKernel } from '../index.ts';

let kernel: Kernel;
beforeAll(() => {
  kernel = createKernel().open({ pid: 1, comm: 'test' });
});
afterAll(() => kernel.close());

async function load(code: string): Promise<number> {
  const { ret } = await kernel.bpf('PROG_LOAD', {
    prog_type: BPF_PROG_TYPE_SYSCALL,
    prog_flags: BPF_F_SLEEPABLE,
    insns: encode(assemble(code)),
    license: 'GPL',
  });
  return ret;
}

describe('a system call program', () => {
  it('is given its context, and gives it back', async () => {
    const fd = await load('r0 = *(u32 *)(r1 +0)\n*(u32 *)(r1 +4) = 7\nexit');
    const ctx = new Uint8Array([5, 0, 0, 0, 0, 0, 0, 0]);
    const { retval } = await kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, ctx_in: ctx });
    expect(retval).toBe(5);
    expect([...ctx]).toEqual([5, 0, 0, 0, 7, 0, 0, 0]);
  });

  it('runs once, on no packet', async () => {
    const fd = await load('r0 = 0\nexit');
    await expect(kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, repeat: 2 })).rejects.toThrow(BpfError);
    await expect(kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, data_in: new Uint8Array(14) })).rejects.toThrow(BpfError);
  });
});

describe('an arena', () => {
  it('is as large as its pages, once mapped, and as zero', async () => {
    const { ret: fd } = await kernel.bpf('MAP_CREATE', {
      map_type: BPF_MAP_TYPE_ARENA,
      max_entries: 3,
      map_flags: BPF_F_MMAPABLE,
    });
    const memory = await kernel.mapMemory(fd);
    expect(memory.size).toBe(3 * 4096);
    memory.bytes()[4096] = 9;
    expect(memory.bytes().subarray(4095, 4098)).toEqual(new Uint8Array([0, 9, 0]));
    await memory.close();
  });
});
