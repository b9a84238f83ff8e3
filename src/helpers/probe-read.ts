/**
 * Helpers that read memory which may not be there, and write the traced process's.
 *
 * Kernel memory is the linear memory; an address past it, or in its NULL page, is not mapped. User memory belongs to
 * the current task. What cannot be read whole leaves zeros in the destination and answers -EFAULT, or -ERANGE where
 * the kernel's memory was asked for and the address could never be the kernel's.
 */
import { EFAULT, EINVAL, ERANGE } from '../base/errno.ts';
import type { Addr, Memory } from '../base/memory.ts';
import { type Helper, type HelperEnv, type Task, wide } from './helper.ts';
import { readUserText } from './user-text.ts';

/** Copies `size` bytes to `to`, or zeros and -EFAULT. */
type Reader = (env: HelperEnv, to: Addr, size: number, lo: number, hi: number) => number;

function readKernel(env: HelperEnv, to: Addr, size: number, lo: number, hi: number): number {
  const from = lo >>> 0;
  if (hi !== 0 || !env.mem.isValid(from, size)) return kernelFault(env.mem, to, size, hi);
  env.mem.copy(to, from, size);
  return 0;
}

function readUser(env: HelperEnv, to: Addr, size: number, lo: number, hi: number): number {
  return readTask(env.mem, env.currentTask(), to, size, wide(lo, hi));
}

function readTask(mem: Memory, task: Task, to: Addr, size: number, from: bigint): number {
  const bytes = size === 0 ? new Uint8Array() : task.readUser(from, size);
  if (bytes === null) return fault(mem, to, size);
  mem.write(to, bytes);
  return 0;
}

/** The old helpers do not say which side they mean: what is an address of the kernel is read there, the rest in the task. */
function readEither(env: HelperEnv, to: Addr, size: number, lo: number, hi: number): number {
  const isKernel = hi === 0 && env.mem.isValid(lo >>> 0, size);
  return isKernel ? readKernel(env, to, size, lo, hi) : readUser(env, to, size, lo, hi);
}

function fault(mem: Memory, to: Addr, size: number): number {
  mem.fill(to, size, 0);
  return -EFAULT;
}

/** In the high half: where Linux's user addresses end, and the bits that are the same in every address. */
const USER_END = 0x8000;
const CANONICAL_SHIFT = 24;

/** What reading kernel memory answers at an address with the high half `hi` that is not mapped. */
export function unmapped(hi: number): number {
  const top = hi >> CANONICAL_SHIFT;
  const neverKernel = hi >>> 0 < USER_END || (top !== 0 && top !== -1);
  return neverKernel ? -ERANGE : -EFAULT;
}

function kernelFault(mem: Memory, to: Addr, size: number, hi: number): number {
  fault(mem, to, size);
  return unmapped(hi);
}

function reader(read: Reader): Helper {
  return {
    args: 'iiL',
    ret: 'int',
    bind: (env) => (to, size, from, fromHi) => read(env, to! >>> 0, size! >>> 0, from!, fromHi!),
  };
}

export const probe_read_kernel = reader(readKernel);
export const probe_read_user = reader(readUser);
export const probe_read = reader(readEither);
export const copy_from_user = reader(readUser);

/** Copies a string with its zero, cut to `size`; answers its length with the zero, or zeros and -EFAULT. */
function readKernelString(env: HelperEnv, to: Addr, size: number, lo: number, hi: number): number {
  const { mem } = env;
  if (size === 0) return 0;
  const from = lo >>> 0;
  if (hi !== 0) return kernelFault(mem, to, size, hi);
  for (let i = 0; i < size; i++) {
    if (!mem.isValid(from + i, 1)) return kernelFault(mem, to, size, hi);
    const byte = i === size - 1 ? 0 : mem.u8(from + i);
    mem.setU8(to + i, byte);
    if (byte === 0) return i + 1;
  }
  return size;
}

function readUserString(env: HelperEnv, to: Addr, size: number, lo: number, hi: number): number {
  if (size === 0) return 0;
  const text = readUserText(env.currentTask(), wide(lo, hi), size);
  if (text === null) return fault(env.mem, to, size);
  const length = Math.min(text.length, size - 1);
  env.mem.write(to, text.subarray(0, length));
  env.mem.setU8(to + length, 0);
  return length + 1;
}

function readEitherString(env: HelperEnv, to: Addr, size: number, lo: number, hi: number): number {
  const isKernel = hi === 0 && env.mem.isValid(lo >>> 0, 1);
  return isKernel ? readKernelString(env, to, size, lo, hi) : readUserString(env, to, size, lo, hi);
}

export const probe_read_kernel_str = reader(readKernelString);
export const probe_read_user_str = reader(readUserString);
export const probe_read_str = reader(readEitherString);

export const probe_write_user: Helper = {
  args: 'Lii',
  ret: 'int',
  bind: (env) => (to, toHi, from, size) =>
    env.currentTask().writeUser(wide(to!, toHi!), env.mem.read(from! >>> 0, size! >>> 0)) ? 0 : -EFAULT,
};

/** Reads another task's user memory. A task that is gone has none. */
export const copy_from_user_task: Helper = {
  args: 'iiLiL',
  ret: 'int',
  bind: (env) => (to, size, from, fromHi, taskAddr, flags, flagsHi) => {
    if (flags !== 0 || flagsHi !== 0) return -EINVAL;
    const task = env.taskAt(taskAddr! >>> 0);
    if (task === undefined) return fault(env.mem, to! >>> 0, size! >>> 0);
    return readTask(env.mem, task, to! >>> 0, size! >>> 0, wide(from!, fromHi!));
  },
};
