/** Memory that is shared with the kernel: mapped arrays and arenas, the writing end of user ring buffers. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asU32, load, u32 } from '../../test/support/linux-bpf.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { BpfError } from '../base/errors.ts';
import { BtfBuilder } from '../btf/index.ts';
import { Bpf, type Kernel, type MapMemory } from '../sys/index.ts';
import type { Attr } from '../uapi/commands.ts';
import { BPF_F_SLEEPABLE } from '../uapi/flags.ts';
import * as C from '../uapi/generated/constants.ts';
import { openLinuxKernel } from './index.ts';

const PAGE = 4096;

describeKernel('memory shared with the kernel', () => {
  let kernel: Kernel;
  let bpf: Bpf;
  beforeEach(async () => {
    kernel = await openLinuxKernel();
    bpf = new Bpf(kernel);
  });
  afterEach(() => kernel.close());

  const array = (max_entries: number, value_size = 4, map_flags: number = C.BPF_F_MMAPABLE) =>
    bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size, max_entries, map_flags });

  it('shows the values of an array as they are, in both directions', async () => {
    const fd = await array(1000);
    const memory = await kernel.mapMemory(fd);
    expect(memory).toMatchObject({ size: 8000, writable: true });
    // Values of 4 bytes lie 8 apart.
    const words = new Uint32Array(memory.bytes().buffer, memory.bytes().byteOffset, memory.size / 4);
    words[2 * 7] = 77;
    expect(asU32((await bpf.mapLookup(fd, u32(7), 4))!)).toBe(77);
    await bpf.mapUpdate(fd, u32(999), u32(5));
    expect(words[2 * 999]).toBe(5);
    await memory.close();
  });

  it('leaves views that were kept past close harmless, and gives their memory back', async () => {
    const fd = await array(1_000_000); // 8 MB
    const mapped = () => readFileSync('/proc/self/maps', 'utf8').includes('bpf-map');
    let views: Uint8Array[] = [];
    for (let n = 0; n < 20; n++) {
      const memory = await kernel.mapMemory(fd);
      views.push(memory.bytes());
      memory.bytes()[0] = n + 1;
      await memory.close();
      await memory.close();
    }
    expect(mapped()).toBe(false);
    expect(views.map((v) => v[0])).toEqual(new Array(20).fill(0));
    for (const view of views) view[0] = 9;
    expect((await bpf.mapLookup(fd, u32(0), 4))![0]).toBe(20);
    // The addresses go when nobody can look at them any more.
    const pages = () => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]);
    const before = pages();
    views = [];
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    await expect
      .poll(() => {
        gc();
        return pages();
      })
      .toBeLessThan(before - (15 * 8_000_000) / PAGE);
  });

  it('answers copies of a frozen map, which cannot be written', async () => {
    const fd = await array(4);
    await bpf.mapUpdate(fd, u32(0), u32(3));
    await bpf.mapFreeze(fd);
    const memory = await kernel.mapMemory(fd);
    expect(memory.writable).toBe(false);
    memory.bytes()[0] = 99;
    expect(memory.bytes()[0]).toBe(3);
    await memory.close();
  });

  it('maps an arena at the address that it is bound to', async () => {
    const fd = await bpf.mapCreate({
      map_type: C.BPF_MAP_TYPE_ARENA,
      max_entries: 4,
      map_flags: C.BPF_F_MMAPABLE,
      map_extra: 1n << 44n,
    });
    const memory = await kernel.mapMemory(fd);
    expect(memory.size).toBe(4 * PAGE);
    memory.bytes()[PAGE] = 5;
    expect(memory.bytes()[PAGE]).toBe(5);
    await memory.close();
    const faulting = await bpf.mapCreate({
      map_type: C.BPF_MAP_TYPE_ARENA,
      max_entries: 4,
      map_flags: C.BPF_F_MMAPABLE | C.BPF_F_SEGV_ON_FAULT,
    });
    await expect(kernel.mapMemory(faulting)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
  });

  it('maps nothing else', async () => {
    await expect(kernel.mapMemory(await array(1, 4, 0))).rejects.toMatchObject({ code: 'EINVAL' });
    const prog = await load(kernel, C.BPF_PROG_TYPE_SOCKET_FILTER, 'r0 = 0; exit');
    await expect(kernel.mapMemory(prog)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('closes what is still mapped with the kernel', async () => {
    const other = await openLinuxKernel();
    const fd = (
      await other.bpf('MAP_CREATE', {
        map_type: C.BPF_MAP_TYPE_ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        map_flags: C.BPF_F_MMAPABLE,
      })
    ).ret;
    const memory: MapMemory = await other.mapMemory(fd);
    await other.close();
    expect(() => memory.bytes()).toThrow(BpfError);
    expect(() => memory.bytes()).toThrow(/memory of map \d+ was closed/);
  });

  it('sends records to programs through a user ring buffer, and waits for room', async () => {
    const ring = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_USER_RINGBUF, max_entries: PAGE });
    const sum = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 8, max_entries: 2 });
    // Adds up the first four bytes of every record, and counts them.
    const drain = await load(
      kernel,
      C.BPF_PROG_TYPE_SYSCALL,
      DRAIN,
      { prog_flags: BPF_F_SLEEPABLE, ...(await functions(bpf)) },
      { ring, sum },
    );
    const drained = async () => (await kernel.bpf('PROG_TEST_RUN', { prog_fd: drain })).retval;
    const writer = await kernel.openUserRingBuffer(ring);
    await expect(kernel.openUserRingBuffer(ring)).rejects.toMatchObject({ code: 'EBUSY' });
    expect(writer.largest).toBe(PAGE - 8);
    const record = (n: number, size: number) => {
      const bytes = new Uint8Array(size);
      new DataView(bytes.buffer).setUint32(0, n, true);
      return bytes;
    };
    let sent = 0;
    while (writer.tryWrite(record(1, 12))) sent++;
    expect(sent).toBe(Math.floor(PAGE / 24));
    const waiting = writer.write(record(5, 100));
    expect(await drained()).toBe(sent);
    await waiting;
    expect(await drained()).toBe(1);
    // Around the end, with sizes of all kinds.
    for (let n = 0; n < 300; n++) {
      await writer.write(record(2, 4 + (n % 300)));
      expect(await drained()).toBe(1);
    }
    const total = (await bpf.mapLookup(sum, u32(0), 8))!;
    expect(new DataView(total.buffer).getBigUint64(0, true)).toBe(BigInt(sent + 5 + 600));
    expect(() => writer.tryWrite(new Uint8Array(PAGE))).toThrow(/4088 at most/);
    while (writer.tryWrite(record(1, 12)));
    const late = writer.write(record(1, 12));
    await writer.close();
    await expect(late).rejects.toMatchObject({ code: 'EBADF' });
  });
});

/** A syscall program: drains, with a callback that starts at 8, and answers how many records there were. */
const DRAIN = [
  'r1 = map[ring]; r2 = subprog[+5]; r3 = 0; r4 = 0; call bpf_user_ringbuf_drain#209; exit',
  'r3 = r1; r1 = r10; r1 += -8; r2 = 4; r4 = 0; r5 = 0; call bpf_dynptr_read#201',
  '*(u32 *)(r10 -12) = 0; r1 = map[sum]; r2 = r10; r2 += -12; call bpf_map_lookup_elem#1',
  'if r0 == 0 goto +2; r1 = *(u32 *)(r10 -8); lock *(u64 *)(r0 +0) += r1; r0 = 0; exit',
].join('\n');
const CALLBACK = 8;

/** Callbacks take BTF that says that they are functions. */
async function functions(bpf: Bpf): Promise<Attr<'PROG_LOAD'>> {
  const btf = new BtfBuilder();
  const int = btf.int('int', 4, 'signed');
  const params = [{ name: 'a', type: int }];
  const proto = btf.add({ kind: 'func_proto', name: '', ret: int, params });
  const main = btf.add({ kind: 'func', name: 'main', type: proto, linkage: 1 });
  const callback = btf.add({ kind: 'func', name: 'callback', type: proto, linkage: 0 });
  return {
    prog_btf_fd: await bpf.btfLoad(btf.build()),
    func_info: u32(0, main, CALLBACK, callback),
    func_info_cnt: 2,
    func_info_rec_size: 8,
  };
}
