/** Tracing programs, iterators and cgroup programs: every kind of link that needs no network. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { load, runningKernelBtf, u32, u64 } from '../../test/support/linux-bpf.ts';
import { ownCgroup } from '../../test/support/own-cgroup.ts';
import { enterNamespaces } from '../../test/support/own-namespaces.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { utf8, view } from '../base/bytes.ts';
import { BpfError, UnsupportedError } from '../base/errors.ts';
import { type Btf, BtfBuilder, type BtfMember, sizeOf } from '../btf/index.ts';
import { Bpf, type Kernel } from '../sys/index.ts';
import { BPF_F_ALLOW_MULTI, BPF_F_BEFORE, BPF_F_LINK, BPF_F_QUERY_EFFECTIVE, BPF_F_REPLACE } from '../uapi/flags.ts';
import * as C from '../uapi/generated/constants.ts';
import { openLinuxKernel } from './index.ts';

const NOTHING = 'r0 = 0; exit';
/** Adds one to the only element of the array `counts`. */
const COUNT =
  '*(u32 *)(r10 -4) = 0; r1 = map[counts]; r2 = r10; r2 += -4; call bpf_map_lookup_elem#1; if r0 == 0 goto +2; r1 = 1; lock *(u64 *)(r0 +0) += r1; r0 = 0; exit';

