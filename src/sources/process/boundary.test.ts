import { expect, test } from 'vitest';
import { recordingKernel } from '../../../test/support/traced-kernel.ts';
import { view } from '../../base/bytes.ts';
import type { WorldTask } from '../../kernel/index.ts';
import { SYSCALLS, SYSCALLS_BY_NAME } from '../../uapi/syscalls.ts';
import { Boundary } from './boundary.ts';
import { BOUNDARY_FUNCTIONS } from './boundary-functions.ts';
import type { SyscallEvent, TracedTask } from './event.ts';

const task = { pid: 12, comm: 'cat', addr: 4096 } as WorldTask;
const nr = (name: string) => SYSCALLS_BY_NAME.get(name)!.nr;

/** A traced task whose user memory is `memory`, from address 0x1000 on. */
function traced(memory: Uint8Array = new Uint8Array()): TracedTask {
  return {
    pid: 12,
    readUser(addr: bigint, size: number) {
      const at = Number(addr) - 0x1000;
      return at < 0 || at + size > memory.length ? null : memory.slice(at, at + size);
    },
  } as TracedTask;
}

function event(phase: 'enter' | 'exit', name: string, args: bigint[], more: Partial<SyscallEvent> = {}): SyscallEvent {
  const all = new BigUint64Array(6);
  all.set(args.map((arg) => BigInt.asUintN(64, arg)));
  return { phase, nr: nr(name), args: all, ip: 0x401000n, ret: 0n, task: traced(), ...more };
}

function boundary(...names: string[]) {
  const kernel = recordingKernel();
  kernel.attach(...names);
  const it = new Boundary(kernel.hooks);
  return { kernel, it, plan: it.plan() };
}

test('only the calls that reach a program are observed, and ends only where somebody looks at them', () => {
  const { plan } = boundary('tracepoint syscalls:sys_enter_openat', 'kretprobe __x64_sys_close', 'kprobe ksys_read');
  expect(new Set(plan.enter)).toEqual(new Set([nr('openat'), nr('read')]));
  expect(plan.exit).toEqual([nr('close')]);
});

test('a program on every call observes every call', () => {
  expect(boundary('raw_tracepoint sys_enter').plan).toEqual({ enter: [...SYSCALLS.keys()], exit: [] });
  expect(boundary('tracepoint raw_syscalls:sys_exit').plan.exit).toHaveLength(SYSCALLS.size);
});

test('names what no system call reaches, instead of staying silent', () => {
  const { it } = boundary(
    'kprobe vfs_read',
    'kprobe do_sys_openat2',
    'raw_tracepoint sched_process_exec',
    'kprobe __x64_sys_no',
  );
  expect(new Set(it.unreachable())).toEqual(
    new Set(['kprobe vfs_read', 'raw_tracepoint sched_process_exec', 'kprobe __x64_sys_no']),
  );
});

test('a sys_enter record has the number at 8 and eight bytes per argument from 16 on', () => {
  const { kernel, it } = boundary('tracepoint syscalls:sys_enter_openat');
  it.fire(task, event('enter', 'openat', [-100n, 0x7ffe_0000_1000n, 0x80000n, 0n, 99n]));
  const record = kernel.fired[0]!.record as Uint8Array;
  expect(record).toHaveLength(16 + 4 * 8);
  const v = view(record);
  expect(v.getInt32(8, true)).toBe(257);
  expect(v.getBigInt64(16, true)).toBe(-100n);
  expect(v.getBigUint64(24, true)).toBe(0x7ffe_0000_1000n);
  expect(v.getBigUint64(32, true)).toBe(0x80000n);
});

test('a sys_exit record has the result at 16', () => {
  const { kernel, it } = boundary('tracepoint syscalls:sys_exit_openat', 'tracepoint raw_syscalls:sys_exit');
  it.fire(task, event('exit', 'openat', [1n], { ret: -2n }));
  expect(kernel.fired.map((f) => f.hook)).toEqual([
    'tracepoint syscalls:sys_exit_openat',
    'tracepoint raw_syscalls:sys_exit',
  ]);
  for (const { record } of kernel.fired) {
    expect(record).toHaveLength(24);
    expect(view(record as Uint8Array).getBigInt64(16, true)).toBe(-2n);
  }
});

test('raw tracepoints and __x64_sys_* get the registers of user space', () => {
  const { kernel, it } = boundary('raw_tracepoint sys_enter', 'kprobe __x64_sys_openat', 'raw_tracepoint sys_exit');
  it.fire(task, event('enter', 'openat', [3n, 4n, 5n, 6n]));
  it.fire(task, event('exit', 'openat', [3n, 4n, 5n, 6n], { ret: 7n }));
  const regs = { di: 3n, si: 4n, dx: 5n, r10: 6n, r8: 0n, r9: 0n, orig_ax: 257n, ip: 0x401000n, cs: 0x33n };
  expect(kernel.fired[0]).toMatchObject({
    hook: 'raw_tracepoint sys_enter',
    args: [{ regs: { ...regs, ax: -38n } }, 257n],
  });
  expect(kernel.fired[1]).toMatchObject({ hook: 'kprobe __x64_sys_openat', args: [{ regs }] });
  expect(kernel.fired[2]).toMatchObject({ hook: 'raw_tracepoint sys_exit', args: [{ regs: { ...regs, ax: 7n } }, 7n] });
});

