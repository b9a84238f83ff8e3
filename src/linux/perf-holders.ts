/** Which process holds a program on a perf event: every /proc/PID/fd, asked with TASK_FD_QUERY (Linux 4.18). */
import { readdir, readlink } from 'node:fs/promises';
import { cString } from '../base/bytes.ts';
import { BpfError } from '../base/errors.ts';
import type { Kernel, PerfHolder } from '../sys/index.ts';

/** enum bpf_task_fd_type. */
const KINDS: readonly PerfHolder['kind'][] = [
  'raw_tracepoint',
  'tracepoint',
  'kprobe',
  'kretprobe',
  'uprobe',
  'uretprobe',
];
const NAME_ROOM = 4096;

export async function perfHolders(kernel: Pick<Kernel, 'bpf'>): Promise<PerfHolder[]> {
  const found: PerfHolder[] = [];
  for (const pid of await numbers('/proc')) {
    for (const fd of await numbers(`/proc/${pid}/fd`)) {
      // Only these two kinds of descriptor can answer; the rest is not worth a system call.
      const file = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (!/perf_event|bpf-raw-tracepoint|bpf_link/.test(file)) continue;
      const holder = await ask(kernel, pid, fd);
      if (holder) found.push(holder);
    }
  }
  return found;
}

async function ask(kernel: Pick<Kernel, 'bpf'>, pid: number, fd: number): Promise<PerfHolder | undefined> {
  try {
    const r = await kernel.bpf('TASK_FD_QUERY', { pid, fd, buf: NAME_ROOM });
    const kind = KINDS[r.fd_type];
    if (kind === undefined) return undefined;
    return { pid, fd, progId: r.prog_id, kind, target: cString(r.buf), offset: r.probe_offset, addr: r.probe_addr };
  } catch (e) {
    // No program on it, closed meanwhile, or another user's: not a holder.
    if (e instanceof BpfError && e.code !== 'EPERM') return undefined;
    throw e;
  }
}

/** Names of a directory that are numbers, ascending; none where it is gone or not ours to read. */
async function numbers(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((n) => /^\d+$/.test(n))
    .map(Number)
    .sort((a, b) => a - b);
}
