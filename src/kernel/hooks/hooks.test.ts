import { describe, expect, it } from 'vitest';
import { acceptAll } from '../../../test/support/accept-all.ts';
import { assemble, encode } from '../../isa/index.ts';
import { Bpf, type Fd, type PerfEventSpec } from '../../sys/index.ts';
import { createKernel } from '../index.ts';

const KPROBE = 2;
const SCHED_CLS = 3;
const TRACEPOINT = 5;
const XDP = 6;
const PERF_EVENT = 7;
const CGROUP_SKB = 8;
const RAW_TRACEPOINT = 17;
const BPF_TCX_INGRESS = 46;
const KEY = new Uint8Array(4);

async function scene() {
  const kernel = createKernel({ verify: acceptAll, cpus: 2 });
  const bpf = new Bpf(kernel.open({ pid: 77, comm: 'test' }));
  // A program says what it saw by storing r0 in this array's first element.
  const seen = await bpf.mapCreate({ map_type: 2, key_size: 4, value_size: 8, max_entries: 1 });
  const task = kernel.world.tasks.upsert({ pid: 42, comm: 'cat', uid: 1000, cpu: 1 });
  return {
    kernel,
    bpf,
    task,
    /** `text` leaves in r0 what is to be seen. */
    async prog(type: number, text: string, more = {}): Promise<Fd> {
      const store = `r2 = map[fd:${seen}][0]+0\n*(u64 *)(r2 + 0) = r0\nexit`;
      const insns = encode(assemble(`${text}\n${store}`));
      return (await bpf.progLoad({ prog_type: type, insns, license: 'GPL', ...more })).fd;
    },
    async seen(): Promise<bigint> {
      const value = await bpf.mapLookup(seen, KEY, 8);
      return new DataView(value!.buffer, value!.byteOffset).getBigInt64(0, true);
    },
    async attach(event: PerfEventSpec, prog: Fd): Promise<Fd> {
      const fd = await bpf.kernel.perfEventOpen(event);
      await bpf.kernel.perfEventAttach(fd, prog);
      return fd;
    },
  };
}

describe('tracepoints', () => {
  it('a program sees the record of a system call as the kernel lays it out', async () => {
    const s = await scene();
    const hook = s.kernel.hooks.tracepoint('syscalls', 'sys_enter_openat')!;
    expect(hook.fields.map(({ name, offset, size }) => [name, offset, size])).toEqual([
      ['common_type', 0, 2],
      ['common_flags', 2, 1],
      ['common_preempt_count', 3, 1],
      ['common_pid', 4, 4],
      ['__syscall_nr', 8, 4],
      ['dfd', 16, 8],
      ['filename', 24, 8],
      ['flags', 32, 8],
      ['mode', 40, 8],
    ]);
    await s.attach(
      { kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_openat' },
      await s.prog(TRACEPOINT, 'r0 = *(u64 *)(r1 + 32)'),
    );
    expect(hook.attached).toBe(true);
    hook.fire(s.task, { __syscall_nr: 257, dfd: -100, filename: 0x7fff0000n, flags: 0o2000000 });
    expect(await s.seen()).toBe(0o2000000n);
  });

  it('the kernel fills in type and pid', async () => {
    const s = await scene();
    const hook = s.kernel.hooks.tracepoint('raw_syscalls', 'sys_exit')!;
    await s.attach(
      { kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_exit' },
      await s.prog(TRACEPOINT, 'r0 = *(u64 *)(r1 + 0)'),
    );
    hook.fire(s.task, new Uint8Array(24).fill(0xff));
    expect(await s.seen()).toBe((42n << 32n) | BigInt(hook.id));
  });

  it('texts stand behind the record', async () => {
    const s = await scene();
    const hook = s.kernel.hooks.tracepoint('sched', 'sched_process_exec')!;
    const text = 'r2 = *(u16 *)(r1 + 8)\nr1 += r2\nr0 = *(u8 *)(r1 + 5)';
    await s.attach(
      { kind: 'tracepoint', category: 'sched', name: 'sched_process_exec' },
      await s.prog(TRACEPOINT, text),
    );
    hook.fire(s.task, { filename: '/bin/sh', pid: 42, old_pid: 42 });
    expect(await s.seen()).toBe(BigInt('s'.charCodeAt(0)));
  });

  it('one that nobody could fire is refused by name', async () => {
    const s = await scene();
    const event = { kind: 'tracepoint', category: 'sched', name: 'sched_switch' } as const;
    await expect(s.bpf.kernel.perfEventOpen(event)).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining('sched:sched_switch'),
    });
  });
});

