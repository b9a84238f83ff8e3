/**
 * Every way of attaching on the machine's kernel: the program ran on an event of our own making, and did not once its
 * link was closed. What this kernel is built without is the exact error.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { load, runningKernelBtf, u32 } from '../../test/support/linux-bpf.ts';
import { enterCgroup } from '../../test/support/own-cgroup.ts';
import { enterNamespaces } from '../../test/support/own-namespaces.ts';
import { probedProgram } from '../../test/support/probed-program.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { EINVAL } from '../base/errno.ts';
import { BpfError, UnsupportedError } from '../base/errors.ts';
import type { Btf } from '../btf/index.ts';
import { openLinuxKernel } from '../linux/index.ts';
import { loadKoffi, loadSystem } from '../native/index.ts';
import { sectionMeaning } from '../object/index.ts';
import { Bpf, type Kernel } from '../sys/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { type AttachOptions, type BpfLink, BpfMap, BpfProgram } from './index.ts';

/** Adds one to the only element of the array `counts`, and answers `answer`. */
const counting = (answer: number) =>
  '*(u32 *)(r10 -4) = 0; r1 = map[counts]; r2 = r10; r2 += -4; call bpf_map_lookup_elem#1; ' +
  `if r0 == 0 goto +2; r1 = 1; lock *(u64 *)(r0 +0) += r1; r0 = ${answer}; exit`;

