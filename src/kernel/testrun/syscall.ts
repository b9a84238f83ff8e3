/**
 * Test-run of system call programs, which is how they run at all: `ctx_in` is the context, once, and what the program
 * made of it is written back there, as in Linux.
 */
import { EINVAL, ENOMEM } from '../../base/errno.ts';
import { finish, repeated, type TestRun } from './input-output.ts';

/** The verifier lets programs reach so far into their context, whatever they will be given. */
const CONTEXT_SIZE = 1 << 16;

export const testSyscall: TestRun = (client, prog, attr) => {
  if (attr.data_in || attr.data_out || attr.ctx_out || attr.repeat || attr.flags || attr.batch_size) return -EINVAL;
  const given = attr.ctx_in;
  if ((given?.length ?? 0) >= CONTEXT_SIZE) return -EINVAL;
  const { mem, execution } = client.core;
  const ctx = mem.alloc(CONTEXT_SIZE, 16);
  if (ctx === 0) return -ENOMEM;
  try {
    if (given) mem.write(ctx, given);
    const { task } = client;
    const run = repeated(client, 1, (times) => execution.start(prog, ctx, { task, cpu: task.cpu }, times));
    given?.set(mem.read(ctx, given.length));
    return finish(attr, run, undefined, undefined);
  } finally {
    mem.free(ctx);
  }
};
