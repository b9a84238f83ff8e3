import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../base/errors.ts';
import { type Kernel, unsupported } from '../sys/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { AttachError, type AttachOptions, BpfProgram } from './index.ts';

/** What a kernel was asked for: bpf(2) commands, perf events, socket calls. */
type Asked = [what: string, detail: unknown];

function listeningKernel(): { kernel: Kernel; asked: Asked[] } {
  const asked: Asked[] = [];
  const note = (what: string, answer: unknown) => async (detail: unknown) => {
    asked.push([what, detail]);
    return answer;
  };
  const kernel = {
    bpf: async (command: string, attr: unknown) => {
      asked.push([command, attr]);
      return { ret: 50 };
    },
    perfEventOpen: note('perf_event_open', 40),
    readBinary: unsupported('reading executables', 'this kernel'),
    openCgroup: note('open cgroup', 41),
    openNetns: note('open netns', 42),
    closeFd: note('close', undefined),
    netDevices: async () => [{ ifindex: 7, name: 'eth0' }],
    sockets: {
      attachFilter: note('attach filter', undefined),
      detachFilter: note('detach filter', undefined),
      attachReuseport: note('attach reuseport', undefined),
      detachReuseport: note('detach reuseport', undefined),
    },
  };
  return { kernel: kernel as unknown as Kernel, asked };
}

/** Attaches a program with that section, and answers what the kernel was asked. */
async function attach(section: string, origin: { type: number; attachType?: number }, options: AttachOptions = {}) {
  const { kernel, asked } = listeningKernel();
  const attachTo = section.slice(section.indexOf('/') + 1 || section.length);
  const program = new BpfProgram(kernel, 3, { name: 'p', section, attachType: 0, attachTo, ...origin });
  const link = await program.attach(options);
  return { asked, link };
}

const KPROBE = { type: C.BPF_PROG_TYPE_KPROBE };
const node = { path: process.execPath, readFile: async (path: string) => new Uint8Array(readFileSync(path)) };
const u64s = (...values: bigint[]) => new Uint8Array(new BigUint64Array(values).buffer);