describeKernel('attaching', () => {
  let kernel: Kernel;
  let bpf: Bpf;
  let btf: Btf;
  let counts: number;
  let dir: string;
  let probed: string;
  let leave: () => void;
  let cgroup: string;
  let leaveCgroup: () => void;

  beforeAll(() => {
    btf = runningKernelBtf();
    leave = enterNamespaces('net', 'mnt');
    dir = mkdtempSync(join(tmpdir(), 'skep-kinds-'));
    mkdirSync(join(dir, 'tracefs'));
    for (const words of [
      `mount -t tracefs tracefs ${dir}/tracefs`,
      'ip link set lo up',
      'ip link add one type veth peer name two',
      'ip link set one up',
      'ip link set two up',
      'ip addr add 10.77.0.1/24 dev one',
      'ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev one',
    ]) {
      const [file = '', ...rest] = words.split(' ');
      const { status, stderr } = spawnSync(file, rest, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`${words}: ${stderr}`);
    }
    probed = join(dir, 'probed');
    writeFileSync(probed, probedProgram());
    chmodSync(probed, 0o755);
    ({ path: cgroup, leave: leaveCgroup } = enterCgroup('skep-kinds'));
  });
  afterAll(() => {
    leaveCgroup();
    spawnSync('umount', [join(dir, 'tracefs')]);
    leave();
    rmSync(dir, { recursive: true });
  });
  beforeEach(async () => {
    kernel = await openLinuxKernel();
    bpf = new Bpf(kernel);
    counts = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 8, max_entries: 1 });
  });
  afterEach(() => kernel.close());

  /** A counting program, as its section says. `attr`: what else loading it takes. */
  async function program(section: string, answer: number, attr: object = {}, on = kernel): Promise<BpfProgram> {
    const { type, attachType, flags, attachTo } = sectionMeaning(section);
    const place = { expected_attach_type: attachType, prog_flags: flags, ...attr };
    const fd = await load(kernel, type, counting(answer), place, { counts });
    return new BpfProgram(on, fd, { name: 'counting', section, type, attachType, attachTo });
  }

  const counted = async () => new DataView((await bpf.mapLookup(counts, u32(0), 8))!.buffer).getBigUint64(0, true);

  /** Attaches, makes the event, sees that the program ran; closes, makes the event, sees that it did not. */
  async function runsUntilClosed(
    counting: BpfProgram,
    options: AttachOptions,
    event: () => unknown,
    atLeast = 1n,
  ): Promise<void> {
    const link = await counting.attach(options);
    await event();
    await expect.poll(counted, { timeout: 5000 }).toBeGreaterThanOrEqual(atLeast);
    await link.close();
    // What was under way has come.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = await counted();
    await event();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await counted()).toBe(before);
  }

  const testRun = async () => {
    const fd = await load(kernel, C.BPF_PROG_TYPE_SOCKET_FILTER, 'r0 = 0; exit');
    await bpf.testRun({ prog_fd: fd, data_in: new Uint8Array(14) });
    await kernel.closeFd(fd);
  };
  const runProbed = () => void spawnSync(probed);

  it.each(['tp/bpf_test_run/bpf_test_finish', 'raw_tp/bpf_test_finish', 'raw_tp.w/bpf_test_finish'])(
    '%s runs when a program is test-run',
    async (section) => runsUntilClosed(await program(section, 0), {}, testRun),
  );

  it.each(['uprobe', 'uprobe.s', 'uretprobe', 'uretprobe.s', 'uprobe.multi', 'uprobe.multi.s', 'uretprobe.multi'])(
    '%s runs when a program of ours calls the function',
    async (word) => {
      const section = `${word}/${probed}:call${word.includes('multi') ? '*' : 'ed'}`;
      await runsUntilClosed(await program(section, 0), { cookie: 7n }, runProbed);
    },
  );

  it('uprobe.session runs before and behind the function', async () => {
    await runsUntilClosed(await program(`uprobe.session/${probed}:called`, 0), {}, runProbed, 2n);
  });

  it('uprobes find a library by its name, and stay in the process that they are told', async () => {
    // A function of the C library that nobody calls by chance.
    const call = loadKoffi().load(null).func('hcreate', 'int', ['size_t']);
    const here = { uprobe: { pid: process.pid } };
    await runsUntilClosed(await program('uprobe/libc.so.6:hcreate', 0), here, () => void call(1));
    const elsewhere = spawn('sleep', ['5']);
    const link = await (await program('uprobe/libc.so.6:hcreate', 0)).attach({ uprobe: { pid: elsewhere.pid! } });
    const before = await counted();
    call(1);
    expect(await counted()).toBe(before);
    await link.close();
    elsewhere.kill();
  });

  it.each([
    ['kprobe/bpf_fentry_test1', 'CONFIG_KPROBE_EVENTS'],
    ['kretprobe/bpf_fentry_test1', 'CONFIG_KPROBE_EVENTS'],
    ['ksyscall/getpid', 'CONFIG_KPROBE_EVENTS'],
    ['kprobe.multi/bpf_fentry_test*', 'CONFIG_FPROBE'],
    ['kretprobe.multi/bpf_fentry_test*', 'CONFIG_FPROBE'],
    ['kprobe.session/bpf_fentry_test*', 'CONFIG_FPROBE'],
  ])('%s is attached, or this kernel is built without %s', async (section, option) => {
    const link = await (await program(section, 0)).attach().catch((error: Error) => error);
    if (!(link instanceof Error)) return link.close();
    expect(link.message).toContain(`built without ${option}`);
  });

  it('perf_event runs while this process works', async () => {
    const clock = { type: C.PERF_TYPE_SOFTWARE, config: BigInt(C.PERF_COUNT_SW_CPU_CLOCK), sampleFreq: 999 };
    const work = () => {
      for (const end = Date.now() + 100; Date.now() < end; );
    };
    await runsUntilClosed(
      await program('perf_event', 0),
      { event: { kind: 'event', ...clock, pid: process.pid } },
      work,
    );
    const named = { kind: 'software', name: 'cpu-clock', sampleFreq: 999, pid: process.pid } as const;
    await runsUntilClosed(await program('perf_event', 0), { event: named }, work);
  });

  /** A datagram from `one`, which comes in at `two`; nobody is there. */
  const sendOut = async () => {
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.send('x', 9, '10.77.0.2', resolve));
    socket.close();
  };

  it.each([
    ['xdp', 2, 'two'],
    ['xdp.frags', 2, 'two'],
    ['tcx/ingress', -1, 'two'],
    ['tcx/egress', -1, 'one'],
    ['tc', 0, 'two'],
    ['classifier', 0, 'two'],
  ])('%s runs for a packet', async (section, answer, device) => {
    await runsUntilClosed(await program(section, answer), { device }, sendOut);
  });

  it('programs at one place run in the order that is asked for', async () => {
    const ids = async (links: readonly BpfLink[]) =>
      Promise.all(links.map(async (link) => (await link.info()).prog_id));
    const device = (await kernel.netDevices()).find(({ name }) => name === 'two')!.ifindex;
    const attachedTo = { target_fd: device, attach_type: C.BPF_TCX_INGRESS };
    const at = async (place?: AttachOptions['place']) =>
      (await program('tcx/ingress', -1)).attach({ device: 'two', ...(place && { place }) });
    const first = await at();
    const last = await at('last');
    const before = await at({ before: last });
    const foremost = await at('first');
    const order = [foremost, first, before, last];
    const { prog_ids } = await bpf.progQuery(attachedTo);
    expect([...new Uint32Array(prog_ids.buffer, prog_ids.byteOffset, 4)]).toEqual(await ids(order));
    for (const link of order) await link.close();

    const one = await (await program('cgroup_skb/egress', 1)).attach({ cgroup });
    const two = await (await program('cgroup_skb/egress', 1)).attach({ cgroup, place: { before: one } });
    const cgroupFd = await kernel.openCgroup(cgroup);
    const there = await bpf.progQuery({ target_fd: cgroupFd, attach_type: C.BPF_CGROUP_INET_EGRESS });
    expect([...new Uint32Array(there.prog_ids.buffer, there.prog_ids.byteOffset, 2)]).toEqual(await ids([two, one]));
    await kernel.closeFd(cgroupFd);
    for (const link of [one, two]) await link.close();
  });

  it('netkit programs are attached, or this kernel is built without', async () => {
    const netkit = await program('netkit/primary', -1);
    await expect(netkit.attach({ device: 'one' })).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
  });

  it('netfilter runs where a packet leaves', async () => {
    const at = { family: 2, hook: 3, priority: -128 };
    await runsUntilClosed(await program('netfilter', 1), { netfilter: at }, sendOut);
  });

  const server = async () => {
    const listening = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    return { port: (listening.address() as AddressInfo).port, close: () => void listening.close() };
  };
  const connectOnce = async () => {
    const { port, close } = await server();
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.write('x');
    client.destroy();
    close();
  };

  it('sk_lookup runs when a connection looks for its listener', async () => {
    await runsUntilClosed(await program('sk_lookup', 1), {}, connectOnce);
  });

  it('flow_dissector runs when somebody wants to know the flow of a packet', async () => {
    spawnSync('tc', ['qdisc', 'replace', 'dev', 'one', 'root', 'fq_codel']);
    // Neighbours are asked for by packets that have no hash yet.
    let host = 1;
    const askAround = async () => {
      const socket = createSocket('udp6');
      await new Promise((resolve) => socket.send('x', 9, `fe80::${++host}%one`, resolve));
      socket.close();
    };
    await runsUntilClosed(await program('flow_dissector', 0), {}, askAround);
  });

  it('socket runs for what a socket gets', async () => {
    const lo = (await kernel.netDevices()).find(({ name }) => name === 'lo')!.ifindex;
    const socket = await kernel.sockets.openPacket(lo);
    await runsUntilClosed(await program('socket', 0), { socket }, connectOnce);
    await kernel.closeFd(socket);
  });

  it('sk_reuseport runs for what comes to a port that sockets share', async () => {
    // Node shares ports since 23.1 only: by system calls.
    const system = loadSystem();
    const [AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_REUSEPORT] = [2, 2, 1, 15];
    const one = u32(1);
    const port = 20_000 + (process.pid % 20_000);
    const address = new Uint8Array(16);
    new DataView(address.buffer).setUint16(0, AF_INET, true);
    new DataView(address.buffer).setUint16(2, port, false);
    address.set([127, 0, 0, 1], 4);
    const sockets = [0, 1].map(() => {
      const fd = system.call('socket', AF_INET, SOCK_DGRAM, 0);
      system.call('setsockopt', fd, SOL_SOCKET, SO_REUSEPORT, system.addressOf(one), one.length);
      expect(system.call('bind', fd, system.addressOf(address), address.length)).toBe(0);
      return fd;
    });
    const send = async () => {
      const sender = createSocket('udp4');
      await new Promise((resolve) => sender.send('x', port, '127.0.0.1', resolve));
      sender.close();
    };
    await runsUntilClosed(await program('sk_reuseport', 1), { socket: sockets[0]! }, send);
    for (const fd of sockets) system.call('close', fd);
  });

  it.each([
    ['sk_msg', 'sends'],
    ['sk_skb/verdict', 'gets'],
    ['sk_skb/stream_verdict', 'gets'],
  ])('%s runs for what a socket of the map %s', async (section, what) => {
    const fd = await bpf.mapCreate({ map_type: C.BPF_MAP_TYPE_SOCKMAP, key_size: 4, value_size: 4, max_entries: 1 });
    const map = await BpfMap.adopt(kernel, fd);
    /** A connection with one end in the map. `use` says something from the end that matters. */
    const converse = async () => {
      const listening = createServer().listen(0, '127.0.0.1');
      await once(listening, 'listening');
      const accepted = once(listening, 'connection') as Promise<[Socket]>;
      const client = connect((listening.address() as AddressInfo).port, '127.0.0.1').resume();
      await once(client, 'connect');
      const [peer] = await accepted;
      const { fd: socket } = (client as unknown as { _handle: { fd: number } })._handle;
      await map.update(u32(0), u32(socket));
      (what === 'sends' ? client : peer.resume()).write('x');
      await new Promise((resolve) => setTimeout(resolve, 30));
      client.destroy();
      peer.destroy();
      listening.close();
    };
    // A socket keeps the program that it came into the map with: each conversation has a socket of its own.
    await runsUntilClosed(await program(section, 1), { map }, converse);
    await map.close();
  });

  const datagrams = async () => {
    const one = createSocket('udp4');
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => one.bind(0, '127.0.0.1', resolve));
    const came = once(one, 'message');
    other.send('x', one.address().port, '127.0.0.1');
    await came;
    one.getRecvBufferSize();
    one.setTTL(9);
    one.close();
    other.close();
  };
  const connected = async () => {
    const { port, close } = await server();
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.address();
    void client.remoteAddress;
    client.destroy();
    close();
  };
  const throughFile = async () => {
    const path = join(dir, 'socket');
    const listening = createServer((socket) => socket.end()).listen(path);
    await once(listening, 'listening');
    const client = connect(path).resume();
    await once(client, 'close');
    listening.close();
    await once(listening, 'close');
  };
  const readSetting = () => void readFileSync('/proc/sys/net/ipv4/ip_forward');
  const openDevice = () => closeSync(openSync('/dev/null', 'r'));

  it.each([
    ['cgroup_skb/ingress', datagrams],
    ['cgroup_skb/egress', datagrams],
    ['cgroup/skb', datagrams],
    ['cgroup/sock_create', datagrams],
    ['cgroup/sock_release', datagrams],
    ['cgroup/sock', datagrams],
    ['cgroup/post_bind4', datagrams],
    ['cgroup/bind4', datagrams],
    ['cgroup/sendmsg4', datagrams],
    ['cgroup/recvmsg4', datagrams],
    ['cgroup/getsockname4', datagrams],
    ['cgroup/getsockopt', datagrams],
    ['cgroup/setsockopt', datagrams],
    ['cgroup/connect4', connected],
    ['cgroup/getpeername4', connected],
    ['sockops', connected],
    ['cgroup/connect_unix', throughFile],
    ['cgroup/sysctl', readSetting],
    ['cgroup/dev', openDevice],
  ])('%s runs for the processes of the cgroup', async (section, event) => {
    await runsUntilClosed(await program(section, 1), { cgroup }, event);
  });

  it('iterators run for what they are told to go through, when somebody reads', async () => {
    const iterator = async (name: string, options: AttachOptions) => {
      const section = `iter/${name}`;
      const link = await (await program(section, 0, { attach_btf_id: btf.find(`bpf_iter_${name}`, 'func') })).attach(
        options,
      );
      const before = await counted();
      await link.text();
      const runs = Number((await counted()) - before);
      await link.close();
      return runs;
    };
    const beneath = join(cgroup, 'beneath');
    mkdirSync(beneath);
    // Each has one more run, for the end.
    expect(await iterator('cgroup', { only: { cgroup } })).toBe(2);
    expect(await iterator('cgroup', { only: { cgroup, order: 'parents-first' } })).toBe(3);
    expect(await iterator('cgroup', { only: { cgroup, order: 'children-first' } })).toBe(3);
    expect(await iterator('cgroup', { only: { cgroup: beneath, order: 'upwards' } })).toBe(4);
    rmdirSync(beneath);
    expect(await iterator('task', { only: { tid: process.pid } })).toBe(2);
    expect(await iterator('task', { only: { pid: process.pid } })).toBeGreaterThan(2);
    expect(await iterator('task', {})).toBeGreaterThan(await iterator('task', { only: { pid: process.pid } }));
    expect(await iterator('task', { only: { pid: 999_999_999 } })).toBe(1);
  });

  it.each([
    'fentry/bpf_fentry_test1',
    'fexit/bpf_fentry_test1',
    'lsm/file_open',
    'lsm_cgroup/file_open',
    'lsm_cgroup/socket_post_create',
    'tp_btf/bpf_test_finish',
  ])('%s is attached, or a security module is in the way', async (section) => {
    const { attachTo, type } = sectionMeaning(section);
    const hook = `bpf_lsm_${attachTo}`;
    const names = { tp_btf: `btf_trace_${attachTo}`, lsm: hook, lsm_cgroup: hook };
    const name = names[section.split('/')[0] as keyof typeof names] ?? attachTo;
    const id = btf.find(name, section.startsWith('tp_btf') ? 'typedef' : 'func');
    const typed = await program(section, section.startsWith('lsm_c') ? 1 : 0, { attach_btf_id: id }).catch(
      (error: Error) => error,
    );
    if (typed instanceof Error) {
      expect(typed.message).toContain('a security module or a seccomp filter is in the way');
      return;
    }
    const event = section.includes('socket') ? datagrams : type === C.BPF_PROG_TYPE_LSM ? openDevice : testRun;
    if (section.startsWith('f')) await (await typed.attach()).close();
    else await runsUntilClosed(typed, { cgroup }, event);
  });

  it.each([
    ['xdp', 2, { device: 'two' }, () => sendOut()],
    ['tcx/ingress', 0, { device: 'two' }, () => sendOut()],
    ['cgroup/dev', 1, {}, openDevice],
    [`uprobe/PROBED:called`, 0, {}, runProbed],
    ['tp/bpf_test_run/bpf_test_finish', 0, {}, testRun],
  ] as const)(
    '%s is attached the old way where the kernel knows no such link',
    async (section, answer, more, event) => {
      const older: Kernel = Object.create(kernel, {
        bpf: {
          value: (command: never, attr: never) =>
            command === 'LINK_CREATE'
              ? Promise.reject(new BpfError('BPF_LINK_CREATE', EINVAL))
              : kernel.bpf(command, attr),
        },
      });
      const counting = await program(section.replace('PROBED', probed), answer, {}, older);
      const options = { cgroup, ...more };
      await runsUntilClosed(counting, options, event);
      const link = await counting.attach(options);
      await expect(link.info()).rejects.toThrow(UnsupportedError);
      await link.close();
      // What only a link can do is refused as the kernel refused it.
      const flags = section.startsWith('tp') || section.startsWith('uprobe') ? { cookie: 1n } : { flags: 8 };
      await expect(counting.attach({ ...options, ...flags })).rejects.toMatchObject({ code: 'EINVAL' });
    },
  );
});
