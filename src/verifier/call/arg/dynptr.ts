/**
 * A dynptr as an argument of a helper or kernel function: made here, looked at, or changed. Linux: process_dynptr_func().
 */
import type { Env } from '../../env.ts';
import { accessMemory } from '../../pointer/index.ts';
import { DYNPTR_SLOTS, destroyDynptrAt, findDynptr, isRefcounted } from '../../resource/dynptr.ts';
import { acquireRef } from '../../resource/reference.ts';
import { OUT_OF_STACK, slotOfObject } from '../../resource/slots.ts';
import type { Reg } from '../../state/reg.ts';
import { DYNPTR, PTR_STACK, SLOT_DYNPTR } from '../../state/types.ts';

const KIND_NAMES = ['', 'local', 'ringbuf', 'skb', 'xdp', 'skb_meta', 'file'];

export interface DynptrUse {
  readonly regno: number;
  /** It is to be made here. */
  readonly uninit: boolean;
  /** The kind that is made or asked for, 0 for any. */
  readonly kind: number;
  /** A clone shares the reference of what it was cloned from. */
  readonly cloneRef: number;
}

export function useDynptr(env: Env, use: DynptrUse): void {
  const { regno } = use;
  const reg = env.reg(regno);
  if (reg.type !== PTR_STACK && reg.type !== DYNPTR) {
    env.reject('EINVAL', `arg#${regno - 1} expected pointer to stack or const struct bpf_dynptr`);
  }
  if (use.uninit) {
    if (reg.type === DYNPTR) env.reject('EINVAL', 'Dynptr has to be an uninitialized dynptr');
    if (slotOfObject(env, reg, 'dynptr', DYNPTR_SLOTS) === null) {
      env.reject('EINVAL', 'Dynptr has to be an uninitialized dynptr');
    }
    for (let at = 0; at < DYNPTR_SLOTS * 8; at += 8) accessMemory(env, regno, at, 8, true, -1);
    make(env, reg, use);
    return;
  }
  const dynptr = findDynptr(env, reg);
  if (!dynptr) env.reject('EINVAL', `Expected an initialized dynptr as arg #${regno - 1}`);
  if (use.kind && dynptr.aux !== use.kind) {
    env.reject('EINVAL', `Expected a dynptr of type ${KIND_NAMES[use.kind]} as arg #${regno - 1}`);
  }
  if (reg.type === DYNPTR) return;
  const n = slotOfObject(env, reg, 'dynptr', DYNPTR_SLOTS)!;
  for (const slot of [n, n - 1]) {
    env.liveness.read(reg.frameno, env.pc, slot);
    env.scratchSlot(slot);
  }
}

function make(env: Env, reg: Reg, use: DynptrUse): void {
  const frame = env.cur.frames[reg.frameno]!;
  const n = slotOfObject(env, reg, 'dynptr', DYNPTR_SLOTS);
  if (n === null || n === OUT_OF_STACK) env.reject('EINVAL', '');
  destroyDynptrAt(env, frame, n);
  destroyDynptrAt(env, frame, n - 1);
  const id = env.newId();
  let ref = 0;
  if (isRefcounted(use.kind)) ref = use.cloneRef || acquireRef(env);
  for (const slot of [n, n - 1]) {
    const known = frame.spilled[slot]!;
    known.markPointer(DYNPTR);
    known.id = id;
    known.aux = use.kind;
    known.aux2 = slot === n ? 1 : 0;
    known.refId = ref;
    frame.setKinds(slot, SLOT_DYNPTR);
    env.scratchSlot(slot);
    env.liveness.write(frame.frameno, slot);
  }
}
