/** Commands of bpf(2), row by row, asked of the machine's kernel. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asU32, load, u32, u64 } from '../../test/support/linux-bpf.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { BpfError } from '../base/errors.ts';
import { BtfBuilder } from '../btf/index.ts';
import { Bpf, type Kernel } from '../sys/index.ts';
import { COMMANDS, type CommandName } from '../uapi/commands.ts';
import * as C from '../uapi/generated/constants.ts';
import { openLinuxKernel } from './index.ts';

describeKernel('commands of bpf(2)', () => {
  let kernel: Kernel;
  let bpf: Bpf;
  beforeEach(async () => {
    kernel = await openLinuxKernel();
    bpf = new Bpf(kernel);
  });
  afterEach(() => kernel.close());

  const map = (map_type: number, max_entries: number, key_size = 4, value_size = 8) =>
    bpf.mapCreate({ map_type, key_size, value_size, max_entries });
  const refusal = async (asked: Promise<unknown>): Promise<BpfError> => {
    const error = await asked.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(BpfError);
    return error as BpfError;
  };

  it('knows every command: none is refused as unknown', async () => {
    for (const name of Object.keys(COMMANDS) as CommandName[]) {
      const attr = name === 'OBJ_GET_INFO_BY_FD' ? { bpf_fd: 0xffffffff, info: { of: 'prog' } } : {};
      const answer = await kernel.bpf(name, attr as never).catch((e: Error) => e);
      if (answer instanceof Error) expect(answer).toBeInstanceOf(BpfError);
      else if (COMMANDS[name].returns === 'fd') await kernel.closeFd(answer.ret);
    }
  });

  it('looks up batch by batch to the end, which is ENOENT with what was found', async () => {
    const fd = await map(C.BPF_MAP_TYPE_HASH, 100);
    const keys = u32(...Array.from({ length: 90 }, (_, i) => i));
    expect(await bpf.mapUpdateBatch(fd, keys, new Uint8Array(90 * 8), 90)).toBe(90);
    const all = await refusal(
      kernel.bpf('MAP_LOOKUP_BATCH', { map_fd: fd, count: 100, keys: 400, values: 800, out_batch: 4 }),
    );
    expect(all.code).toBe('ENOENT');
    expect(all.answer).toMatchObject({ count: 90 });
    const found: number[] = [];
    for await (const batch of bpf.mapBatches(fd, 4, 8, { step: 16 })) found.push(...batch.map((e) => asU32(e.key)));
    expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, i) => i));
    for await (const batch of bpf.mapBatches(fd, 4, 8, { step: 50, take: true }))
      expect(batch.length).toBeGreaterThan(0);
    expect(await bpf.mapNextKey(fd, null, 4)).toBeNull();
  });

  it('says ENOSPC where a bucket of a hash does not fit into a batch', async () => {
    const fd = await map(C.BPF_MAP_TYPE_HASH, 256);
    const keys = u32(...Array.from({ length: 256 }, (_, i) => i));
    await bpf.mapUpdateBatch(fd, keys, new Uint8Array(256 * 8), 256);
    let position: Uint8Array | undefined;
    const codes = new Set<string>();
    for (let n = 0; n < 300 && codes.size === 0; n++) {
      const attr = { map_fd: fd, count: 1, keys: 4, values: 8, out_batch: 4, ...(position && { in_batch: position }) };
      await kernel.bpf('MAP_LOOKUP_BATCH', attr).then(
        (answer) => (position = answer.out_batch),
        (e: BpfError) => codes.add(e.code),
      );
    }
    expect([...codes]).toEqual(['ENOSPC']);
  });

  it('says how far a batch of updates came', async () => {
    const fd = await map(C.BPF_MAP_TYPE_ARRAY, 4);
    const attr = { map_fd: fd, keys: u32(0, 1, 2, 9), values: u64(1n, 2n, 3n, 4n), count: 4 };
    const tooFar = await refusal(kernel.bpf('MAP_UPDATE_BATCH', attr));
    expect(tooFar).toMatchObject({ code: 'E2BIG', answer: { count: 3 } });
    expect(await bpf.mapLookup(fd, u32(2), 8)).toEqual(u64(3n));
    const hash = await map(C.BPF_MAP_TYPE_HASH, 4);
    await bpf.mapUpdateBatch(hash, u32(1, 2), u64(1n, 2n), 2);
    const absent = await refusal(kernel.bpf('MAP_DELETE_BATCH', { map_fd: hash, keys: u32(1, 7, 2), count: 3 }));
    expect(absent).toMatchObject({ code: 'ENOENT', answer: { count: 1 } });
  });

  it('never lets the kernel write past a buffer that is too small', async () => {
    const fd = await map(C.BPF_MAP_TYPE_HASH, 4, 4, 64);
    const perCpu = await map(C.BPF_MAP_TYPE_PERCPU_ARRAY, 4);
    const small = [
      kernel.bpf('MAP_LOOKUP_ELEM', { map_fd: fd, key: u32(1), value: 63 }),
      kernel.bpf('MAP_LOOKUP_ELEM', { map_fd: perCpu, key: u32(1), value: 8 * kernel.possibleCpus - 1 }),
      kernel.bpf('MAP_LOOKUP_ELEM', { map_fd: fd, key: new Uint8Array(3), value: 64 }),
      kernel.bpf('MAP_UPDATE_ELEM', { map_fd: fd, key: u32(1), value: new Uint8Array(8) }),
      kernel.bpf('MAP_GET_NEXT_KEY', { map_fd: fd, next_key: 3 }),
      kernel.bpf('MAP_LOOKUP_BATCH', { map_fd: fd, count: 4, keys: 16, values: 64, out_batch: 4 }),
      kernel.bpf('MAP_LOOKUP_BATCH', { map_fd: fd, count: 1, keys: 4, values: 64, out_batch: 3 }),
      kernel.bpf('PROG_QUERY', { prog_ids: 64, link_ids: 4 }),
    ];
    for (const asked of small) expect((await refusal(asked)).message).toMatch(/has \d+ bytes, and .* take \d+/);
    // What is no map is the kernel's to refuse.
    const prog = await load(kernel, C.BPF_PROG_TYPE_SOCKET_FILTER, 'r0 = 3; exit');
    const ask = (map_fd: number) => refusal(kernel.bpf('MAP_LOOKUP_ELEM', { map_fd, key: u32(1), value: 8 }));
    expect((await ask(9999)).code).toBe('EBADF');
    expect((await ask(prog)).code).toBe('EINVAL');
  });

  it('keeps every CPU apart, maps in maps, queues without keys, and values larger than a page', async () => {
    const perCpu = await map(C.BPF_MAP_TYPE_PERCPU_HASH, 4);
    const values = u64(...Array.from({ length: kernel.possibleCpus }, (_, cpu) => BigInt(cpu + 1)));
    await bpf.mapUpdate(perCpu, u32(5), values);
    expect(await bpf.mapLookup(perCpu, u32(5), values.length)).toEqual(values);

    const inner = await map(C.BPF_MAP_TYPE_ARRAY, 1);
    const outer = await bpf.mapCreate({
      map_type: C.BPF_MAP_TYPE_HASH_OF_MAPS,
      key_size: 4,
      value_size: 4,
      max_entries: 2,
      inner_map_fd: inner,
    });
    await bpf.mapUpdate(outer, u32(1), u32(inner));
    expect(asU32((await bpf.mapLookup(outer, u32(1), 4))!)).toBe((await bpf.mapInfo(inner)).id);

    const queue = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_QUEUE, value_size: 8, max_entries: 2 });
    await bpf.mapUpdate(queue, new Uint8Array(0), u64(7n));
    expect(await bpf.mapLookup(queue, new Uint8Array(0), 8)).toEqual(u64(7n));
    expect(await bpf.mapTake(queue, new Uint8Array(0), 8)).toEqual(u64(7n));
    expect(await bpf.mapTake(queue, new Uint8Array(0), 8)).toBeNull();

    const size = 100_000;
    const large = await map(C.BPF_MAP_TYPE_ARRAY, 1, 4, size);
    const value = new Uint8Array(size).map((_, i) => i * 7);
    await bpf.mapUpdate(large, u32(0), value);
    expect(await bpf.mapLookup(large, u32(0), size)).toEqual(value);
  });

  it('asks a bloom filter for a value', async () => {
    const filter = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_BLOOM_FILTER, value_size: 8, max_entries: 100 });
    await bpf.mapUpdate(filter, new Uint8Array(0), u64(7n));
    expect(await bpf.mapLookup(filter, u64(7n), 8)).toEqual(u64(7n));
    expect(await bpf.mapLookup(filter, u64(8n), 8)).toBeNull();
    await refusal(bpf.mapLookup(filter, u32(7), 8));
  });

  it('forgets what a descriptor was when its number means another map', async () => {
    const first = await map(C.BPF_MAP_TYPE_ARRAY, 1, 4, 8);
    await bpf.mapUpdate(first, u32(0), u64(1n));
    await bpf.close(first);
    const second = await map(C.BPF_MAP_TYPE_ARRAY, 1, 4, 200);
    expect(second).toBe(first);
    expect((await bpf.mapLookup(second, u32(0), 200))!.length).toBe(200);
    await refusal(bpf.mapLookup(second, u32(0), 8));
  });

  it('counts runs while statistics are enabled, and binds maps to programs', async () => {
    const prog = await load(kernel, C.BPF_PROG_TYPE_SOCKET_FILTER, 'r0 = 3; exit', { prog_name: 'counted' });
    const stats = await bpf.enableStats();
    await bpf.testRun({ prog_fd: prog, data_in: new Uint8Array(14), repeat: 5 });
    await bpf.close(stats);
    const info = await bpf.progInfo(prog);
    expect(info.run_cnt).toBeGreaterThanOrEqual(5n);
    expect(info.map_ids).toEqual([]);
    const bound = await map(C.BPF_MAP_TYPE_ARRAY, 1);
    await kernel.bpf('PROG_BIND_MAP', { prog_fd: prog, map_fd: bound });
    expect((await bpf.progInfo(prog)).map_ids).toEqual([(await bpf.mapInfo(bound)).id]);
  });

  it('gives what fits of a packet, with its size, where there is too little room', async () => {
    const prog = await load(kernel, C.BPF_PROG_TYPE_XDP, 'r0 = 2; exit');
    const data_in = new Uint8Array(20).map((_, i) => i);
    const tooSmall = await refusal(bpf.testRun({ prog_fd: prog, data_in, data_out: 16 }));
    expect(tooSmall).toMatchObject({ code: 'ENOSPC', answer: { data_size_out: 20 } });
    expect(tooSmall.answer!['data_out']).toEqual(data_in.slice(0, 16));
    const context = u32(0, 20, 0, 1, 0, 0); // struct xdp_md: data, data_end, …, ingress_ifindex
    const run = await bpf.testRun({ prog_fd: prog, data_in, data_out: 64, ctx_in: context, ctx_out: 24 });
    expect(run).toMatchObject({ retval: 2, data_out: data_in, ctx_out: context });
  });

  it('reads the streams of a program, and says what a token lacks', async () => {
    const prog = await load(kernel, C.BPF_PROG_TYPE_SOCKET_FILTER, 'r0 = 3; exit');
    const stream = await kernel.bpf('PROG_STREAM_READ_BY_FD', { prog_fd: prog, stream_id: 2, stream_buf: 64 });
    expect(stream.ret).toBe(0);
    const bad = await refusal(kernel.bpf('PROG_STREAM_READ_BY_FD', { prog_fd: prog, stream_id: 9, stream_buf: 64 }));
    expect(bad.code).toBe('ENOENT');
    expect((await refusal(kernel.bpf('TOKEN_CREATE', { bpffs_fd: prog }))).code).toBe('EINVAL');
    expect((await refusal(kernel.bpf('TOKEN_CREATE', { bpffs_fd: 0xffffffff }))).code).toBe('EBADF');
  });

  it('finds objects by their ids, and BTF with its bytes and name', async () => {
    const builder = new BtfBuilder();
    builder.int('int', 4, 'signed');
    const bytes = builder.build();
    const btf = await bpf.btfLoad(bytes);
    const { id } = await bpf.btfInfo(btf);
    const again = await bpf.btfById(id);
    expect(await bpf.btfInfo(again, { bytes: true })).toMatchObject({ id, btf: bytes, kernel_btf: false });
    const ids: number[] = [];
    for await (const found of bpf.btfIds()) ids.push(found);
    expect(ids).toContain(id);
    const vmlinux = await bpf.btfInfo(await bpf.btfById(1));
    expect(vmlinux).toMatchObject({ name: 'vmlinux', kernel_btf: true });
    expect((await refusal(bpf.progById(0x7ffffffe))).code).toBe('ENOENT');
    const wrong = await refusal(
      kernel.bpf('BTF_LOAD', { btf: bytes.slice(0, 20), btf_log_buf: 4096, btf_log_level: 1 }),
    );
    expect(new TextDecoder().decode(wrong.answer!['btf_log_buf'] as Uint8Array)).toMatch(/\w+/);
  });

  it('tells what a descriptor is, and refuses the facts of another kind', async () => {
    const made = await map(C.BPF_MAP_TYPE_ARRAY, 1);
    const prog = await load(kernel, C.BPF_PROG_TYPE_RAW_TRACEPOINT, 'r0 = 0; exit');
    const link = await bpf.rawTracepointOpen('bpf_test_finish', prog);
    const builder = new BtfBuilder();
    builder.int('int', 4, 'signed');
    const btf = await bpf.btfLoad(builder.build());
    const kinds: string[] = [];
    for (const fd of [made, prog, link, btf]) kinds.push((await bpf.info(fd)).of);
    expect(kinds).toEqual(['map', 'prog', 'link', 'btf']);
    await refusal(bpf.progInfo(made));
    await refusal(bpf.mapInfo(prog));
  });

  it('freezes a map', async () => {
    const fd = await map(C.BPF_MAP_TYPE_ARRAY, 1);
    await bpf.mapFreeze(fd);
    expect(await refusal(bpf.mapUpdate(fd, u32(0), u64(1n)))).toMatchObject({ code: 'EPERM' });
    expect((await kernel.fdInfo(fd))['frozen']).toBe('1');
  });
});