describe('attaching', () => {
  it('finds the function that a uprobe names in its file', async () => {
    const { readFile } = node;
    const { asked } = await attach(`uprobe/${process.execPath}:uv_run+4`, KPROBE, { readFile });
    const { asked: plain } = await attach('uprobe', KPROBE, {
      uprobe: { path: node.path, symbol: 'uv_run' },
      readFile,
    });
    const [first, second] = [asked, plain].map((calls) => calls[0]![1] as { path: string; offset: number });
    expect(first).toMatchObject({ kind: 'uprobe', path: process.execPath });
    expect(first!.offset - second!.offset).toBe(4);
  });

  it('takes a uprobe at an offset without looking at the file', async () => {
    const { asked } = await attach('uretprobe//bin/true:0x40', KPROBE, { uprobe: { pid: 9 } });
    expect(asked[0]).toEqual(['perf_event_open', { kind: 'uretprobe', path: '/bin/true', offset: 0x40, pid: 9 }]);
  });

  it('says what a uprobe lacks', async () => {
    await expect(attach('uprobe', KPROBE)).rejects.toThrow(AttachError);
    await expect(attach('uprobe/libc.so.6', KPROBE)).rejects.toThrow(/say the file, and what in it/);
    await expect(attach('uprobe//bin/true:main', KPROBE)).rejects.toThrow(/attach\(\{ readFile \}\)/);
    const nowhere = attach(`uprobe/${process.execPath}:no_such_function`, KPROBE, { readFile: node.readFile });
    await expect(nowhere).rejects.toThrow(/has no function 'no_such_function'/);
  });

  it('puts a program on many functions of a file with one link', async () => {
    const origin = { ...KPROBE, attachType: C.BPF_TRACE_UPROBE_MULTI };
    const options = { readFile: node.readFile, cookie: 5n };
    const { asked } = await attach(`uretprobe.multi/${process.execPath}:uv_ru?`, origin, options);
    expect(asked[0]).toMatchObject([
      'LINK_CREATE',
      {
        attach_type: C.BPF_TRACE_UPROBE_MULTI,
        uprobe_multi_flags: 1,
        uprobe_multi_cnt: 1,
        uprobe_multi_cookies: u64s(5n),
      },
    ]);
  });

  it('puts a program on many functions of the kernel with one link', async () => {
    const origin = { ...KPROBE, attachType: C.BPF_TRACE_KPROBE_MULTI };
    const { asked } = await attach('kprobe.multi', origin, { functions: ['vfs_read', 'vfs_write'] });
    expect(asked[0]).toMatchObject([
      'LINK_CREATE',
      { kprobe_multi_cnt: 2, kprobe_multi_syms: ['vfs_read', 'vfs_write'], kprobe_multi_flags: 0 },
    ]);
    const { asked: one } = await attach('kretprobe.multi/do_exit', origin);
    expect(one[0]).toMatchObject(['LINK_CREATE', { kprobe_multi_syms: ['do_exit'], kprobe_multi_flags: 1 }]);
    await expect(attach('kprobe.multi', origin)).rejects.toThrow(/the section names no function/);
  });

  it('puts a filter on a socket, and takes it off when the attachment is closed', async () => {
    const filter = { type: C.BPF_PROG_TYPE_SOCKET_FILTER };
    const { asked, link } = await attach('socket', filter, { socket: 12 });
    expect(asked).toEqual([['attach filter', 12]]);
    await expect(link.info()).rejects.toThrow(UnsupportedError);
    await expect(link.pin('/sys/fs/bpf/x')).rejects.toThrow(/has no link/);
    await link.close();
    await link.close();
    expect(asked.slice(1)).toEqual([['detach filter', 12]]);
    await expect(attach('socket', filter)).rejects.toThrow(/say which socket/);
  });

  it.each([
    ['sk_reuseport', { type: C.BPF_PROG_TYPE_SK_REUSEPORT }, { socket: 12 }, ['attach reuseport', 12]],
    ['fentry/x', { type: C.BPF_PROG_TYPE_TRACING }, {}, ['RAW_TRACEPOINT_OPEN', { prog_fd: 3 }]],
    ['freplace/x', { type: C.BPF_PROG_TYPE_EXT }, {}, ['RAW_TRACEPOINT_OPEN', { prog_fd: 3 }]],
    ['lsm/file_open', { type: C.BPF_PROG_TYPE_LSM }, {}, ['RAW_TRACEPOINT_OPEN', { prog_fd: 3 }]],
    ['xdp', { type: C.BPF_PROG_TYPE_XDP }, { device: 'eth0' }, ['LINK_CREATE', { target_fd: 7 }]],
    [
      'netkit/peer',
      { type: C.BPF_PROG_TYPE_SCHED_CLS, attachType: C.BPF_NETKIT_PEER },
      { device: 'eth0' },
      ['LINK_CREATE', { attach_type: C.BPF_NETKIT_PEER }],
    ],
    ['iter/bpf_map', { type: C.BPF_PROG_TYPE_TRACING }, {}, ['LINK_CREATE', { attach_type: C.BPF_TRACE_ITER }]],
  ] as const)('attaches %s where it belongs', async (section, origin, options, expected) => {
    const { asked } = await attach(section, origin, options);
    expect(asked[0]).toMatchObject(expected as unknown as Asked);
  });

  it.each([
    ['syscall', C.BPF_PROG_TYPE_SYSCALL, 'testRun()'],
    ['lwt_in', C.BPF_PROG_TYPE_LWT_IN, 'ip-route(8)'],
    ['usdt//bin/x:a:b', C.BPF_PROG_TYPE_KPROBE, 'include <bpf/usdt.bpf.h>'],
  ])('says what to do with %s instead', async (section, type, hint) => {
    await expect(attach(section, { type })).rejects.toThrow(hint);
  });
});
