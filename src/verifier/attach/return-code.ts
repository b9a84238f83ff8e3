/**
 * What a program may answer, by program and attach type. Linux: check_return_code().
 */
import * as c from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import { checkSource, isPointerLeak } from '../insn/operands.ts';
import type { Reg } from '../state/reg.ts';
import { typeName } from '../state/types.ts';
import { rangeAtHook } from './lsm.ts';
import { operationOf } from './struct-ops.ts';
import { targetOf } from './target.ts';

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;

type Range = readonly [min: number, max: number];

const ONLY_ONE = new Set<number>([
  c.BPF_CGROUP_UDP4_RECVMSG,
  c.BPF_CGROUP_UDP6_RECVMSG,
  c.BPF_CGROUP_UNIX_RECVMSG,
  c.BPF_CGROUP_INET4_GETPEERNAME,
  c.BPF_CGROUP_INET6_GETPEERNAME,
  c.BPF_CGROUP_UNIX_GETPEERNAME,
  c.BPF_CGROUP_INET4_GETSOCKNAME,
  c.BPF_CGROUP_INET6_GETSOCKNAME,
  c.BPF_CGROUP_UNIX_GETSOCKNAME,
]);

/** The range of a program's answer, or null where any number will do. */
function answerRange(env: Env): Range | null {
  const { progType, attachBtfId } = env.input;
  const { attachType } = env;
  switch (progType) {
    case c.BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
      if (ONLY_ONE.has(attachType)) return [1, 1];
      if (attachType === c.BPF_CGROUP_INET4_BIND || attachType === c.BPF_CGROUP_INET6_BIND) return [0, 3];
      return [0, 1];
    case c.BPF_PROG_TYPE_CGROUP_SKB:
      return attachType === c.BPF_CGROUP_INET_EGRESS ? [0, 3] : [0, 1];
    case c.BPF_PROG_TYPE_CGROUP_SOCK:
    case c.BPF_PROG_TYPE_SOCK_OPS:
    case c.BPF_PROG_TYPE_CGROUP_DEVICE:
    case c.BPF_PROG_TYPE_CGROUP_SYSCTL:
    case c.BPF_PROG_TYPE_CGROUP_SOCKOPT:
    case c.BPF_PROG_TYPE_SK_LOOKUP:
    case c.BPF_PROG_TYPE_NETFILTER:
      return [0, 1];
    case c.BPF_PROG_TYPE_RAW_TRACEPOINT:
      return attachBtfId ? [0, 0] : null;
    case c.BPF_PROG_TYPE_TRACING:
      switch (attachType) {
        case c.BPF_TRACE_FENTRY:
        case c.BPF_TRACE_FEXIT:
          return [0, 0];
        case c.BPF_TRACE_ITER:
          return [0, 1];
        default:
          return null;
      }
    case c.BPF_PROG_TYPE_LSM:
      return rangeAtHook(env, targetOf(env));
    case c.BPF_PROG_TYPE_KPROBE:
      return attachType === c.BPF_TRACE_KPROBE_SESSION || attachType === c.BPF_TRACE_UPROBE_SESSION ? [0, 1] : null;
    default:
      return null;
  }
}

/** At the exit of the program itself, or of a function that is verified by itself. */
export function checkReturnCode(env: Env, regno = 0): void {
  const { progType } = env.input;
  // What ends a program that threw answers for it.
  // Who throws, throws for the function that was verified from.
  const outermost = env.cur.frames[0]!;
  const isProgram = outermost.subprog === 0 || outermost.inExceptionCallback;
  if (isProgram && progType === c.BPF_PROG_TYPE_STRUCT_OPS) {
    const { ret } = operationOf(env);
    if (ret === 0) return;
  }
  if (outermost.inAsyncCallback) {
    checkAsyncAnswer(env, regno);
    return;
  }
  checkSource(env, regno);
  if (isPointerLeak(env, regno)) env.reject('EACCES', `R${regno} leaks addr as return value`);
  const r0 = env.reg(regno);
  if (!isProgram) {
    if (!r0.isScalar) {
      env.reject('EINVAL', `At subprogram exit the register R${regno} is not a scalar value (${typeName(r0.type)})`);
    }
    return;
  }
  const range = answerRange(env);
  if (!range) return;
  if (!r0.isScalar) {
    env.reject('EINVAL', `At program exit the register R${regno} is not a known value (${typeName(r0.type)})`);
  }
  env.walk.precision.markReg(regno);
  // A hook answers an int: what is above does not count.
  const isInt = progType === c.BPF_PROG_TYPE_LSM && env.attachType !== c.BPF_LSM_CGROUP;
  const min = isInt ? BigInt(r0.s32min) : r0.smin;
  const max = isInt ? BigInt(r0.s32max) : r0.smax;
  if (min < BigInt(range[0]) || max > BigInt(range[1])) {
    invalidScalar(env, r0, range[0], range[1], 'At program exit', `R${regno}`);
  }
}

/** A callback of a timer and the like answers 0, where anybody looks at it. */
function checkAsyncAnswer(env: Env, regno: number): void {
  checkSource(env, regno);
  if (isPointerLeak(env, regno)) env.reject('EACCES', `R${regno} leaks addr as return value`);
  const r0 = env.reg(regno);
  const when = 'At async callback return';
  if (!r0.isScalar) {
    env.reject('EINVAL', `${when} the register R${regno} is not a known value (${typeName(r0.type)})`);
  }
  env.walk.precision.markReg(regno);
  if (env.cur.frames[0]!.anyReturn || (r0.smin >= 0n && r0.smax <= 0n)) return;
  invalidScalar(env, r0, 0, 0, when, `R${regno}`);
}

export function invalidScalar(env: Env, r: Reg, min: number, max: number, when: string, name: string): never {
  let known = '';
  if (r.smin > S64_MIN) known += ` smin=${r.smin}`;
  if (r.smax < S64_MAX) known += ` smax=${r.smax}`;
  if (!known) known = ' unknown scalar value';
  env.reject('EINVAL', `${when} the register ${name} has${known} should have been in [${min}, ${max}]`);
}
