/**
 * Calls of the program's own functions. Static ones are walked into; global ones are verified once, by themselves.
 * Linux: check_func_call(), prepare_func_exit().
 */

import { invalidScalar } from '../attach/return-code.ts';
import type { Env } from '../env.ts';
import { MOVED, NEXT, type Outcome, RETURNED } from '../explore/outcome.ts';
import { previousEntry, widen } from '../explore/widen.ts';
import { MAX_FRAMES } from '../state/state.ts';
import { PTR_STACK } from '../state/types.ts';
import { subprogAt } from '../structure/subprogs.ts';
import { forgetPackets } from './forget-packets.ts';
import { checkGlobalArgs, checkStaticArgs } from './global.ts';

export function subprogCall(env: Env): Outcome {
  const { insns, pc, cur } = env;
  const index = subprogAt(env, pc + insns.imm[pc]! + 1);
  const sub = env.subprogs[index];
  if (!sub) env.reject('EFAULT', `verifier bug: no function at insn ${pc + insns.imm[pc]! + 1}`);
  if (sub.isGlobal) {
    const refused = checkGlobalArgs(env, index);
    if (cur.activeLocks) {
      env.reject('EINVAL', 'global function calls are not allowed while holding a lock,\nuse static function instead');
    }
    if (sub.mightSleep && (!cur.inSleepable || cur.activeRcu || cur.activePreempt || cur.activeIrqId)) {
      env.reject(
        'EINVAL',
        'global functions that may sleep are not allowed in non-sleepable context,\ni.e., in a RCU/IRQ/preempt-disabled section, or in\na non-sleepable BPF program context',
      );
    }
    if (refused) env.reject(refused.errno, `Caller passes invalid args into func#${index} ('${sub.name}')`);
    if (env.log.on) env.write(`Func#${index} ('${sub.name}') is global and assumed valid.\n`);
    if (sub.changesPktData) forgetPackets(env);
    sub.called = true;
    clearCallerSaved(env);
    env.reg(0).markUnknown();
    return NEXT;
  }
  checkStaticArgs(env, index);
  if (cur.curframe + 1 >= MAX_FRAMES) {
    env.reject('E2BIG', `the call stack of ${cur.curframe + 2} frames is too deep`);
  }
  const caller = cur.frame;
  const callee = cur.frameAt(cur.curframe + 1);
  callee.reset(pc, cur.curframe + 1, index);
  for (let r = 1; r <= 5; r++) callee.regs[r]!.copyFrom(caller.regs[r]!);
  const fp = callee.regs[10]!;
  fp.markPointer(PTR_STACK);
  fp.frameno = callee.frameno;
  clearCallerSaved(env);
  env.scratchAll();
  cur.enter(cur.curframe + 1);
  env.liveness.leave();
  if (env.log.on) {
    env.write('caller:\n');
    env.printState(cur, caller.frameno);
    env.write('callee:\n');
    env.printState(cur, cur.curframe);
  }
  env.pc = sub.start;
  return MOVED;
}

function clearCallerSaved(env: Env): void {
  for (let r = 0; r <= 5; r++) {
    env.reg(r).markNotInit();
    env.scratchReg(r);
  }
}

/** An exit instruction in a function that was called. */
export function returnToCaller(env: Env): Outcome {
  const { cur } = env;
  env.liveness.update();
  const callee = cur.frame;
  const r0 = callee.regs[0]!;
  if (r0.type === PTR_STACK) env.reject('EINVAL', 'cannot return stack pointer to the caller');
  const caller = cur.frames[cur.curframe - 1]!;
  const isCallback = callee.inCallback;
  if (isCallback) {
    if (!r0.isScalar) env.reject('EACCES', 'R0 not a scalar value');
    env.walk.precision.markReg(0);
    if (r0.smin < BigInt(callee.retMin) || r0.smax > BigInt(callee.retMax)) {
      invalidScalar(env, r0, callee.retMin, callee.retMax, 'At callback return', 'R0');
    }
  } else {
    caller.regs[0]!.copyFrom(r0);
  }
  env.pc = isCallback ? callee.callsite : callee.callsite + 1;
  if (env.log.on) {
    env.write('returning from callee:\n');
    env.printState(cur, callee.frameno);
    env.write(`to caller at ${env.pc}:\n`);
    env.printState(cur, caller.frameno);
  }
  cur.enter(cur.curframe - 1);
  env.liveness.leave();
  if (isCallback) {
    const before = previousEntry(cur.parent, env.pc, cur);
    if (before) widen(before, cur);
  }
  return RETURNED;
}