test.each([
  ['open', [0x1000n, 0x241n, 0o644n], [0xffffff9cn, 0x1000n], [0x8241n, 0o644n, 0n]],
  ['open', [0x1000n, 0n, 0o644n], [0xffffff9cn, 0x1000n], [0x8000n, 0n, 0n]],
  ['creat', [0x1000n, 0o7777n], [0xffffff9cn, 0x1000n], [0x8241n, 0o7777n, 0n]],
  ['openat', [5n, 0x1000n, 0x80000n, 0n], [5n, 0x1000n], [0x88000n, 0n, 0n]],
  ['openat', [5n, 0x1000n, 0x200001n, 0n], [5n, 0x1000n], [0x200000n, 0n, 0n]], // O_PATH keeps few others
])('%s reaches do_sys_openat2 with its directory, path and struct open_how', (name, args, numbers, how) => {
  const { kernel, it } = boundary('kprobe do_sys_openat2');
  it.fire(task, event('enter', name, args));
  const [dfd, path, third] = kernel.fired[0]!.args!;
  expect([dfd, path]).toEqual(numbers);
  expect([...new BigUint64Array((third as { bytes: Uint8Array }).bytes.buffer)]).toEqual(how);
});

test('openat2 passes its own open_how on, and does not get there without a readable one', () => {
  const { kernel, it } = boundary('kprobe do_sys_openat2');
  const how = new Uint8Array(BigUint64Array.of(1n, 2n, 3n).buffer);
  it.fire(task, event('enter', 'openat2', [5n, 0x99n, 0x1000n, 24n], { task: traced(how) }));
  it.fire(task, event('enter', 'openat2', [5n, 0x99n, 0x5000n, 24n], { task: traced(how) }));
  it.fire(task, event('enter', 'openat2', [5n, 0x99n, 0x1000n, 8n], { task: traced(how) }));
  expect(kernel.fired).toHaveLength(1);
  expect(kernel.fired[0]!.args).toEqual([5n, 0x99n, { bytes: how }]);
});

test('hooks fire from outside in, and back from inside out', () => {
  const names = ['kprobe do_sys_openat2', 'kprobe __x64_sys_openat', 'tracepoint syscalls:sys_enter_openat'];
  const ends = ['tracepoint syscalls:sys_exit_openat', 'kretprobe __x64_sys_openat', 'kretprobe do_sys_openat2'];
  const { kernel, it } = boundary(...names, ...ends);
  it.fire(task, event('enter', 'openat', []));
  it.fire(task, event('exit', 'openat', []));
  expect(kernel.fired.map((f) => f.hook)).toEqual([...names.reverse(), ...ends.reverse()]);
});

test('a kretprobe gets what the call answered', () => {
  const { kernel, it } = boundary('kretprobe do_sys_openat2');
  it.fire(task, event('exit', 'openat', [], { ret: 3n }));
  expect(kernel.fired[0]).toMatchObject({ hook: 'kretprobe do_sys_openat2', regs: { ax: 3n } });
});

test('sched_process_exec fires when execve succeeded, with the path it was given', () => {
  const { kernel, it } = boundary('tracepoint sched:sched_process_exec');
  const memory = Buffer.from('/bin/cat\0'.padEnd(4096, 'x'));
  for (const ret of [-2n, 0n]) {
    it.fire(task, event('enter', 'execve', [0x1000n], { task: traced(memory) }));
    it.fire(task, event('exit', 'execve', [0x1000n], { ret, task: traced() }));
  }
  expect(kernel.fired.map((f) => f.record)).toEqual([{ filename: '/bin/cat', pid: 12, old_pid: 12 }]);
});

test('sched_process_fork fires in the parent, sched_process_exit when a thread makes its last call', () => {
  const { kernel, it } = boundary('tracepoint sched:sched_process_fork', 'tracepoint sched:sched_process_exit');
  it.fire(task, event('exit', 'clone', [], { ret: 13n }));
  it.fire(task, event('exit', 'clone', [], { ret: 0n }));
  it.fire(task, event('exit', 'clone3', [], { ret: -11n }));
  it.taskEnds(task, true);
  expect(kernel.fired.map((f) => f.record)).toEqual([
    { parent_comm: 'cat', parent_pid: 12, child_comm: 'cat', child_pid: 13n },
    { comm: 'cat', pid: 12, prio: 120, group_dead: true },
  ]);
});

test('every boundary function names calls that exist', () => {
  for (const calls of Object.values(BOUNDARY_FUNCTIONS)) {
    for (const [name, argumentsOf] of Object.entries(calls)) {
      const call = SYSCALLS_BY_NAME.get(name);
      expect(call, name).toBeDefined();
      expect(argumentsOf(new BigUint64Array(6), traced())?.length ?? 0).toBeLessThanOrEqual(6);
    }
  }
});
