import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { BpfError, VerifierError } from '../base/errors.ts';
import { assemble, encode } from '../isa/index.ts';
import { Bpf, type Kernel } from '../sys/index.ts';
import {
  BPF_F_MMAPABLE,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_SOCKMAP,
  BPF_PROG_TYPE_SK_SKB,
  BPF_PROG_TYPE_SOCKET_FILTER,
  BPF_PROG_TYPE_XDP,
  BPF_SK_SKB_VERDICT,
} from '../uapi/generated/constants.ts';
import { openLinuxKernel } from './index.ts';

const u32 = (n: number) => new Uint8Array(new Uint32Array([n]).buffer);
const u64 = (n: bigint) => new Uint8Array(new BigUint64Array([n]).buffer);

describeKernel("the machine's kernel", () => {
  let kernel: Kernel;
  let bpf: Bpf;
  beforeEach(async () => {
    kernel = await openLinuxKernel();
    bpf = new Bpf(kernel);
  });
  afterEach(() => kernel.close());

  /** A program from text; `map[events]` is the map of that descriptor. */
  const load = async (progType: number, text: string, events = -1) =>
    (
      await kernel.bpf('PROG_LOAD', {
        prog_type: progType,
        insns: encode(assemble(text, { maps: { events } })),
        license: 'GPL',
        log_level: 1,
        log_buf: 1 << 16,
      })
    ).ret;

  it('keeps what is put into a map, and says what it is', async () => {
    const fd = await bpf.mapCreate({
      map_type: BPF_MAP_TYPE_HASH,
      key_size: 4,
      value_size: 8,
      max_entries: 3,
      map_name: 'kept',
    });
    await bpf.mapUpdate(fd, u32(1), u64(77n));
    expect(await bpf.mapLookup(fd, u32(1), 8)).toEqual(u64(77n));
    expect(await bpf.mapLookup(fd, u32(2), 8)).toBeNull();
    expect(await bpf.mapNextKey(fd, null, 4)).toEqual(u32(1));
    expect(await bpf.mapInfo(fd)).toMatchObject({ of: 'map', type: BPF_MAP_TYPE_HASH, name: 'kept', max_entries: 3 });
    expect(await kernel.fdInfo(fd)).toMatchObject({ map_type: '1', frozen: '0' });
  });

  it('runs a program and gives back the packet', async () => {
    const fd = await load(
      BPF_PROG_TYPE_XDP,
      'r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r4 = r2; r4 += 14; r0 = 1; if r4 > r3 goto +2; *(u8 *)(r2 +0) = 9; r0 = 2; exit',
    );
    const run = await kernel.bpf('PROG_TEST_RUN', {
      prog_fd: fd,
      data_in: new Uint8Array(14),
      data_out: 64,
      repeat: 1,
    });
    expect(run.retval).toBe(2);
    expect(run.data_out).toEqual(Uint8Array.from([9, ...new Array(13).fill(0)]));
  });

  it("brings the verifier's log with a refusal, and the instruction it stopped at", async () => {
    const refused = await load(BPF_PROG_TYPE_SOCKET_FILTER, 'r0 = 0; r2 = *(u64 *)(r1 +4096); exit').catch((e) => e);
    expect(refused).toBeInstanceOf(VerifierError);
    expect(refused).toMatchObject({ code: 'EACCES', pc: 1 });
    expect(refused.log).toContain('invalid bpf_context access off=4096 size=8');
    expect(refused.message).toContain('invalid bpf_context access');
  });

  it('makes room for a log of megabytes, of programs that are taken and of those that are not', async () => {
    const attr = (end: string) => ({
      prog_type: BPF_PROG_TYPE_SOCKET_FILTER,
      insns: encode(assemble(`r1 = 20000; r1 += -1; if r1 != 0 goto -2; ${end}`)),
      license: 'GPL',
      log_level: 2,
    });
    const { log } = await bpf.progLoad(attr('r0 = 0; exit'));
    expect(log.length).toBeGreaterThan(1 << 20);
    expect(log).toMatch(/^func#0 @0\n/);
    expect(log).toMatch(/\nprocessed \d+ insns .*\n$/);
    const refused = await bpf.progLoad(attr('exit')).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(VerifierError);
    expect((refused as VerifierError).log.length).toBeGreaterThan(1 << 20);
    expect((refused as VerifierError).message).toContain('R0 !read_ok');
    // Without asking for one there is a log of what was refused, and none of what was not.
    const quiet = { ...attr('exit'), log_level: 0 };
    await expect(bpf.progLoad(quiet)).rejects.toThrow('R0 !read_ok');
    expect((await bpf.progLoad({ ...attr('r0 = 0; exit'), log_level: 0 })).log).toBe('');
  });

  it('answers EBADF for descriptors that were not opened through it', async () => {
    await expect(kernel.closeFd(1)).rejects.toMatchObject({ code: 'EBADF' });
    const closed = await bpf.mapCreate({ map_type: BPF_MAP_TYPE_HASH, key_size: 4, value_size: 4, max_entries: 1 });
    await kernel.closeFd(closed);
    await expect(kernel.closeFd(closed)).rejects.toBeInstanceOf(BpfError);
  });

  it('answers EBADF once it was closed, and can be closed again', async () => {
    const other = await openLinuxKernel();
    await other.close();
    await other.close();
    const asked = [
      new Bpf(other).mapCreate({ map_type: BPF_MAP_TYPE_HASH, key_size: 4, value_size: 4, max_entries: 1 }),
      other.openNetns(),
      other.openTracePipe(),
      other.perfEventOpen({ kind: 'event', type: 1, config: 0n }),
    ];
    const refused = { status: 'rejected', reason: expect.objectContaining({ code: 'EBADF' }) };
    expect(await Promise.allSettled(asked)).toEqual(asked.map(() => refused));
  });

  it('reads ring buffer records in order, waits for more, and ends a wait when closed', async () => {
    const map = await bpf.mapCreate({ map_type: BPF_MAP_TYPE_RINGBUF, max_entries: 4096 });
    // The length of the packet, as a record of four bytes.
    const prog = await load(
      BPF_PROG_TYPE_SOCKET_FILTER,
      'r2 = *(u32 *)(r1 +0); *(u32 *)(r10 -4) = r2; r1 = map[events]; r2 = r10; r2 += -4; r3 = 4; r4 = 0; call bpf_ringbuf_output#130; exit',
      map,
    );
    const fire = (size: number) => kernel.bpf('PROG_TEST_RUN', { prog_fd: prog, data_in: new Uint8Array(size) });
    const ring = await kernel.openRingBuffer(map);
    await expect(kernel.openRingBuffer(map)).rejects.toMatchObject({ code: 'EBUSY' });
    await fire(20);
    await fire(30);
    const sizes = async () =>
      (await ring.read()).map((r) => ('data' in r ? new DataView(r.data.buffer).getUint32(0, true) : -1));
    expect(await sizes()).toEqual([20, 30].map((n) => n - 14));
    const later = sizes();
    await fire(40);
    expect(await later).toEqual([26]);
    // Around the end of the buffer, many times; and others have their turns meanwhile.
    let turns = 0;
    const turn = () => {
      turns++;
      again = setImmediate(turn);
    };
    let again = setImmediate(turn);
    for (let n = 0; n < 1000; n++) {
      await fire(20 + (n % 50));
      expect(await sizes()).toEqual([6 + (n % 50)]);
    }
    clearImmediate(again);
    expect(turns).toBeGreaterThan(10);
    const waiting = ring.read();
    await ring.close();
    expect(await waiting).toEqual([]);
  });

  it('reads perf buffer records, and counts what was lost', async () => {
    const map = await bpf.mapCreate({
      map_type: BPF_MAP_TYPE_PERF_EVENT_ARRAY,
      key_size: 4,
      value_size: 4,
      max_entries: kernel.possibleCpus,
    });
    const prog = await load(
      BPF_PROG_TYPE_XDP,
      '*(u64 *)(r10 -8) = 11; r2 = map[events]; r3 = 0xffffffff ll; r4 = r10; r4 += -8; r5 = 8; call bpf_perf_event_output#25; r0 = 2; exit',
      map,
    );
    const reader = await kernel.openPerfBuffer(map, { pagesPerCpu: 1 });
    await kernel.bpf('PROG_TEST_RUN', { prog_fd: prog, data_in: new Uint8Array(14) });
    const [first] = await reader.read();
    expect(first).toMatchObject({ data: expect.any(Uint8Array), cpu: expect.any(Number) });
    expect('data' in first! && first.data.subarray(0, 8)).toEqual(u64(11n));
    await kernel.bpf('PROG_TEST_RUN', { prog_fd: prog, data_in: new Uint8Array(14), repeat: 2000 });
    let lost = 0;
    let got = 0;
    const count = (records: Awaited<ReturnType<typeof reader.read>>) => {
      for (const r of records) 'lost' in r ? (lost += r.lost) : got++;
    };
    count(await reader.read());
    // Losses are told with the next record that finds room.
    await kernel.bpf('PROG_TEST_RUN', { prog_fd: prog, data_in: new Uint8Array(14) });
    count(await reader.read());
    expect(lost).toBeGreaterThan(0);
    expect(lost + got).toBe(2001);
    await reader.close();
    // The map does not keep the events of a reader that is gone.
    expect(await bpf.mapDelete(map, u32(0))).toBe(false);
  });

  it('leaves neither descriptors, mappings nor programs behind after a thousand rounds', async () => {
    const fds = () => readdirSync('/proc/self/fd').length;
    const maps = () =>
      readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes('bpf')).length;
    const progs = () => spawnSync('bpftool', ['prog', 'show'], { encoding: 'utf8' }).stdout?.match(/name leak_round/g);
    const before = [fds(), maps()];
    for (let n = 0; n < 1000; n++) {
      const round = await openLinuxKernel();
      const b = new Bpf(round);
      const ring = await b.mapCreate({ map_type: BPF_MAP_TYPE_RINGBUF, max_entries: 4096 });
      const array = await b.mapCreate({
        map_type: BPF_MAP_TYPE_ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        map_flags: BPF_F_MMAPABLE,
      });
      const reader = await round.openRingBuffer(ring);
      const memory = await round.mapMemory(array);
      const { ret: prog } = await round.bpf('PROG_LOAD', {
        prog_type: BPF_PROG_TYPE_SK_SKB,
        expected_attach_type: BPF_SK_SKB_VERDICT,
        insns: encode(assemble('r0 = 1; exit')),
        license: 'GPL',
        prog_name: 'leak_round',
      });
      const sockets = await b.mapCreate({
        map_type: BPF_MAP_TYPE_SOCKMAP,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
      });
      const link = await b.linkCreate({ prog_fd: prog, target_fd: sockets, attach_type: BPF_SK_SKB_VERDICT });
      // Half of them clean up after themselves, half leave it to the kernel.
      if (n % 2 === 0) {
        await b.linkDetach(link);
        for (const fd of [link, prog, array, sockets]) await b.close(fd);
        await memory.close();
        await reader.close();
      }
      await round.close();
    }
    expect([fds(), maps()]).toEqual(before);
    // Links and programs go after a grace period.
    await expect.poll(progs, { timeout: 10_000 }).toBeFalsy();
  });
});
