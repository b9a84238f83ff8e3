/** Helpers that print from an iterator: bpf_seq_printf and bpf_seq_write. */
import { EOVERFLOW } from '../base/errno.ts';
import type { Helper, HelperEnv } from './helper.ts';
import { argumentsAt, formatAt, print } from './print.ts';

function write({ run }: HelperEnv, bytes: Uint8Array): number {
  return run.sequence?.write(bytes) ? 0 : -EOVERFLOW;
}

export const seq_printf: Helper = {
  args: 'iiiii',
  ret: 'int',
  bind: (env) => (_seq, format, formatSize, data, dataSize) => {
    const args = argumentsAt(env.mem, data! >>> 0, dataSize! >>> 0);
    if (typeof args === 'number') return args;
    const room = (env.run.sequence?.room ?? 0) + 2; // one too long to fit, with its zero
    const printed = print(env, formatAt(env.mem, format! >>> 0, formatSize! >>> 0), args, room);
    return typeof printed === 'number' ? printed : write(env, printed.text);
  },
};

export const seq_write: Helper = {
  args: 'iii',
  ret: 'int',
  bind: (env) => (_seq, data, size) => write(env, env.mem.read(data! >>> 0, size! >>> 0)),
};
