/** perf_event_open(2) and attaching a program to what it opened. */
import { EEXIST, EINVAL, ENOENT } from '../base/errno.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { PerfEventSpec } from '../sys/index.ts';
import {
  BPF_PROG_TYPE_KPROBE,
  BPF_PROG_TYPE_PERF_EVENT,
  BPF_PROG_TYPE_TRACEPOINT,
} from '../uapi/generated/constants.ts';
import type { Client } from './client.ts';
import type { AttachPoint } from './hooks/attach-point.ts';
import type { HookTable } from './hooks/hook-table.ts';
import { PerfEvent } from './objects/perf-event.ts';
import type { LoadedProg } from './objects/prog.ts';

/** PERF_TYPE_SOFTWARE, and the counters of it that can be had: the two clocks. */
const PERF_TYPE_SOFTWARE = 1;
const CLOCKS: ReadonlySet<bigint> = new Set([0n, 1n]);
const SYMBOL = /^[A-Za-z_][\w.$]*$/;

/** A descriptor, or -errno. */
export function openPerfEvent(client: Client, event: PerfEventSpec): number {
  const hook = hookOf(client.core.hooks, event);
  return typeof hook === 'number' ? hook : client.fds.install(new PerfEvent(event, undefined, hook));
}

function hookOf(hooks: HookTable, event: PerfEventSpec): AttachPoint | number {
  switch (event.kind) {
    case 'tracepoint': {
      const hook = hooks.tracepoint(event.category, event.name);
      if (hook) return hook;
      throw new UnsupportedError(`tracepoint ${event.category}:${event.name}`, {
        hint: 'the embedded kernel has syscalls:sys_enter_* and sys_exit_*, raw_syscalls:*, sched:sched_process_*',
      });
    }
    case 'kprobe':
    case 'kretprobe':
      if (!SYMBOL.test(event.symbol)) return -ENOENT;
      if (event.offset) throw new UnsupportedError(`a ${event.kind} inside of a function`);
      return event.kind === 'kprobe' ? hooks.kprobe(event.symbol) : hooks.kretprobe(event.symbol);
    case 'uprobe':
    case 'uretprobe':
      throw new UnsupportedError(event.kind, { hint: 'the embedded kernel does not see into processes' });
    case 'event':
      // Hardware counters answer as in a virtual machine without any.
      if (event.type !== PERF_TYPE_SOFTWARE || !CLOCKS.has(event.config)) return -ENOENT;
      if (!event.sampleFreq && !event.samplePeriod) return -EINVAL;
      return hooks.sampling(event);
  }
}

/** The program type that an event's hook runs. */
const PROG_TYPES: Readonly<Record<PerfEventSpec['kind'], number>> = {
  tracepoint: BPF_PROG_TYPE_TRACEPOINT,
  kprobe: BPF_PROG_TYPE_KPROBE,
  kretprobe: BPF_PROG_TYPE_KPROBE,
  uprobe: BPF_PROG_TYPE_KPROBE,
  uretprobe: BPF_PROG_TYPE_KPROBE,
  event: BPF_PROG_TYPE_PERF_EVENT,
};

/** PERF_EVENT_IOC_SET_BPF: 0 or -errno. */
export function attachPerfEvent(client: Client, eventFd: number, progFd: number): number {
  const event = client.object('perf_event', eventFd);
  if (typeof event === 'number') return event;
  const prog = client.object('prog', progFd);
  if (typeof prog === 'number') return prog;
  const error = mayAttach(event, prog);
  if (error === 0) event.attach(prog, 0n, 0);
  return error;
}

/** Whether a program may be attached to an event: 0 or -errno. */
export function mayAttach(event: PerfEvent, prog: LoadedProg): number {
  if (event.attachment) return -EEXIST;
  if (event.spec.kind === 'output' || PROG_TYPES[event.spec.kind] !== prog.type) return -EINVAL;
  return 0;
}
