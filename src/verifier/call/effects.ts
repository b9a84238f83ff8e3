/**
 * What a call instruction does, as far as it shows without looking at registers.
 */
import * as c from '../../uapi/generated/constants.ts';
import { HELPERS, type HelperRow } from '../../uapi/helpers.ts';
import type { Env } from '../env.ts';
import { hasFlag, type Kfunc, kfuncAt } from '../structure/kfuncs.ts';
import { isHelperCall, isKfuncCall, isPseudoCall } from '../structure/subprogs.ts';

export interface CallEffects {
  /** Argument registers that it reads, from r1. */
  readonly args: number;
  readonly syncCallback: boolean;
  readonly asyncCallback: boolean;
  /** Advances an open-coded iterator. */
  readonly iterNext: boolean;
  readonly mightSleep: boolean;
  readonly changesPktData: boolean;
}

const HELPER_BY_ID: ReadonlyMap<number, { name: string; row: HelperRow }> = new Map(
  Object.entries(HELPERS).map(([name, row]) => [row.id, { name, row }]),
);

export const helperById = (id: number): { name: string; row: HelperRow } | undefined => HELPER_BY_ID.get(id);

const NONE: CallEffects = {
  args: 5,
  syncCallback: false,
  asyncCallback: false,
  iterNext: false,
  mightSleep: false,
  changesPktData: false,
};

const EFFECTS: ReadonlyMap<number, CallEffects> = new Map(
  Object.values(HELPERS as Record<string, HelperRow>).map((row) => [
    row.id,
    {
      args: row.args.length,
      syncCallback:
        row.id === c.BPF_FUNC_for_each_map_elem ||
        row.id === c.BPF_FUNC_find_vma ||
        row.id === c.BPF_FUNC_loop ||
        row.id === c.BPF_FUNC_user_ringbuf_drain,
      asyncCallback: row.id === c.BPF_FUNC_timer_set_callback,
      iterNext: false,
      mightSleep: row.mightSleep === true,
      // A tail call may end in a program that moves packet data.
      changesPktData: row.changesPacket === true || row.id === c.BPF_FUNC_tail_call,
    },
  ]),
);

const CALLBACKS = new Set(['bpf_rbtree_add_impl']);
const ASYNC_CALLBACKS = new Set([
  'bpf_wq_set_callback_impl',
  'bpf_task_work_schedule_signal_impl',
  'bpf_task_work_schedule_resume_impl',
]);

const kfuncEffects = (k: Kfunc): CallEffects => ({
  args: Math.min(k.params.length, 5),
  syncCallback: CALLBACKS.has(k.name),
  asyncCallback: ASYNC_CALLBACKS.has(k.name),
  iterNext: hasFlag(k, 'iter_next'),
  mightSleep: hasFlag(k, 'sleepable'),
  changesPktData: k.name === 'bpf_xdp_pull_data',
});

export function callEffects(env: Env, pc: number): CallEffects {
  if (isPseudoCall(env, pc)) return NONE;
  if (!isHelperCall(env, pc)) {
    const kfunc = isKfuncCall(env, pc) ? kfuncAt(env, pc) : undefined;
    return kfunc ? kfuncEffects(kfunc) : NONE;
  }
  return EFFECTS.get(env.insns.imm[pc]!) ?? NONE;
}
