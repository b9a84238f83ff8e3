import { describe, expect, test } from 'vitest';
import { recordingKernel } from '../../../test/support/traced-kernel.ts';
import { cString, view } from '../../base/bytes.ts';
import { SYSCALLS_BY_NAME } from '../../uapi/syscalls.ts';
import { whyNoTracing } from './libc.ts';
import { ProcessSource } from './process-source.ts';

const why = whyNoTracing();

describe.skipIf(why !== null)(`a process tree as a source of events${why ? ` (${why})` : ''}`, () => {
  test('fires what a command reaches, in the context of its task', async () => {
    const kernel = recordingKernel();
    kernel.attach('tracepoint syscalls:sys_enter_openat', 'kprobe do_sys_openat2');
    const { hooks } = kernel;
    const paths: string[] = [];
    const fire = kernel.fired.push.bind(kernel.fired);
    // The path is there only while the thread waits: read it as a program would.
    kernel.fired.push = (...fired) => {
      for (const { record, task } of fired) {
        if (!(record instanceof Uint8Array)) continue;
        const addr = view(record).getBigUint64(24, true);
        const bytes = task.readUser!(addr, Math.min(64, 4096 - Number(addr % 4096n)));
        if (bytes) paths.push(cString(bytes));
      }
      return fire(...fired);
    };
    expect(hooks.attached()).toHaveLength(2);

    const traced = await new ProcessSource(kernel).run({ argv: ['sh', '-c', 'cat /etc/hostname'], stdio: 'pipe' });
    expect(await traced.exited).toEqual({ code: 0, signal: null });
    await traced.gone;
    expect(traced.method).toBe('notify');
    expect(paths).toContain('/etc/hostname');
    const records = kernel.fired.filter((f) => f.hook.startsWith('tracepoint'));
    const probes = kernel.fired.filter((f) => f.hook.startsWith('kprobe'));
    expect(probes).toHaveLength(records.length);
    expect(records.at(-1)!.task).toMatchObject({
      tgid: records.at(-1)!.task.pid,
      uid: process.getuid!(),
      cgroupId: 7n,
    });
  });

  test('the world knows a task’s parents, and forgets it when it ends', async () => {
    const kernel = recordingKernel();
    kernel.attach('tracepoint syscalls:sys_enter_openat');
    const chains: number[][] = [];
    const push = kernel.fired.push.bind(kernel.fired);
    kernel.fired.push = (...fired) => {
      const chain: number[] = [];
      for (let pid: number | undefined = fired[0]!.task.pid; pid; pid = kernel.tasks.get(pid)?.parentPid)
        chain.push(pid);
      chains.push(chain);
      return push(...fired);
    };
    const traced = await new ProcessSource(kernel).run({
      argv: ['sh', '-c', 'cat /etc/hostname; true'],
      stdio: 'pipe',
    });
    await traced.gone;
    const longest = chains.reduce((a, b) => (b.length > a.length ? b : a));
    expect(longest).toContain(traced.pid);
    expect(longest).toContain(process.pid);
    expect(kernel.tasks.has(traced.pid)).toBe(false);
  });

  test('programs attached while the command runs see it, where the request allowed for them', async () => {
    const kernel = recordingKernel();
    const openat = SYSCALLS_BY_NAME.get('openat')!.nr;
    const traced = await new ProcessSource(kernel).run({
      argv: ['sh', '-c', 'echo ready; read x; cat /etc/hostname; echo detached; read x; cat /etc/hostname'],
      stdio: 'pipe',
      later: { enter: [openat], exit: [] },
    });
    const name = 'tracepoint syscalls:sys_enter_openat';
    let before = -1;
    for await (const piece of traced.stdout!) {
      if (String(piece).includes('ready')) kernel.attach(name);
      if (String(piece).includes('detached')) {
        kernel.detach(name);
        before = kernel.fired.length;
      }
      if (/ready|detached/.test(String(piece))) traced.stdin!.write('\n');
    }
    await traced.exited;
    expect(before).toBeGreaterThan(0);
    expect(kernel.fired).toHaveLength(before);
  });

  test('closing lets commands go on untraced, and knows what no command reaches', async () => {
    const kernel = recordingKernel();
    const source = new ProcessSource(kernel);
    kernel.attach('kprobe vfs_read', 'tracepoint syscalls:sys_enter_openat');
    expect(source.unreachable()).toEqual(['kprobe vfs_read']);
    const traced = await source.run({ argv: ['sh', '-c', 'read x; cat /etc/hostname'], stdio: 'pipe' });
    source.close();
    await traced.gone;
    const before = kernel.fired.length;
    traced.stdin!.end('\n');
    let out = '';
    for await (const piece of traced.stdout!) out += piece;
    expect(out).not.toBe('');
    expect(kernel.fired).toHaveLength(before);
  });

  test('ends of calls are seen by ptrace, chosen by itself', async () => {
    const kernel = recordingKernel();
    kernel.attach(
      'tracepoint syscalls:sys_exit_openat',
      'tracepoint sched:sched_process_exec',
      'kretprobe do_sys_openat2',
    );
    const traced = await new ProcessSource(kernel).run({ argv: ['cat', '/etc/hostname'], stdio: 'pipe' });
    await traced.gone;
    expect(traced.method).toBe('ptrace');
    expect(kernel.fired[0]).toMatchObject({
      hook: 'tracepoint sched:sched_process_exec',
      record: { filename: expect.stringMatching(/\/cat$/) },
      task: { comm: 'cat' },
    });
    expect(kernel.fired.filter((f) => f.hook.startsWith('kretprobe')).at(-1)!.regs!.ax).toBeGreaterThan(0n);
  });
});
