/**
 * After the walk: no chain of calls uses more stack than there is. Linux: check_max_stack_depth().
 */
import { BPF_PSEUDO_FUNC, LD_IMM64 } from '../../isa/index.ts';
import type { Env } from '../env.ts';
import { isPseudoCall, subprogAt } from './subprogs.ts';

const MAX_STACK = 512;
const MAX_FRAMES = 8;

export function checkStackDepth(env: Env): number[] {
  const depths: number[] = [];
  for (const [k, sub] of env.subprogs.entries()) {
    if (k === 0 || sub.isAsyncCallback) walk(env, k);
    depths.push(sub.stackDepth);
  }
  return depths;
}

const rounded = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Follows calls from function `start`, deepest first. */
function walk(env: Env, start: number): void {
  const { insns } = env;
  const path: { sub: number; pc: number }[] = [{ sub: start, pc: env.subprogs[start]!.start }];
  let depth = rounded(env.subprogs[start]!.stackDepth);
  let tailCalls = env.subprogs[start]!.hasTailCall;
  check(env, depth, path.length);
  while (path.length > 0) {
    const at = path.at(-1)!;
    const sub = env.subprogs[at.sub]!;
    let entered = false;
    while (at.pc < sub.end) {
      const pc = at.pc++;
      const isFunc = insns.code[pc] === LD_IMM64 && insns.src[pc] === BPF_PSEUDO_FUNC;
      if (!isFunc && !isPseudoCall(env, pc)) continue;
      const next = subprogAt(env, pc + insns.imm[pc]! + 1);
      const callee = env.subprogs[next];
      if (!callee || (isFunc && callee.isAsyncCallback)) continue;
      if (isFunc && !callee.isCallback) continue;
      if (env.subprogs.some((s) => s.hasTailCall) && depth >= 256 && callee.hasTailCall) {
        env.reject(
          'EACCES',
          `tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`,
        );
      }
      tailCalls ||= callee.hasTailCall;
      depth += rounded(callee.stackDepth);
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
    depth -= rounded(sub.stackDepth);
  }
}

function check(env: Env, depth: number, frames: number): void {
  if (depth > MAX_STACK) {
    env.reject('EACCES', `combined stack size of ${frames} calls is ${depth}. Too large`);
  }
}
