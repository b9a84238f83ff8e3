/**
 * A call of a kernel function (kfunc): may this program call it, are the arguments right, what is held and given back,
 * what is the answer. Linux: check_kfunc_call().
 */
import { resolve } from '../../btf/index.ts';
import { checkReturnCode } from '../attach/return-code.ts';
import { syncBounds } from '../domain/bounds.ts';
import type { Env } from '../env.ts';
import { ENDED, NEXT, type Outcome } from '../explore/outcome.ts';
import { giveAway } from '../resource/graph.ts';
import { branchOnNext } from '../resource/iterator.ts';
import { checkNothingHeld } from '../resource/leak.ts';
import { enterRcu, inRcuSection, leaveRcu } from '../resource/rcu.ts';
import { releaseRef } from '../resource/reference.ts';
import { Reg } from '../state/reg.ts';
import { hasFlag, type Kfunc, kfuncAt } from '../structure/kfuncs.ts';
import { isKfuncAllowed } from './allowed.ts';
import { type AsyncCallback, pushAsyncCallback, pushTreeCallback, TASK_WORK, WORKQUEUE } from './callback.ts';
import { forgetPackets } from './forget-packets.ts';
import { answerKfunc } from './kfunc-answer.ts';
import { checkKfuncArgs } from './kfunc-arg.ts';
import { KfuncMeta } from './kfunc-meta.ts';

const TAKES_NODE = new Set(['bpf_list_push_front_impl', 'bpf_list_push_back_impl', 'bpf_rbtree_add_impl']);

const ASYNC_CALLBACKS: Readonly<Record<string, AsyncCallback>> = {
  bpf_wq_set_callback_impl: WORKQUEUE,
  bpf_task_work_schedule_signal_impl: TASK_WORK,
  bpf_task_work_schedule_resume_impl: TASK_WORK,
};

/** What can be called while a lock is held. */
const UNDER_LOCK =
  /^bpf_(list_(push|pop)_(front|back)(_impl)?|list_(front|back)|rbtree_(add_impl|remove|first|root|left|right)|iter_num_(new|next|destroy)|refcount_acquire_impl|res_spin_(un)?lock(_irq(save|restore))?|stream_vprintk_impl)$/;

export function kfuncCall(env: Env): Outcome {
  const kfunc = kfuncAt(env, env.pc);
  // A call of nothing, as loaders leave for functions that the kernel lacks: it does nothing, and must turn out to be
  // dead (rewrite/functions-left.ts).
  if (!kfunc) return NEXT;
  const { name } = kfunc;
  if (!isKfuncAllowed(env, kfunc)) env.reject('EACCES', `calling kernel function ${name} is not allowed`);
  if (name === '__bpf_trap') env.reject('EFAULT', 'unexpected __bpf_trap() due to uninitialized variable?');
  const sleepable = hasFlag(kfunc, 'sleepable');
  if (sleepable && !env.cur.inSleepable) {
    env.reject('EACCES', `program must be sleepable to call sleepable kfunc ${name}`);
  }
  const isLock = LOCKS.has(name);
  if (isLock) branchOnFailure(env);
  const meta = new KfuncMeta();
  checkKfuncArgs(env, kfunc, meta);
  if (name === 'bpf_rbtree_add_impl') pushTreeCallback(env, meta.subprog, meta.root!);
  const async = ASYNC_CALLBACKS[name];
  if (async) pushAsyncCallback(env, meta.subprog, meta.map, async);
  if (name === 'bpf_session_cookie') meta.bufferSize = 8;
  checkSections(env, kfunc, sleepable);
  release(env, kfunc, meta);
  if (TAKES_NODE.has(name)) giveAway(env, env.reg(2).refId);
  if (name === 'bpf_throw') return throwException(env);
  const answered = resolve(env.kernelBtf, kfunc.ret);
  for (let r = 0; r <= 5; r++) {
    env.reg(r).markNotInit();
    env.scratchReg(r);
  }
  answerKfunc(env, kfunc, meta, answered);
  if (isLock) env.reg(0).markKnown32(0);
  if (name === 'bpf_xdp_pull_data') forgetPackets(env);
  if (meta.iter && hasFlag(kfunc, 'iter_next')) branchOnNext(env, meta.iter);
  return NEXT;
}

const LOCKS = new Set(['bpf_res_spin_lock', 'bpf_res_spin_lock_irqsave']);
const MAX_ERRNO = 4095;

/** A resilient lock may not be had: one path goes on with an errno, this one with the lock and 0. */
function branchOnFailure(env: Env): void {
  const { frame } = env.walk.push(env.pc + 1, env.pc);
  const reg = new Reg(frame.lanes, 0);
  for (let r = 1; r <= 5; r++) reg.point(frame.lanes, r).markNotInit();
  reg.point(frame.lanes, 0).markUnknown();
  reg.smin = BigInt(-MAX_ERRNO);
  reg.smax = -1n;
  reg.s32min = -MAX_ERRNO;
  reg.s32max = -1;
  syncBounds(reg);
}

export const mayCallUnderLock = (env: Env): boolean => {
  const kfunc = kfuncAt(env, env.pc);
  return kfunc !== undefined && UNDER_LOCK.test(kfunc.name);
};

function checkSections(env: Env, kfunc: Kfunc, sleepable: boolean): void {
  const { name } = kfunc;
  const { cur } = env;
  if (name === 'bpf_rcu_read_lock') enterRcu(env, name);
  else if (name === 'bpf_rcu_read_unlock') leaveRcu(env, name);
  else if (sleepable && cur.activeRcu) {
    env.reject('EACCES', `kernel func ${name} is sleepable within rcu_read_lock region`);
  }
  if (name === 'bpf_preempt_disable') cur.activePreempt++;
  else if (name === 'bpf_preempt_enable') {
    if (!cur.activePreempt) env.reject('EINVAL', `unmatched attempt to enable preemption (kernel function ${name})`);
    cur.activePreempt--;
  } else if (sleepable && cur.activePreempt) {
    env.reject('EACCES', `kernel func ${name} is sleepable within non-preemptible region`);
  }
  if (sleepable && cur.activeIrqId) {
    env.reject('EACCES', `kernel func ${name} is sleepable within IRQ-disabled region`);
  }
  if (hasFlag(kfunc, 'rcu_protected') && !inRcuSection(env)) {
    env.reject('EACCES', `kernel func ${name} requires RCU critical section protection`);
  }
}

function release(env: Env, kfunc: Kfunc, meta: KfuncMeta): void {
  if (!meta.releaseRegno) return;
  if (!releaseRef(env, env.reg(meta.releaseRegno).refId)) {
    env.reject('EINVAL', `kfunc ${kfunc.name}#${kfunc.id} reference has not been acquired before`);
  }
}

/** The program ends here, from whatever depth of calls; the default callback makes the cookie its answer. */
function throwException(env: Env): Outcome {
  env.throws = true;
  if (!env.exceptionCallback) checkReturnCode(env, 1);
  checkNothingHeld(env, true, 'bpf_throw', true);
  return ENDED;
}