describe('kprobes', () => {
  it('a program gets registers, and pointers to what the function got', async () => {
    const s = await scene();
    // do_sys_openat2(dfd, filename, how): the third argument points to kernel memory.
    const prog = await s.prog(KPROBE, 'r1 = *(u64 *)(r1 + 96)\nr0 = *(u64 *)(r1 + 0)');
    await s.attach({ kind: 'kprobe', symbol: 'do_sys_openat2' }, prog);
    const how = new Uint8Array(BigUint64Array.from([0o101n, 0o644n, 0n]).buffer);
    s.kernel.hooks.kprobe('do_sys_openat2').fire(s.task, {}, [-100n, 0x1000n, { bytes: how }]);
    expect(await s.seen()).toBe(0o101n);
  });

  it('x86 system calls take their registers behind a pointer', async () => {
    const s = await scene();
    const prog = await s.prog(KPROBE, 'r1 = *(u64 *)(r1 + 112)\nr0 = *(u64 *)(r1 + 104)');
    await s.attach({ kind: 'kprobe', symbol: '__x64_sys_openat' }, prog);
    s.kernel.hooks.kprobe('__x64_sys_openat').fire(s.task, {}, [{ regs: { si: 0xabcn } }]);
    expect(await s.seen()).toBe(0xabcn);
  });

  it('a return probe sees the answer', async () => {
    const s = await scene();
    await s.attach({ kind: 'kretprobe', symbol: 'do_sys_openat2' }, await s.prog(KPROBE, 'r0 = *(u64 *)(r1 + 80)'));
    s.kernel.hooks.kretprobe('do_sys_openat2').fire(s.task, { ax: -2n });
    expect(await s.seen()).toBe(-2n);
    expect(s.kernel.hooks.kprobe('do_sys_openat2').attached).toBe(false);
  });

  it('bpf_get_func_ip and the cookie of a link', async () => {
    const s = await scene();
    const event = await s.bpf.kernel.perfEventOpen({ kind: 'kprobe', symbol: 'do_exit' });
    const prog = await s.prog(KPROBE, 'r6 = r1\ncall 173\nr7 = r0\nr1 = r6\ncall 174\nr0 += r7');
    const link = await s.bpf.linkCreate({ prog_fd: prog, target_fd: event, attach_type: 41, perf_event_cookie: 5n });
    const hook = s.kernel.hooks.kprobe('do_exit');
    hook.fire(s.task, {});
    expect(BigInt.asUintN(64, await s.seen())).toBe(hook.address + 5n);
    expect((await s.bpf.linkInfo(link)).perf_event).toMatchObject({ type: 'kprobe', func_name: 'do_exit', cookie: 5n });
  });

  it('programs at a hook are found by who holds them', async () => {
    const s = await scene();
    const fd = await s.attach({ kind: 'kprobe', symbol: 'do_sys_openat2' }, await s.prog(KPROBE, 'r0 = 0'));
    expect(await s.bpf.kernel.perfHolders()).toMatchObject([
      { pid: 77, fd, progId: 1, kind: 'kprobe', target: 'do_sys_openat2' },
    ]);
    expect(await s.bpf.taskFdQuery(77, fd)).toMatchObject({ prog_id: 1 });
    await s.bpf.close(fd);
    expect(await s.bpf.kernel.perfHolders()).toEqual([]);
  });
});

it('a raw tracepoint passes its arguments', async () => {
  const s = await scene();
  await s.bpf.rawTracepointOpen(
    'sys_enter',
    await s.prog(RAW_TRACEPOINT, 'r2 = *(u64 *)(r1 + 0)\nr0 = *(u64 *)(r2 + 112)'),
  );
  s.kernel.hooks.rawTracepoint('sys_enter')!.fire(s.task, [{ regs: { di: 9n } }, 257n]);
  expect(await s.seen()).toBe(9n);
});

it('a sampling event tells its period to who fires it', async () => {
  const s = await scene();
  await s.attach(
    { kind: 'event', type: 1, config: 0n, sampleFreq: 100 },
    await s.prog(PERF_EVENT, 'r0 = *(u64 *)(r1 + 128)'),
  );
  const [event] = s.kernel.hooks.perfEvents();
  expect(event).toMatchObject({ periodNs: 10_000_000 });
  event!.fire(s.task, { ip: 0x1234n });
  expect(await s.seen()).toBe(0x1234n);
  await expect(
    s.bpf.kernel.perfEventOpen({ kind: 'event', type: 0, config: 0n, samplePeriod: 1 }),
  ).rejects.toMatchObject({ code: 'ENOENT' });
});

