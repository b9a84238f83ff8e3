/**
 * Dynptrs: two stack slots that the kernel fills and that only helpers may touch.
 *
 * The slot at the lower address is the first one and carries what is known: `aux` kind, `id` identity (of the slices
 * taken from it), `refId` the reference that must be given back. Linux: process_dynptr_func() and what it calls.
 */
import type { Env } from '../env.ts';
import { eachReg } from '../state/each.ts';
import type { LiveFrame } from '../state/frame.ts';
import type { Reg } from '../state/reg.ts';
import { DYNPTR, MAYBE_NULL, MEM, NOT_INIT, PTR_STACK, SLOT_DYNPTR, SLOT_INVALID } from '../state/types.ts';
import { releaseRef } from './reference.ts';
import { OUT_OF_STACK, slotOfObject } from './slots.ts';

export const DYNPTR_KINDS = { local: 1, ringbuf: 2, skb: 3, xdp: 4, skb_meta: 5, file: 6 } as const;
/** It takes so many slots. */
export const DYNPTR_SLOTS = 2;

export const isRefcounted = (kind: number): boolean => kind === DYNPTR_KINDS.ringbuf || kind === DYNPTR_KINDS.file;

/** What is known about the dynptr behind a register; undefined where there is none. */
export function findDynptr(env: Env, reg: Reg): Reg | undefined {
  if (reg.type === DYNPTR) return reg;
  if (reg.type !== PTR_STACK) return undefined;
  const n = slotOfObject(env, reg, 'dynptr', DYNPTR_SLOTS);
  if (n === null || n === OUT_OF_STACK) return undefined;
  const frame = env.cur.frames[reg.frameno]!;
  for (const slot of [n, n - 1]) {
    for (let b = 0; b < 8; b++) if (frame.kind(slot, b) !== SLOT_DYNPTR) return undefined;
  }
  const first = frame.spilled[n]!;
  return first.aux2 ? first : undefined;
}

/** Slot `n` is written to: a dynptr in it is lost, and so are slices of it. */
export function destroyDynptrAt(env: Env, frame: LiveFrame, n: number): void {
  if (n < frame.slots && frame.kind(n, 0) === SLOT_DYNPTR) destroyDynptr(env, frame, n);
}

function destroyDynptr(env: Env, frame: LiveFrame, n: number): void {
  const first = frame.spilled[n]!.aux2 ? n : n + 1;
  const known = frame.spilled[first]!;
  if (isRefcounted(known.aux)) env.reject('EINVAL', 'cannot overwrite referenced dynptr');
  const { id } = known;
  eachReg(env.cur, (reg) => {
    if ((reg.type === MEM || reg.type === (MEM | MAYBE_NULL)) && reg.aux2 === id) env.invalidate(reg);
  });
  forget(env, frame, first);
}

function forget(env: Env, frame: LiveFrame, first: number): void {
  for (const slot of [first, first - 1]) {
    frame.spilled[slot]!.markNotInit();
    frame.spilled[slot]!.type = NOT_INIT;
    frame.setKinds(slot, SLOT_INVALID);
    env.scratchSlot(slot);
    env.liveness.write(frame.frameno, slot);
  }
}

/** A helper gives the dynptr back: the reference, its clones, and all slices go with it. */
export function releaseDynptr(env: Env, reg: Reg): void {
  const frame = env.cur.frames[reg.frameno]!;
  const n = slotOfObject(env, reg, 'dynptr', DYNPTR_SLOTS);
  if (n === null || n === OUT_OF_STACK) env.reject('EINVAL', '');
  const ref = frame.spilled[n]!.refId;
  if (!ref) {
    forget(env, frame, n);
    return;
  }
  releaseRef(env, ref);
  for (let slot = 1; slot < frame.slots; slot++) {
    if (frame.kind(slot, 0) !== SLOT_DYNPTR) continue;
    const known = frame.spilled[slot]!;
    if (known.refId === ref && known.aux2) forget(env, frame, slot);
  }
}
