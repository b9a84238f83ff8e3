/**
 * After the walk: no chain of calls uses more stack than there is. Linux: check_max_stack_depth().
 */
import { BPF_PSEUDO_FUNC, CALL, LD_IMM64 } from '../../isa/index.ts';
import {
  BPF_PROG_TYPE_KPROBE,
  BPF_PROG_TYPE_PERF_EVENT,
  BPF_PROG_TYPE_RAW_TRACEPOINT,
  BPF_PROG_TYPE_TRACEPOINT,
  BPF_PROG_TYPE_TRACING,
  BPF_TRACE_ITER,
} from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import { isKfuncCall, isPseudoCall, subprogAt } from './subprogs.ts';

const MAX_STACK = 512;
const MAX_FRAMES = 8;

export function checkStackDepth(env: Env): void {
  for (const [k, sub] of env.subprogs.entries()) {
    if (k === 0 || sub.isAsyncCallback || sub.isExceptionCallback) walk(env, k);
  }
}

const rounded = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Program types whose functions may run on a stack of their own, one for each CPU. */
const PRIVATE_STACK = new Set<number>([
  BPF_PROG_TYPE_KPROBE,
  BPF_PROG_TYPE_TRACEPOINT,
  BPF_PROG_TYPE_PERF_EVENT,
  BPF_PROG_TYPE_RAW_TRACEPOINT,
]);
/** Less is not worth it. */
const MIN_PRIVATE = 64;

/** Tracing programs are kept from running inside themselves, which one stack for each CPU takes; iterators are not. */
function mayHavePrivateStack(env: Env): boolean {
  const { progType, attachType } = env.input;
  return PRIVATE_STACK.has(progType) || (progType === BPF_PROG_TYPE_TRACING && attachType !== BPF_TRACE_ITER);
}

/** Bytes that a function takes of the shared stack. */
function sharedBytes(env: Env, index: number): number {
  const bytes = rounded(env.subprogs[index]!.stackDepth);
  const hasTailCall = env.subprogs.some((s) => s.hasTailCall);
  if (hasTailCall || !mayHavePrivateStack(env) || bytes < MIN_PRIVATE) return bytes;
  if (bytes > MAX_STACK) env.reject('EACCES', `stack size of subprog ${index} is ${bytes}. Too large`);
  return 0;
}

/** Follows calls from function `start`, deepest first. */
function walk(env: Env, start: number): void {
  const { insns } = env;
  const path: { sub: number; pc: number }[] = [{ sub: start, pc: env.subprogs[start]!.start }];
  let depth = sharedBytes(env, start);
  let tailCalls = env.subprogs[start]!.hasTailCall;
  check(env, depth, path.length);
  while (path.length > 0) {
    const at = path.at(-1)!;
    const sub = env.subprogs[at.sub]!;
    let entered = false;
    while (at.pc < sub.end) {
      const pc = at.pc++;
      if (insns.code[pc] !== CALL && insns.code[pc] !== LD_IMM64) continue;
      if (isKfuncCall(env, pc) && env.kfuncNames.get(pc) === 'bpf_throw') checkThrow(env, path, pc);
      const isFunc = insns.code[pc] === LD_IMM64 && insns.src[pc] === BPF_PSEUDO_FUNC;
      if (!isFunc && !isPseudoCall(env, pc)) continue;
      const next = subprogAt(env, pc + insns.imm[pc]! + 1);
      const callee = env.subprogs[next];
      if (!callee || (isFunc && callee.isAsyncCallback)) continue;
      if (callee.isExceptionCallback) {
        // Linux ends this message with no newline.
        env.write(`insn ${pc} cannot call exception cb directly`);
        env.reject('EINVAL', '');
      }
      if (isFunc && !callee.isCallback) continue;
      if (env.subprogs.some((s) => s.hasTailCall) && depth >= 256 && callee.hasTailCall) {
        env.reject(
          'EACCES',
          `tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`,
        );
      }
      tailCalls ||= callee.hasTailCall;
      depth += sharedBytes(env, next);
      path.push({ sub: next, pc: callee.start });
      if (path.length > MAX_FRAMES) {
        env.reject('E2BIG', `the call stack of ${path.length - 1} frames is too deep !`);
      }
      check(env, depth, path.length);
      entered = true;
      break;
    }
    if (entered) continue;
    if (tailCalls) for (const p of path) env.subprogs[p.sub]!.tailCallReachable ||= sub.hasTailCall;
    path.pop();
    depth -= sharedBytes(env, at.sub);
  }
}

/** An exception cannot unwind through the helper that called a callback. */
function checkThrow(env: Env, path: readonly { sub: number }[], pc: number): void {
  const callback = [path.at(-1)!, ...path].find(({ sub }) => {
    const { isCallback, isAsyncCallback } = env.subprogs[sub]!;
    return isCallback || isAsyncCallback;
  });
  if (!callback) return;
  env.reject('EINVAL', `bpf_throw kfunc (insn ${pc}) cannot be called from callback subprog ${callback.sub}`);
}

function check(env: Env, depth: number, frames: number): void {
  if (depth > MAX_STACK) {
    env.reject('EACCES', `combined stack size of ${frames} calls is ${depth}. Too large`);
  }
}