it('a program runs as the task and on the CPU of the event', async () => {
  const s = await scene();
  const text = 'call 14\nr6 = r0\ncall 8\nr6 <<= 8\nr0 += r6'; // pid_tgid << 8 | cpu
  await s.attach({ kind: 'kprobe', symbol: 'do_exit' }, await s.prog(KPROBE, text));
  s.kernel.hooks.kprobe('do_exit').fire(s.task, {});
  expect(await s.seen()).toBe(BigInt.asIntN(64, (((42n << 32n) | 42n) << 8n) + 1n));
});

describe('packets', () => {
  it('XDP answers a verdict and may rewrite', async () => {
    const s = await scene();
    const prog = await s.prog(XDP, 'r2 = *(u32 *)(r1 + 0)\n*(u8 *)(r2 + 0) = 9\nr0 = 1');
    await s.bpf.linkCreate({ prog_fd: prog, target_fd: 1, attach_type: 37 });
    const { verdict, packet } = s.kernel.hooks.xdp(1).run(new Uint8Array(60));
    expect([verdict, packet[0], packet.length]).toEqual([1, 9, 60]);
  });

  it('tcx runs programs in order until one decides', async () => {
    const s = await scene();
    const next = 'r2 = *(u32 *)(r1 + 8)\nr2 += 1\n*(u32 *)(r1 + 8) = r2\nr0 = -1';
    const first = await s.prog(SCHED_CLS, next);
    const attach = (prog_fd: Fd, more = {}) =>
      s.bpf.linkCreate({ prog_fd, target_fd: 1, attach_type: BPF_TCX_INGRESS, ...more });
    await attach(first);
    const drops = await attach(await s.prog(SCHED_CLS, 'r0 = 2'));
    await attach(await s.prog(SCHED_CLS, next), { flags: 8, tcx_relative_fd: first });
    expect(s.kernel.hooks.tcx(1, 'ingress').run(new Uint8Array(60))).toMatchObject({ verdict: 2, mark: 2 });
    await s.bpf.close(drops);
    expect(s.kernel.hooks.tcx(1, 'ingress').run(new Uint8Array(60))).toMatchObject({ verdict: 0, mark: 2 });
    expect((await s.bpf.progQuery({ target_fd: 1, attach_type: BPF_TCX_INGRESS })).prog_cnt).toBe(2);
  });

  it('a socket’s filter says how much of a packet is kept', async () => {
    const s = await scene();
    const detach = s.kernel.attachSocketFilter('s', s.bpf.kernel, await s.prog(1, 'r0 = 20'));
    const hook = s.kernel.hooks.socketFilter('s');
    expect(hook.run(new Uint8Array(60))).toBe(20);
    expect(() => s.kernel.attachSocketFilter('s', s.bpf.kernel, 99)).toThrow(/Bad file descriptor/);
    detach();
    detach();
    expect(hook.run(new Uint8Array(60))).toBe(60);
    const loads = await s.prog(1, 'r6 = r1\nr0 = *(u16 *)skb[12]');
    s.kernel.attachSocketFilter('s', s.bpf.kernel, loads);
    hook.run(new Uint8Array(60).fill(8, 12, 13));
    expect(await s.seen()).toBe(0x800n);
  });

  it('a cgroup’s packet is let through when its programs and its ancestors’ agree', async () => {
    const s = await scene();
    const child = s.kernel.world.cgroups.add('/a/b');
    const [a, b] = [
      await s.bpf.kernel.openCgroup('/sys/fs/cgroup/a'),
      await s.bpf.kernel.openCgroup('/sys/fs/cgroup/a/b'),
    ];
    const pass = await s.prog(CGROUP_SKB, 'r0 = 1');
    const drop = await s.prog(CGROUP_SKB, 'r0 = 0');
    const run = () => s.kernel.hooks.cgroupSkb(child.id, 'ingress').run(new Uint8Array(60)).verdict;
    await s.bpf.progAttach({ target_fd: a, attach_bpf_fd: drop, attach_type: 0, attach_flags: 2 });
    expect(run()).toBe(0);
    await s.bpf.progAttach({ target_fd: b, attach_bpf_fd: pass, attach_type: 0, attach_flags: 2 });
    expect(run()).toBe(0);
    await s.bpf.progDetach({ target_fd: a, attach_bpf_fd: drop, attach_type: 0 });
    expect(run()).toBe(1);
  });
});

it('whoever watches is told what came and went', async () => {
  const s = await scene();
  const told: string[] = [];
  const stop = s.kernel.hooks.onChange((hook) => told.push(`${hook.name} ${hook.attached}`));
  const fd = await s.attach({ kind: 'kprobe', symbol: 'do_exit' }, await s.prog(KPROBE, 'r0 = 0'));
  await s.bpf.close(fd);
  stop();
  expect(told).toEqual(['do_exit true', 'do_exit false']);
});
