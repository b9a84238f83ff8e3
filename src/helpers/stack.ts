/**
 * Helpers that collect stacks. The kernel says what a stack is (HelperEnv.stackTrace); here it is put where the
 * program wants it: into a stack map for an id, or into a buffer.
 */
import { EFAULT, EINVAL, EOPNOTSUPP } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { MAX_STACK, StackTraceMap } from '../maps/index.ts';
import {
  BPF_F_FAST_STACK_CMP,
  BPF_F_REUSE_STACKID,
  BPF_F_SKIP_FIELD_MASK,
  BPF_F_USER_BUILD_ID,
  BPF_F_USER_STACK,
  BPF_STACK_BUILD_ID_IP,
} from '../uapi/generated/constants.ts';
import type { Helper, HelperEnv } from './helper.ts';

const STACKID_FLAGS = BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID;
const STACK_FLAGS = BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_USER_BUILD_ID;
/** struct bpf_stack_build_id: s32 status, 20 bytes of build id, u64 offset or address. */
const BUILD_ID_SIZE = 32;
const BUILD_ID_IP = 24;

/** The addresses of the current stack, at most `depth`, innermost first; -EFAULT where there are none. */
function collect(env: HelperEnv, flags: number, depth: number): BigUint64Array | number {
  const stack = new BigUint64Array(Math.min(depth, MAX_STACK));
  const length = env.stackTrace((flags & BPF_F_USER_STACK) !== 0, flags & BPF_F_SKIP_FIELD_MASK, stack);
  if (length === 0) return -EFAULT;
  return length < 0 ? length : stack.subarray(0, length);
}

export const get_stackid: Helper = {
  args: 'iiL',
  ret: 'int',
  bind: (env) => (_ctx, mapAddr, flags, flagsHi) => {
    const map = env.mapAt(mapAddr! >>> 0);
    if (flagsHi !== 0 || (flags! & ~STACKID_FLAGS) !== 0 || !(map instanceof StackTraceMap)) return -EINVAL;
    const stack = collect(env, flags!, map.depth);
    return typeof stack === 'number' ? stack : map.put(stack, flags!);
  },
};

/** Fills `buf` and answers how many bytes the stack takes; what is left of it, or all of it on an error, is zeroed. */
function getStack(env: HelperEnv, buf: Addr, size: number, flags: number, flagsHi: number): number {
  const answer = writeStack(env, buf, size, flags, flagsHi);
  const written = Math.max(answer, 0);
  env.mem.fill(buf + written, size - written, 0);
  return answer;
}

function writeStack(env: HelperEnv, buf: Addr, size: number, flags: number, flagsHi: number): number {
  if (flagsHi !== 0 || (flags & ~STACK_FLAGS) !== 0) return -EINVAL;
  const withBuildId = (flags & BPF_F_USER_BUILD_ID) !== 0;
  if (withBuildId && (flags & BPF_F_USER_STACK) === 0) return -EINVAL;
  const unit = withBuildId ? BUILD_ID_SIZE : 8;
  if (size % unit !== 0) return -EINVAL;
  const stack = collect(env, flags, size / unit);
  if (typeof stack === 'number') return stack;
  stack.forEach((address, i) => {
    const at = buf + i * unit;
    if (withBuildId) {
      // Files behind addresses are not known here: Linux says the same of code that no file backs.
      env.mem.fill(at, BUILD_ID_SIZE, 0);
      env.mem.setU32(at, BPF_STACK_BUILD_ID_IP);
      env.mem.setU64(at + BUILD_ID_IP, address);
    } else {
      env.mem.setU64(at, address);
    }
  });
  return stack.length * unit;
}

export const get_stack: Helper = {
  args: 'iiiL',
  ret: 'int',
  bind: (env) => (_ctx, buf, size, flags, flagsHi) => getStack(env, buf! >>> 0, size! >>> 0, flags!, flagsHi!),
};

/** The stack of a task: of the current one only. */
export const get_task_stack: Helper = {
  args: 'iiiL',
  ret: 'int',
  bind: (env) => (task, buf, size, flags, flagsHi) => {
    if (task! >>> 0 === env.currentTask().addr) return getStack(env, buf! >>> 0, size! >>> 0, flags!, flagsHi!);
    env.mem.fill(buf! >>> 0, size! >>> 0, 0);
    return -EOPNOTSUPP;
  },
};
