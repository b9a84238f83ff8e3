/**
 * Test-run of programs at probes and tracepoints: `ctx_in` is the context. Linux has this for raw tracepoints only;
 * for kprobes, tracepoints and perf events it answers ENOTSUPP, and here they can be tested all the same.
 */
import { EINVAL, ENOMEM, ENXIO } from '../../base/errno.ts';
import type { Attr } from '../../uapi/commands.ts';
import { BPF_F_TEST_RUN_ON_CPU } from '../../uapi/flags.ts';
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import type { Client } from '../client.ts';
import { RAW_CONTEXT_SIZE } from '../hooks/raw-tracepoint.ts';
import type { LoadedProg } from '../objects/prog.ts';
import type { Answer } from '../syscall/handler.ts';
import { finish, repeated, type TestRun } from './input-output.ts';

/** Room that a tracing program always finds: registers, a record of any tracepoint. */
const CONTEXT_SIZE = Math.max(LAYOUTS.bpf_perf_event_data.size, 256);
const MAX_CONTEXT = 1 << 16;

export const testRawTracepoint: TestRun = (client, prog, attr) => {
  if (attr.data_in || attr.data_out || attr.ctx_out || attr.repeat || attr.batch_size) return -EINVAL;
  const size = attr.ctx_in?.length ?? 0;
  if (size > RAW_CONTEXT_SIZE) return -EINVAL;
  const cpu = cpuOf(client, attr);
  return cpu < 0 ? cpu : runOn(client, prog, attr, cpu, RAW_CONTEXT_SIZE);
};

export const testTracing: TestRun = (client, prog, attr) => {
  if (attr.data_in?.length || attr.data_out || attr.batch_size) return -EINVAL;
  if ((attr.ctx_in?.length ?? 0) > MAX_CONTEXT) return -EINVAL;
  const cpu = cpuOf(client, attr);
  return cpu < 0 ? cpu : runOn(client, prog, attr, cpu, Math.max(CONTEXT_SIZE, attr.ctx_in?.length ?? 0));
};

function cpuOf(client: Client, attr: Attr<'PROG_TEST_RUN'>): number {
  const cpu = attr.cpu ?? 0;
  if (((attr.flags ?? 0) & BPF_F_TEST_RUN_ON_CPU) === 0) return cpu === 0 ? client.task.cpu : -EINVAL;
  return cpu >= client.core.cpus ? -ENXIO : cpu;
}

function runOn(
  client: Client,
  prog: LoadedProg,
  attr: Attr<'PROG_TEST_RUN'>,
  cpu: number,
  size: number,
): Answer<'PROG_TEST_RUN'> {
  const { mem, execution } = client.core;
  const ctx = mem.alloc(size, 16);
  if (ctx === 0) return -ENOMEM;
  try {
    if (attr.ctx_in) mem.write(ctx, attr.ctx_in);
    const run = repeated(client, attr.repeat, (times) => execution.start(prog, ctx, { task: client.task, cpu }, times));
    return finish(attr, run, undefined, mem.read(ctx, attr.ctx_in?.length ?? 0));
  } finally {
    mem.free(ctx);
  }
}
