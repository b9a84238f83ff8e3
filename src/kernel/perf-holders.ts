/** Who holds programs attached to perf events and raw tracepoints: what `perf show` finds in /proc/PID/fd in Linux. */
import type { PerfHolder } from '../sys/index.ts';
import type { Client } from './client.ts';
import { Kprobe } from './hooks/kprobe.ts';
import { Link } from './objects/link.ts';
import type { KernelObject } from './objects/object.ts';
import { PerfEvent } from './objects/perf-event.ts';

/** What a descriptor stands for, in the words of TASK_FD_QUERY. */
export type AttachedEvent = Pick<PerfHolder, 'progId' | 'kind' | 'target' | 'offset' | 'addr'>;

/** Undefined for a descriptor that is no such thing, or to which no program is attached. */
export function attachedEvent(object: KernelObject): AttachedEvent | undefined {
  if (object instanceof Link && object.target.rawTracepoint !== undefined) {
    const target = object.target.rawTracepoint;
    return { progId: object.prog.id, kind: 'raw_tracepoint', target, offset: 0n, addr: 0n };
  }
  if (!(object instanceof PerfEvent) || object.attachment === undefined) return undefined;
  const progId = object.attachment.prog.id;
  const { spec, hook } = object;
  switch (spec.kind) {
    case 'tracepoint':
      return { progId, kind: 'tracepoint', target: spec.name, offset: 0n, addr: 0n };
    case 'kprobe':
    case 'kretprobe': {
      const addr = hook instanceof Kprobe ? hook.address : 0n;
      return { progId, kind: spec.kind, target: spec.symbol, offset: 0n, addr };
    }
    default:
      return undefined;
  }
}

export function perfHolders(clients: Iterable<Client>): PerfHolder[] {
  const found: PerfHolder[] = [];
  for (const { pid, fds } of clients) {
    for (const [fd, { object }] of fds.entries()) {
      const event = attachedEvent(object);
      if (event) found.push({ pid, fd, ...event });
    }
  }
  return found.sort((a, b) => a.pid - b.pid || a.fd - b.fd);
}
