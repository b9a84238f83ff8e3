/**
 * Programs of test/fixtures/run: objects in lists, trees and map values, arenas, tasks, iterators. Every kernel gives what Linux
 * gives; where bpf(2) does not work, what is written here is what it gave.
 */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { BpfError } from '../../src/base/errors.ts';
import { type AttachOptions, type Collection, loadCollection } from '../../src/client/index.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { createKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import type { Kernel } from '../../src/sys/index.ts';
import { BPF_F_SLEEPABLE } from '../../src/uapi/flags.ts';
import { BPF_PROG_TYPE_SYSCALL } from '../../src/uapi/generated/constants.ts';
import { describeKernel } from '../support/real-kernel.ts';

let kernel: Kernel;
let collection: Collection;
afterEach(async () => {
  await collection.close();
  await kernel.close();
});

async function open(object: string): Promise<void> {
  collection = await loadCollection(kernel, readFileSync(new URL(`../fixtures/run/${object}.bpf.o`, import.meta.url)));
}

async function onPacket(name: string): Promise<number> {
  return (await collection.program(name).testRun({ data: new Uint8Array(64) })).retval | 0;
}

/** A system call program with a context of 16 bytes, of which the first says `count`. */
async function called(name: string, count = 0): Promise<{ answer: number; ctx: string }> {
  const ctx = new Uint8Array(16);
  ctx[0] = count;
  const { retval } = await kernel.bpf('PROG_TEST_RUN', { prog_fd: collection.program(name).fd, ctx_in: ctx });
  return { answer: retval | 0, ctx: toHex(ctx) };
}

async function printed(name: string, options: AttachOptions): Promise<string> {
  const link = await collection.program(name).attach(options);
  try {
    return await link.text();
  } finally {
    await link.close();
  }
}

const errnoOf = (error: unknown): string => (error instanceof BpfError ? error.code : String(error));

function runsAsItShould(openKernel: () => Promise<Kernel>): void {
  it('objects in lists and trees', async () => {
    kernel = await openKernel();
    await open('objects');
    expect(await onPacket('list')).toBe(3210);
    expect(await onPacket('tree')).toBe(1234567);
    // In the tree, which refuses it a second time, and in the list, where the last run finds it behind its own.
    expect(await onPacket('shared')).toBe(221);
    expect(await onPacket('list')).toBe(3219);
  });

  it('an object in a map value, which the next run finds', async () => {
    kernel = await openKernel();
    await open('objects');
    expect([await onPacket('keep'), await onPacket('keep')]).toEqual([0, 5]);
  });

  it('pages of an arena', async () => {
    kernel = await openKernel();
    await open('arena');
    expect((await called('past')).answer).toBe(134);
    expect((await called('limits')).answer).toBe(1);
    expect((await called('atomics')).answer).toBe(55);
  });

  it('no instruction that reaches into an arena on one path and into the stack on another', async () => {
    kernel = await openKernel();
    await open('arena');
    const code = `
      r1 = map[arena]
      r2 = 0x100010000000 ll
      r6 = addr_space_cast(r2, 0, 1)
      call bpf_get_prandom_u32#7
      r2 = r6
      if r0 != 0 goto pc+2
      r2 = r10
      r2 += -8
      *(u64 *)(r2 +0) = 1
      r0 = 0
      exit`;
    const load = kernel.bpf('PROG_LOAD', {
      prog_type: BPF_PROG_TYPE_SYSCALL,
      prog_flags: BPF_F_SLEEPABLE,
      insns: encode(assemble(code, { maps: { arena: collection.map('arena').fd } })),
      license: 'GPL',
      log_level: 1,
      log_buf: 1 << 16,
    });
    await expect(load).rejects.toThrow('same insn cannot be used with different pointers');
  });

  it('a list in an arena, which user space reads', async () => {
    kernel = await openKernel();
    await open('arena');
    expect(await called('build', 10)).toEqual({ answer: 285, ctx: '0a000000000000009000001000100000' });
    const memory = await collection.map('arena').memory();
    const start = 0x100010000000n;
    const nodes = new DataView(memory.bytes().slice().buffer);
    const values: bigint[] = [];
    for (let at = start + 0x90n; at !== 0n; at = nodes.getBigUint64(Number(at - start), true))
      values.push(nodes.getBigUint64(Number(at - start) + 8, true));
    expect(values).toEqual([81n, 64n, 49n, 36n, 25n, 16n, 9n, 4n, 1n, 0n]);
    await memory.close();
  });

  it('sets of CPUs, tasks, cgroups', async () => {
    kernel = await openKernel();
    await open('world');
    expect((await called('masks')).answer).toBe(0b1_0011_0111);
    expect((await called('tasks')).answer).toBe(1);
    expect((await called('cgroups')).answer).toBe(0b11);
  });

  it('iterators', async () => {
    kernel = await openKernel();
    await open('iterators');
    const map = collection.map('numbers');
    await map.set(1, 5n);
    expect(await printed('maps', {})).toBe('maps:\nnumbers 4 8 3\nend\n');
    expect(await printed('progs', {})).toBe('progs 26\n');
    expect(await printed('tasks', { only: { tid: process.pid } })).toMatch(/^1 .+\n$/);
    expect(await printed('tasks', { only: { pid: 999_999_999 } })).toBe('');
    expect(await printed('elems', { map })).toBe('0: 0\n1: 5\n2: 0\ndone\n');
    expect(await printed('elems', { map })).toBe('0: 1\n1: 6\n2: 1\ndone\n');
    expect(await printed('elems', { map: collection.map('per') })).toBe('0: 0\n1: 0\ndone\n');
  });

  it('iterators that print much, or more than fits', async () => {
    kernel = await openKernel();
    await open('iterators');
    const map = collection.map('numbers');
    const pieces: number[] = [];
    const link = await collection.program('big').attach({ map });
    for await (const piece of link.iterate()) pieces.push(piece.length);
    await link.close();
    expect(pieces).toEqual([30720, 30720, 30720]);
    await expect(printed('toobig', { map }).catch(errnoOf)).resolves.toBe('E2BIG');
  });

  it('no iterator that reaches beyond the values of its map', async () => {
    kernel = await openKernel();
    await open('iterators');
    await expect(printed('wide', { map: collection.map('numbers') }).catch(errnoOf)).resolves.toBe('EACCES');
    expect(await printed('wide', { map: collection.map('per') })).toBe('');
  });
}

describe.each(['jit', 'interpreter'] as const)('the embedded kernel runs (%s)', (mode) => {
  runsAsItShould(async () => createKernel({ mode }).open({ pid: process.pid, comm: 'test' }));
});

describeKernel('Linux runs', () => {
  runsAsItShould(() => openLinuxKernel());
});