describeKernel('tracing, iterators, cgroups', () => {
  let btf: Btf;
  let leave: () => void;
  let dir: string;
  let kernel: Kernel;
  let bpf: Bpf;
  let counts: number;

  beforeAll(() => {
    btf = runningKernelBtf();
    leave = enterNamespaces('mnt');
    dir = mkdtempSync(join(tmpdir(), 'skep-linux-'));
    // tracefs and bpf file systems that only this test sees.
    for (const type of ['tracefs', 'bpf']) {
      mkdirSync(join(dir, type));
      const { stderr, status } = spawnSync('mount', ['-t', type, type, join(dir, type)], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
    }
  });
  afterAll(() => {
    for (const type of ['tracefs', 'bpf']) spawnSync('umount', [join(dir, type)]);
    leave();
    rmSync(dir, { recursive: true });
  });
  beforeEach(async () => {
    kernel = await openLinuxKernel();
    bpf = new Bpf(kernel);
    counts = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 8, max_entries: 1 });
  });
  afterEach(() => kernel.close());

  const counted = async () => new DataView((await bpf.mapLookup(counts, u32(0), 8))!.buffer).getBigUint64(0, true);
  const counter = (type: number, attr = {}) => load(kernel, type, COUNT, attr, { counts });
  /** Makes the tracepoint bpf_test_finish happen: it is hit by test runs alone. */
  const finishTestRun = async () => {
    const fd = await load(kernel, C.BPF_PROG_TYPE_SOCKET_FILTER, NOTHING);
    await bpf.testRun({ prog_fd: fd, data_in: new Uint8Array(14) });
  };
  const func = (name: string) => {
    const id = btf.find(name, 'func');
    expect(id).toBeGreaterThan(0);
    return id;
  };

  it('opens raw tracepoints, with and without a link to name them', async () => {
    const prog = await counter(C.BPF_PROG_TYPE_RAW_TRACEPOINT);
    const link = await bpf.rawTracepointOpen('bpf_test_finish', prog, 42n);
    expect((await bpf.linkInfo(link)).raw_tracepoint).toEqual({ tp_name: 'bpf_test_finish', cookie: 42n });
    await finishTestRun();
    expect(await counted()).toBeGreaterThan(0n);
    expect(await bpf.taskFdQuery(process.pid, link)).toMatchObject({ fd_type: C.BPF_FD_TYPE_RAW_TRACEPOINT });
    const mine = (await kernel.perfHolders()).filter((h) => h.pid === process.pid);
    expect(mine).toMatchObject([{ kind: 'raw_tracepoint', target: 'bpf_test_finish', fd: link }]);
    await expect(bpf.rawTracepointOpen('no_such_tracepoint', prog)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('attaches to tracepoints by perf events, linked with a cookie or held by the event', async () => {
    const prog = await counter(C.BPF_PROG_TYPE_TRACEPOINT);
    const spec = { kind: 'tracepoint', category: 'bpf_test_run', name: 'bpf_test_finish' } as const;
    const event = await kernel.perfEventOpen(spec);
    const link = await bpf.linkCreate({
      prog_fd: prog,
      target_fd: event,
      attach_type: C.BPF_PERF_EVENT,
      perf_event_cookie: 9n,
    });
    expect((await bpf.linkInfo(link)).perf_event).toEqual({
      type: 'tracepoint',
      tp_name: 'bpf_test_finish',
      cookie: 9n,
    });
    await bpf.close(link);
    const held = await kernel.perfEventOpen(spec);
    await kernel.perfEventAttach(held, prog);
    await finishTestRun();
    expect(await counted()).toBeGreaterThan(0n);
    expect(await bpf.taskFdQuery(process.pid, held)).toMatchObject({ fd_type: C.BPF_FD_TYPE_TRACEPOINT });
    const absent = kernel.perfEventOpen({ kind: 'tracepoint', category: 'bpf_test_run', name: 'none' });
    await expect(absent).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('counts software events', async () => {
    const prog = await counter(C.BPF_PROG_TYPE_PERF_EVENT);
    const event = await kernel.perfEventOpen({
      kind: 'event',
      type: C.PERF_TYPE_SOFTWARE,
      config: BigInt(C.PERF_COUNT_SW_CPU_CLOCK),
      sampleFreq: 999,
      pid: process.pid,
    });
    const link = await bpf.linkCreate({ prog_fd: prog, target_fd: event, attach_type: C.BPF_PERF_EVENT });
    const until = Date.now() + 5000;
    while (Date.now() < until && (await counted()) === 0n);
    expect(await counted()).toBeGreaterThan(0n);
    expect((await bpf.linkInfo(link)).perf_event).toMatchObject({ type: 'event', cookie: 0n });
  });

  it('puts uprobes into a file of its own, one by one and many at once', async () => {
    const file = join(dir, 'true');
    copyFileSync('/bin/true', file);
    const offset = entryOffset(file);
    const prog = await counter(C.BPF_PROG_TYPE_KPROBE);
    const event = await kernel.perfEventOpen({ kind: 'uprobe', path: file, offset });
    const link = await bpf.linkCreate({
      prog_fd: prog,
      target_fd: event,
      attach_type: C.BPF_PERF_EVENT,
      perf_event_cookie: 3n,
    });
    expect(spawnSync(file).status).toBe(0);
    expect(await counted()).toBe(1n);
    expect((await bpf.linkInfo(link)).perf_event).toMatchObject({
      type: 'uprobe',
      file_name: file,
      offset,
      cookie: 3n,
    });
    const mine = (await kernel.perfHolders()).filter((h) => h.pid === process.pid);
    expect(mine).toMatchObject([{ kind: 'uprobe', target: file, offset: BigInt(offset) }]);
    await bpf.close(link);
    await kernel.closeFd(event);

    const multi = await counter(C.BPF_PROG_TYPE_KPROBE, { expected_attach_type: C.BPF_TRACE_UPROBE_MULTI });
    const many = await bpf.linkCreate({
      prog_fd: multi,
      attach_type: C.BPF_TRACE_UPROBE_MULTI,
      uprobe_multi_path: file,
      uprobe_multi_offsets: u64(BigInt(offset)),
      uprobe_multi_cookies: u64(77n),
      uprobe_multi_cnt: 1,
    });
    expect(spawnSync(file).status).toBe(0);
    expect(await counted()).toBe(2n);
    expect((await bpf.linkInfo(many)).uprobe_multi).toMatchObject({
      path: file,
      count: 1,
      offsets: [BigInt(offset)],
      cookies: [77n],
    });
  });

  it('says what kprobes lack where the kernel has none', async () => {
    const asked = await kernel.perfEventOpen({ kind: 'kprobe', symbol: 'do_sys_openat2' }).catch((e: unknown) => e);
    if (asked instanceof Error) expect(asked).toBeInstanceOf(UnsupportedError);
    const prog = await load(kernel, C.BPF_PROG_TYPE_KPROBE, NOTHING, {
      expected_attach_type: C.BPF_TRACE_KPROBE_MULTI,
    });
    const multi = await bpf
      .linkCreate({
        prog_fd: prog,
        attach_type: C.BPF_TRACE_KPROBE_MULTI,
        kprobe_multi_syms: ['bpf_fentry_test1', 'bpf_fentry_test2'],
        kprobe_multi_cnt: 2,
        kprobe_multi_cookies: u64(1n, 2n),
      })
      .catch((e: unknown) => e);
    if (multi instanceof Error) expect(multi.message).toContain('built without CONFIG_FPROBE');
    else expect((await bpf.linkInfo(multi as number)).kprobe_multi).toMatchObject({ count: 2, cookies: [1n, 2n] });
  });

  it('attaches before a kernel function and to an LSM hook, where that is allowed', async (context) => {
    const target = { attach_btf_id: func('bpf_fentry_test1') };
    const before = await counter(C.BPF_PROG_TYPE_TRACING, {
      ...target,
      expected_attach_type: C.BPF_TRACE_FENTRY,
    }).catch((e: BpfError) => e);
    if (typeof before !== 'number') {
      expect(before.code).toBe('EPERM');
      expect(before.message).toContain('a security module or a seccomp filter is in the way');
      return context.skip('this machine refuses programs at functions');
    }
    const link = await bpf.linkCreate({ prog_fd: before, attach_type: C.BPF_TRACE_FENTRY, tracing_cookie: 5n });
    await kernel.bpf('PROG_TEST_RUN', { prog_fd: before }); // calls the kernel's bpf_fentry_test*
    expect(await counted()).toBe(1n);
    expect((await bpf.linkInfo(link)).tracing).toMatchObject({
      attach_type: C.BPF_TRACE_FENTRY,
      target_btf_id: target.attach_btf_id,
      cookie: 5n,
    });
    const lsm = await load(kernel, C.BPF_PROG_TYPE_LSM, NOTHING, {
      attach_btf_id: func('bpf_lsm_quota_on'),
      expected_attach_type: C.BPF_LSM_MAC,
    });
    const hook = await bpf.linkCreate({ prog_fd: lsm, attach_type: C.BPF_LSM_MAC });
    expect((await bpf.linkInfo(hook)).tracing).toMatchObject({ attach_type: C.BPF_LSM_MAC });
  });

  it('reads iterators to their end, and again', async () => {
    const prog = await load(
      kernel,
      C.BPF_PROG_TYPE_TRACING,
      // ctx->meta->seq; "map\n" for every map, nothing at the end.
      'r6 = *(u64 *)(r1 +0); r7 = *(u64 *)(r1 +8); if r7 == 0 goto +6; r1 = *(u64 *)(r6 +0); *(u32 *)(r10 -4) = 175137133; r2 = r10; r2 += -4; r3 = 4; call bpf_seq_write#127; r0 = 0; exit',
      { attach_btf_id: func('bpf_iter_bpf_map'), expected_attach_type: C.BPF_TRACE_ITER },
    );
    const link = await bpf.linkCreate({ prog_fd: prog, attach_type: C.BPF_TRACE_ITER });
    expect((await bpf.linkInfo(link)).iter).toEqual({ target_name: 'bpf_map' });
    let maps = 0;
    for await (const _ of bpf.mapIds()) maps++;
    for (const size of [undefined, 6]) {
      const iter = (await kernel.bpf('ITER_CREATE', { link_fd: link })).ret;
      let text = '';
      for (;;) {
        const piece = await kernel.readIterator(iter, size);
        if (piece.length === 0) break;
        text += new TextDecoder().decode(piece);
      }
      expect(text).toMatch(/^(map\n)+$/);
      // Others may make and drop maps meanwhile.
      expect(text.length / 4).toBeGreaterThan(0);
      expect(Math.abs(text.length / 4 - maps)).toBeLessThan(50);
      await kernel.closeFd(iter);
    }
    await expect(kernel.readIterator(counts)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('iterates over the elements of the map that it is given', async () => {
    const prog = await load(
      kernel,
      C.BPF_PROG_TYPE_TRACING,
      'r6 = *(u64 *)(r1 +0); r7 = *(u64 *)(r1 +24); if r7 == 0 goto +4; r1 = *(u64 *)(r6 +0); r2 = r7; r3 = 8; call bpf_seq_write#127; r0 = 0; exit',
      { attach_btf_id: func('bpf_iter_bpf_map_elem'), expected_attach_type: C.BPF_TRACE_ITER },
    );
    const elements = await bpf.mapCreate({
      map_type: C.BPF_MAP_TYPE_ARRAY,
      key_size: 4,
      value_size: 8,
      max_entries: 3,
    });
    await bpf.mapUpdateBatch(elements, u32(0, 1, 2), u64(10n, 20n, 30n), 3);
    const link = await bpf.linkCreate({
      prog_fd: prog,
      attach_type: C.BPF_TRACE_ITER,
      iter_info: u32(elements, 0, 0, 0),
    });
    expect((await bpf.linkInfo(link)).iter).toEqual({
      target_name: 'bpf_map_elem',
      map_id: (await bpf.mapInfo(elements)).id,
    });
    const iter = (await kernel.bpf('ITER_CREATE', { link_fd: link })).ret;
    expect(new Uint8Array(await kernel.readIterator(iter))).toEqual(u64(10n, 20n, 30n));
  });

  it('attaches to a cgroup of its own, with links and without', async () => {
    const path = join(ownCgroup(), `skep-test-${process.pid}`);
    mkdirSync(path);
    try {
      const cgroup = await kernel.openCgroup(path);
      const skb = await load(kernel, C.BPF_PROG_TYPE_CGROUP_SKB, 'r0 = 1; exit', {
        expected_attach_type: C.BPF_CGROUP_INET_EGRESS,
      });
      const link = await bpf.linkCreate({
        prog_fd: skb,
        target_fd: cgroup,
        attach_type: C.BPF_CGROUP_INET_EGRESS,
      });
      expect((await bpf.linkInfo(link)).cgroup).toMatchObject({ attach_type: C.BPF_CGROUP_INET_EGRESS });
      const other = await load(kernel, C.BPF_PROG_TYPE_CGROUP_SKB, 'r0 = 1; exit', {
        expected_attach_type: C.BPF_CGROUP_INET_EGRESS,
      });
      const update = { link_fd: link, new_prog_fd: other, flags: BPF_F_REPLACE };
      await expect(bpf.linkUpdate({ ...update, old_prog_fd: other })).rejects.toMatchObject({
        code: 'EPERM',
        message: expect.stringContaining('another program than the expected one'),
      });
      await bpf.linkUpdate({ ...update, old_prog_fd: skb });
      expect((await bpf.linkInfo(link)).prog_id).toBe((await bpf.progInfo(other)).id);
      // Before the one that is there.
      const first = await bpf.linkCreate({
        prog_fd: skb,
        target_fd: cgroup,
        attach_type: C.BPF_CGROUP_INET_EGRESS,
        flags: BPF_F_BEFORE | BPF_F_LINK,
        cgroup_relative_fd: link,
      });
      const order = await bpf.progQuery({ target_fd: cgroup, attach_type: C.BPF_CGROUP_INET_EGRESS });
      expect([...new Uint32Array(order.prog_ids.slice().buffer)]).toEqual([
        (await bpf.progInfo(skb)).id,
        (await bpf.progInfo(other)).id,
      ]);
      await bpf.close(first);
      const device = await load(kernel, C.BPF_PROG_TYPE_CGROUP_DEVICE, 'r0 = 1; exit');
      const target = { target_fd: cgroup, attach_type: C.BPF_CGROUP_DEVICE };
      await bpf.progAttach({ ...target, attach_bpf_fd: device, attach_flags: BPF_F_ALLOW_MULTI });
      const query = await bpf.progQuery(target);
      expect(query).toMatchObject({ prog_cnt: 1, attach_flags: BPF_F_ALLOW_MULTI });
      const effective = await bpf.progQuery({ ...target, query_flags: BPF_F_QUERY_EFFECTIVE });
      expect(effective.prog_cnt).toBeGreaterThanOrEqual(1);
      await bpf.progDetach({ ...target, attach_bpf_fd: device });
      await bpf.close(link);
      await kernel.closeFd(cgroup);
      await expect(kernel.openCgroup(`${path}/cgroup.procs`)).rejects.toMatchObject({ code: 'ENOTDIR' });
      await expect(kernel.openCgroup(`${path}/none`)).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      rmdirSync(path);
    }
  });

  it('registers a congestion control of TCP that programs implement', async () => {
    const ops = btf.find('tcp_congestion_ops', 'struct');
    const valueType = btf.find('bpf_struct_ops_tcp_congestion_ops', 'struct');
    const members = membersOf(btf, ops);
    const value = new Uint8Array(sizeOf(btf, valueType));
    const dataAt = membersOf(btf, valueType).find((m) => m.name === 'data')!.bitOffset / 8;
    const place = (name: string) => dataAt + members.find((m) => m.name === name)!.bitOffset / 8;
    value.set(utf8('skep_test'), place('name'));
    for (const name of ['ssthresh', 'undo_cwnd', 'cong_avoid']) {
      const prog = await load(kernel, C.BPF_PROG_TYPE_STRUCT_OPS, 'r0 = 5; exit', {
        attach_btf_id: ops,
        expected_attach_type: members.findIndex((m) => m.name === name),
      });
      // A function is given as the descriptor of its program.
      view(value).setBigUint64(place(name), BigInt(prog), true);
    }
    const types = new BtfBuilder();
    types.int('int', 4, 'signed');
    const map = await bpf.mapCreate({
      map_type: C.BPF_MAP_TYPE_STRUCT_OPS,
      key_size: 4,
      value_size: value.length,
      max_entries: 1,
      map_flags: BPF_F_LINK,
      btf_fd: await bpf.btfLoad(types.build()),
      btf_vmlinux_value_type_id: valueType,
    });
    await bpf.mapUpdate(map, u32(0), value);
    const link = await bpf.linkCreate({ prog_fd: map, attach_type: C.BPF_STRUCT_OPS });
    expect((await bpf.linkInfo(link)).struct_ops).toEqual({ map_id: (await bpf.mapInfo(map)).id });
    const available = () => readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8');
    expect(available()).toContain('skep_test');
    await bpf.close(link);
    await expect.poll(available).not.toContain('skep_test');
  });

  it('pins what it makes, finds it again, and unpins it', async () => {
    const fs = join(dir, 'bpf');
    expect(await kernel.bpffs.mounts()).toContain(fs);
    const prog = await load(kernel, C.BPF_PROG_TYPE_RAW_TRACEPOINT, NOTHING);
    const link = await bpf.rawTracepointOpen('bpf_test_finish', prog);
    await kernel.bpffs.mkdir(join(fs, 'ours'));
    await bpf.objPin(join(fs, 'ours/prog'), prog);
    await bpf.objPin(join(fs, 'ours/map'), counts);
    await bpf.objPin(join(fs, 'ours/link'), link);
    expect(await kernel.bpffs.list(join(fs, 'ours'))).toEqual([
      { name: 'link', kind: 'link' },
      { name: 'map', kind: 'map' },
      { name: 'prog', kind: 'prog' },
    ]);
    const again = await bpf.objGet(join(fs, 'ours/map'));
    expect((await bpf.mapInfo(again)).id).toBe((await bpf.mapInfo(counts)).id);
    await expect(bpf.objGet(join(fs, 'ours/none'))).rejects.toBeInstanceOf(BpfError);
    for (const name of ['link', 'map', 'prog']) await kernel.bpffs.remove(join(fs, 'ours', name));
    await kernel.bpffs.remove(join(fs, 'ours'));
    expect(await kernel.bpffs.stat(join(fs, 'ours'))).toBeNull();
  });
});

function membersOf(btf: Btf, id: number): readonly BtfMember[] {
  const type = btf.type(id);
  if (type?.kind !== 'struct') throw new Error(`[${id}] is no struct`);
  return type.members;
}

/** Where in a file the instruction at its entry point lies. */
function entryOffset(path: string): number {
  const bytes = readFileSync(path);
  const entry = Number(bytes.readBigUInt64LE(24));
  const headers = Number(bytes.readBigUInt64LE(32));
  for (let n = 0; n < bytes.readUInt16LE(56); n++) {
    const at = headers + n * bytes.readUInt16LE(54);
    const [offset, address, , size] = [8, 16, 24, 32].map((field) => Number(bytes.readBigUInt64LE(at + field)));
    if (bytes.readUInt32LE(at) === 1 && entry >= address! && entry < address! + size!)
      return entry - address! + offset!;
  }
  throw new Error(`${path} has no entry point`);
}
