/**
 * The trace pipe: one line per bpf_trace_printk, with who, where and when in front, as tracefs prints it.
 *
 *                 bash-1234    [001] ...21  1234.567890: bpf_trace_printk: Hello
 *     comm, 16 wide - pid, 7   CPU   flags  seconds.microseconds
 *
 * Lines wait here until somebody reads them, each goes to one reader: of several that wait, to the one that came last,
 * so that who looks on in another terminal sees what a running command would have printed. When nobody reads, the oldest give way, and
 * their number is told in the kernel's words.
 */

import type { LineReader } from '../../sys/index.ts';
import {
  BPF_PROG_TYPE_CGROUP_SKB,
  BPF_PROG_TYPE_SCHED_ACT,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SOCKET_FILTER,
  BPF_PROG_TYPE_XDP,
} from '../../uapi/generated/constants.ts';
import { Mailbox } from './mailbox.ts';

/** Lines that are kept. */
const CAPACITY = 1 << 14;

/**
 * The column of flags, irqs-off, need-resched, irq context, preempt-depth, migrate-disable: what Linux shows for a
 * program at a probe or tracepoint, and for one that sees packets.
 */
const TRACING_FLAGS = '...21';
const PACKET_FLAGS = 'b..11';
const PACKET_TYPES: ReadonlySet<number> = new Set([
  BPF_PROG_TYPE_SOCKET_FILTER,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SCHED_ACT,
  BPF_PROG_TYPE_XDP,
  BPF_PROG_TYPE_CGROUP_SKB,
]);

/** Where a line came from. `time` is nanoseconds of the monotonic clock. */
export interface TraceOrigin {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  readonly time: bigint;
  readonly progType: number;
}

export class TracePipe {
  #lines: string[] = [];
  /** Index of the oldest line in #lines. */
  #head = 0;
  #lost = 0;
  #lostCpu = 0;
  readonly #readers = new Set<Mailbox<string>>();

  /** The text of one bpf_trace_printk. A newline in it begins a line of its own, as in the kernel. */
  write(origin: TraceOrigin, text: string): void {
    for (const line of (traceHeader(origin) + text).split('\n')) this.#push(line, origin.cpu);
    for (const reader of [...this.#readers].reverse()) reader.wake();
  }

  #push(line: string, cpu: number): void {
    if (this.#lines.length - this.#head >= CAPACITY) {
      this.#head++;
      this.#lost++;
      this.#lostCpu = cpu;
      if (this.#head === CAPACITY) {
        this.#lines = this.#lines.slice(this.#head);
        this.#head = 0;
      }
    }
    this.#lines.push(line);
  }

  /** `fromNow`: without the lines that wait for a reader. */
  open(fromNow = false): LineReader {
    if (fromNow) this.#take();
    const mailbox = new Mailbox(() => this.#take());
    this.#readers.add(mailbox);
    return {
      read: () => mailbox.read(),
      close: async () => {
        this.#readers.delete(mailbox);
        mailbox.close();
      },
      [Symbol.asyncDispose]() {
        return this.close();
      },
    };
  }

  #take(): string[] {
    const lines = this.#head === 0 ? this.#lines : this.#lines.slice(this.#head);
    this.#lines = [];
    this.#head = 0;
    if (this.#lost > 0) lines.unshift(`CPU:${this.#lostCpu} [LOST ${this.#lost} EVENTS]`);
    this.#lost = 0;
    return lines;
  }
}

function traceHeader(origin: TraceOrigin): string {
  // The idle task shows as <idle>, whatever CPU it belongs to.
  const comm = (origin.pid === 0 ? '<idle>' : origin.comm).padStart(16);
  const cpu = String(origin.cpu).padStart(3, '0');
  const flags = PACKET_TYPES.has(origin.progType) ? PACKET_FLAGS : TRACING_FLAGS;
  const micros = origin.time / 1000n;
  const time = `${String(micros / 1_000_000n).padStart(5)}.${String(micros % 1_000_000n).padStart(6, '0')}`;
  return `${comm}-${String(origin.pid).padEnd(7)} [${cpu}] ${flags} ${time}: bpf_trace_printk: `;
}
