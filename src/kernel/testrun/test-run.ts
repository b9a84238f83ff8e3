/**
 * BPF_PROG_TEST_RUN: runs a program on data that the caller gives. Linux has it for 15 program types; here every type
 * that can be attached has one, and for those that Linux lacks, `ctx_in` is the context's bytes.
 */
import { UnsupportedError } from '../../base/errors.ts';
import {
  BPF_PROG_TYPE_CGROUP_SKB,
  BPF_PROG_TYPE_KPROBE,
  BPF_PROG_TYPE_LWT_IN,
  BPF_PROG_TYPE_LWT_OUT,
  BPF_PROG_TYPE_LWT_XMIT,
  BPF_PROG_TYPE_PERF_EVENT,
  BPF_PROG_TYPE_RAW_TRACEPOINT,
  BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  BPF_PROG_TYPE_SCHED_ACT,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SOCKET_FILTER,
  BPF_PROG_TYPE_SYSCALL,
  BPF_PROG_TYPE_TRACEPOINT,
  BPF_PROG_TYPE_XDP,
} from '../../uapi/generated/constants.ts';
import type { Handler } from '../syscall/handler.ts';
import type { TestRun } from './input-output.ts';
import { testSkb } from './skb.ts';
import { testSyscall } from './syscall.ts';
import { testRawTracepoint, testTracing } from './tracing.ts';
import { testXdp } from './xdp.ts';

const BY_TYPE: ReadonlyMap<number, TestRun> = new Map<number, TestRun>([
  [BPF_PROG_TYPE_XDP, testXdp],
  [BPF_PROG_TYPE_SCHED_CLS, testSkb],
  [BPF_PROG_TYPE_SCHED_ACT, testSkb],
  [BPF_PROG_TYPE_SOCKET_FILTER, testSkb],
  [BPF_PROG_TYPE_CGROUP_SKB, testSkb],
  [BPF_PROG_TYPE_LWT_IN, testSkb],
  [BPF_PROG_TYPE_LWT_OUT, testSkb],
  [BPF_PROG_TYPE_LWT_XMIT, testSkb],
  [BPF_PROG_TYPE_RAW_TRACEPOINT, testRawTracepoint],
  [BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, testRawTracepoint],
  [BPF_PROG_TYPE_KPROBE, testTracing],
  [BPF_PROG_TYPE_TRACEPOINT, testTracing],
  [BPF_PROG_TYPE_PERF_EVENT, testTracing],
  [BPF_PROG_TYPE_SYSCALL, testSyscall],
]);

export const progTestRun: Handler<'PROG_TEST_RUN'> = (client, attr) => {
  const prog = client.object('prog', attr.prog_fd ?? 0);
  if (typeof prog === 'number') return prog;
  const run = BY_TYPE.get(prog.type);
  if (run === undefined) throw new UnsupportedError(`test-run of program type ${prog.type}`);
  const { execution } = client.core;
  execution.unsupported = undefined;
  const answer = run(client, prog, attr);
  if (execution.unsupported !== undefined) throw execution.unsupported;
  return answer;
};
