/** Network programs on a pair of interfaces in a namespace of the test's own. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { asU32, load, u32 } from '../../test/support/linux-bpf.ts';
import { enterNamespaces } from '../../test/support/own-namespaces.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { Bpf, type Kernel } from '../sys/index.ts';
import { BPF_F_AFTER, BPF_F_BEFORE } from '../uapi/flags.ts';
import * as C from '../uapi/generated/constants.ts';
import { openLinuxKernel } from './index.ts';

const XDP_PASS = 'r0 = 2; exit';
const TC_OK = 'r0 = 0; exit';
const NF_ACCEPT = 'r0 = 1; exit';

describeKernel('network programs', () => {
  let leave: () => void;
  let kernel: Kernel;
  let bpf: Bpf;
  let veth: number;

  const ip = (words: string) => {
    const { status, stderr } = spawnSync('ip', words.split(' '), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ip ${words}: ${stderr}`);
  };
  const progId = async (fd: number) => (await bpf.progInfo(fd)).id;

  beforeAll(() => {
    leave = enterNamespaces('net');
    ip('link set lo up');
    ip('link add one type veth peer name two');
    for (const name of ['one', 'two']) ip(`link set ${name} up`);
  });
  afterAll(() => leave());
  beforeEach(async () => {
    kernel = await openLinuxKernel();
    bpf = new Bpf(kernel);
    veth = (await kernel.netDevices()).find((d) => d.name === 'one')!.ifindex;
  });
  afterEach(() => kernel.close());
  const one = async () => (await kernel.net.query()).find((i) => i.ifindex === veth)!;

  it('lists the interfaces of the namespace that the process is in', async () => {
    const found = await kernel.net.query();
    expect(found.map((i) => [i.name, i.kind])).toEqual(
      expect.arrayContaining([
        ['lo', ''],
        ['one', 'veth'],
        ['two', 'veth'],
      ]),
    );
    expect(found.map((i) => i.name)).not.toContain('eth0');
  });

  it('attaches XDP over netlink in either mode, replaces only what was expected, and takes it away', async () => {
    const first = await load(kernel, C.BPF_PROG_TYPE_XDP, XDP_PASS);
    const second = await load(kernel, C.BPF_PROG_TYPE_XDP, 'r0 = 1; exit');
    for (const mode of ['generic', 'driver'] as const) {
      await kernel.net.attachXdp(veth, first, { mode });
      expect((await one()).xdp).toEqual([{ mode, progId: await progId(first) }]);
      await expect(kernel.net.attachXdp(veth, second, { mode, replace: false })).rejects.toMatchObject({
        code: 'EBUSY',
      });
      await expect(kernel.net.attachXdp(veth, second, { mode, expected: second })).rejects.toMatchObject({
        code: 'EEXIST',
      });
      await kernel.net.attachXdp(veth, second, { mode, expected: first });
      expect((await one()).xdp).toEqual([{ mode, progId: await progId(second) }]);
      await kernel.net.detachXdp(veth, { mode });
      expect((await one()).xdp).toEqual([]);
    }
    await expect(kernel.net.attachXdp(99_999, first)).rejects.toMatchObject({ code: 'ENODEV' });
    await expect(kernel.net.attachXdp(veth, first, { mode: 'offload' })).rejects.toThrow(/offload|XDP/i);
  });

  it('attaches XDP with a link, which netlink shows and which another program can take over', async () => {
    const first = await load(kernel, C.BPF_PROG_TYPE_XDP, XDP_PASS);
    const second = await load(kernel, C.BPF_PROG_TYPE_XDP, 'r0 = 1; exit');
    const link = await bpf.linkCreate({ prog_fd: first, target_fd: veth, attach_type: C.BPF_XDP });
    expect(await bpf.linkInfo(link)).toMatchObject({ xdp: { ifindex: veth }, prog_id: await progId(first) });
    expect((await one()).xdp).toEqual([{ mode: 'driver', progId: await progId(first) }]);
    await bpf.linkUpdate({ link_fd: link, new_prog_fd: second });
    expect((await one()).xdp[0]!.progId).toBe(await progId(second));
    await bpf.linkDetach(link);
    expect((await one()).xdp).toEqual([]);
    expect((await bpf.linkInfo(link)).xdp).toEqual({ ifindex: 0 });
    await bpf.close(link);
  });

  it('adds tc filters in both directions, in the order of their priorities, and removes them', async () => {
    const fd = await load(kernel, C.BPF_PROG_TYPE_SCHED_CLS, TC_OK);
    const later = await kernel.net.attachTc(veth, fd, { direction: 'ingress', name: 'later', priority: 7, handle: 3 });
    const sooner = await kernel.net.attachTc(veth, fd, { direction: 'ingress', name: 'sooner', priority: 2 });
    const out = await kernel.net.attachTc(veth, fd, { direction: 'egress' });
    expect(later).toEqual({
      ifindex: veth,
      direction: 'ingress',
      priority: 7,
      handle: 3,
      name: 'later',
      progId: await progId(fd),
      directAction: true,
    });
    expect(sooner.handle).toBeGreaterThan(0);
    expect(out.priority).toBeGreaterThan(0);
    expect((await one()).tc.map((f) => [f.direction, f.name, f.priority])).toEqual([
      ['ingress', 'sooner', 2],
      ['ingress', 'later', 7],
      ['egress', out.name, out.priority],
    ]);
    await expect(kernel.net.attachTc(veth, fd, { direction: 'ingress', priority: 7, handle: 3 })).rejects.toMatchObject(
      { code: 'EEXIST' },
    );
    await kernel.net.attachTc(veth, fd, { direction: 'ingress', name: 'new', priority: 7, handle: 3, replace: true });
    expect((await one()).tc[1]!.name).toBe('new');
    await kernel.net.detachTc(sooner);
    await expect(kernel.net.detachTc(sooner)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await one()).tc).toHaveLength(2);
    await kernel.net.removeClsact(veth);
    expect((await one()).tc).toEqual([]);
    await expect(kernel.net.removeClsact(veth)).rejects.toMatchObject({ code: expect.stringMatching(/ENOENT|EINVAL/) });
  });

  it('puts tcx links before and after one another, and PROG_QUERY says in which order', async () => {
    const progs = [];
    for (let n = 0; n < 3; n++) progs.push(await load(kernel, C.BPF_PROG_TYPE_SCHED_CLS, `r0 = ${n}; exit`));
    const target = { target_fd: veth, attach_type: C.BPF_TCX_INGRESS };
    const [middle, first, last] = progs as [number, number, number];
    await bpf.linkCreate({ ...target, prog_fd: middle });
    await bpf.linkCreate({ ...target, prog_fd: first, flags: BPF_F_BEFORE, tcx_relative_fd: middle });
    const link = await bpf.linkCreate({ ...target, prog_fd: last, flags: BPF_F_AFTER });
    const query = await bpf.progQuery({ target_fd: veth, attach_type: C.BPF_TCX_INGRESS });
    const ids = [await progId(first), await progId(middle), await progId(last)];
    expect([...new Uint32Array(query.prog_ids.slice().buffer)]).toEqual(ids);
    expect(query.prog_cnt).toBe(3);
    const linkInfo = await bpf.linkInfo(link);
    expect(linkInfo.tcx).toEqual({ ifindex: veth, attach_type: C.BPF_TCX_INGRESS });
    expect(new Uint32Array(query.link_ids.slice().buffer)[2]).toBe(linkInfo.id);
    await expect(
      bpf.linkCreate({ ...target, prog_fd: last, tcx_expected_revision: query.revision + 9n }),
    ).rejects.toMatchObject({ code: 'ESTALE' });
    // One place is too few: how many there are is told all the same.
    await expect(
      kernel.bpf('PROG_QUERY', { target_fd: veth, attach_type: C.BPF_TCX_INGRESS, prog_ids: 4 }),
    ).rejects.toMatchObject({ code: 'ENOSPC', answer: { prog_cnt: 3 } });
  });

  it('attaches and detaches tcx programs without a link', async () => {
    const fd = await load(kernel, C.BPF_PROG_TYPE_SCHED_CLS, TC_OK);
    const target = { target_fd: veth, attach_type: C.BPF_TCX_EGRESS, attach_bpf_fd: fd };
    await bpf.progAttach(target);
    expect((await bpf.progQuery({ target_fd: veth, attach_type: C.BPF_TCX_EGRESS })).prog_cnt).toBe(1);
    await bpf.progDetach(target);
    expect((await bpf.progQuery({ target_fd: veth, attach_type: C.BPF_TCX_EGRESS })).prog_cnt).toBe(0);
  });

  it('links a program to a netfilter hook', async () => {
    const fd = await load(kernel, C.BPF_PROG_TYPE_NETFILTER, NF_ACCEPT, { expected_attach_type: C.BPF_NETFILTER });
    const link = await bpf.linkCreate({
      prog_fd: fd,
      attach_type: C.BPF_NETFILTER,
      netfilter_pf: 2,
      netfilter_hooknum: 1,
      netfilter_priority: -128,
    });
    expect((await bpf.linkInfo(link)).netfilter).toEqual({ pf: 2, hooknum: 1, priority: -128, flags: 0 });
  });

  it('links sk_lookup and flow dissector programs to a network namespace', async () => {
    const netns = await kernel.openNetns();
    const lookup = await load(kernel, C.BPF_PROG_TYPE_SK_LOOKUP, 'r0 = 1; exit', {
      expected_attach_type: C.BPF_SK_LOOKUP,
    });
    const link = await bpf.linkCreate({ prog_fd: lookup, target_fd: netns, attach_type: C.BPF_SK_LOOKUP });
    const info = await bpf.linkInfo(link);
    expect(info.netns).toMatchObject({ attach_type: C.BPF_SK_LOOKUP });
    expect(info.netns!.netns_ino).toBeGreaterThan(0);
    expect((await bpf.progQuery({ target_fd: netns, attach_type: C.BPF_SK_LOOKUP })).prog_cnt).toBe(1);
    const dissector = await load(kernel, C.BPF_PROG_TYPE_FLOW_DISSECTOR, 'r0 = 0; exit');
    await bpf.linkCreate({ prog_fd: dissector, target_fd: netns, attach_type: C.BPF_FLOW_DISSECTOR });
    await expect(kernel.openNetns('/proc/self/ns/mnt')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(kernel.openNetns('/run/netns/none-of-that-name')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('links verdict programs to a sock map', async () => {
    const map = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_SOCKMAP, key_size: 4, value_size: 4, max_entries: 2 });
    const fd = await load(kernel, C.BPF_PROG_TYPE_SK_SKB, 'r0 = 1; exit', {
      expected_attach_type: C.BPF_SK_SKB_VERDICT,
    });
    const link = await bpf.linkCreate({ prog_fd: fd, target_fd: map, attach_type: C.BPF_SK_SKB_VERDICT });
    expect((await bpf.linkInfo(link)).sockmap).toEqual({
      map_id: (await bpf.mapInfo(map)).id,
      attach_type: C.BPF_SK_SKB_VERDICT,
    });
    await bpf.close(link);
    const old = await load(kernel, C.BPF_PROG_TYPE_SK_MSG, 'r0 = 1; exit');
    const target = { target_fd: map, attach_type: C.BPF_SK_MSG_VERDICT, attach_bpf_fd: old };
    await bpf.progAttach(target);
    expect((await bpf.progQuery({ target_fd: map, attach_type: C.BPF_SK_MSG_VERDICT })).prog_cnt).toBe(1);
    await bpf.progDetach(target);
  });

  it('lets a socket filter decide how much of a packet a packet socket sees', async () => {
    const lo = (await kernel.netDevices()).find((d) => d.name === 'lo')!.ifindex;
    const socket = await kernel.sockets.openPacket(lo);
    const filter = await load(kernel, C.BPF_PROG_TYPE_SOCKET_FILTER, 'r0 = 20; exit');
    const send = async () => {
      const sender = createSocket('udp4');
      await new Promise((resolve) => sender.send('some words to nobody', 9, '127.0.0.1', resolve));
      sender.close();
    };
    await send();
    expect((await kernel.sockets.receive(socket))[0]!.length).toBeGreaterThan(40);
    await kernel.sockets.receive(socket);
    await kernel.sockets.attachFilter(socket, filter);
    await send();
    for (const packet of await kernel.sockets.receive(socket)) expect(packet.length).toBe(20);
    await kernel.sockets.detachFilter(socket);
    await expect(kernel.sockets.detachFilter(socket)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await kernel.sockets.receive(socket)).toEqual([]);
    await expect(kernel.sockets.attachFilter(filter, filter)).rejects.toMatchObject({ code: 'ENOTSOCK' });
    await expect(kernel.sockets.openPacket(99_999)).rejects.toMatchObject({ code: 'ENODEV' });
    await kernel.closeFd(socket);
  });

  it('counts packets with a program that XDP runs', async () => {
    const map = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 4, max_entries: 1 });
    const count =
      '*(u32 *)(r10 -4) = 0; r1 = map[counts]; r2 = r10; r2 += -4; call bpf_map_lookup_elem#1; if r0 == 0 goto +2; r1 = 1; lock *(u32 *)(r0 +0) += r1; r0 = 2; exit';
    const fd = await load(kernel, C.BPF_PROG_TYPE_XDP, count, {}, { counts: map });
    await bpf.linkCreate({ prog_fd: fd, target_fd: veth, attach_type: C.BPF_XDP });
    spawnSync('ip', ['-6', 'addr', 'add', 'fd00::2/64', 'dev', 'two', 'nodad']);
    const sender = createSocket('udp6');
    await new Promise((resolve) => sender.send('x', 9, 'fd00::9', resolve));
    sender.close();
    // A neighbour solicitation at least.
    await expect.poll(async () => asU32((await bpf.mapLookup(map, u32(0), 4))!)).toBeGreaterThan(0);
  });
});
