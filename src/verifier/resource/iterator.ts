/**
 * Open-coded iterators: an object on the stack, made by _new, advanced by _next, given back by _destroy.
 *
 * The slot at the lowest address carries the reference; `aux` is the BTF id of the structure, `aux3` the state (low two
 * bits) and how often it went round. Linux: process_iter_arg(), process_iter_next_call().
 */
import { resolve, sizeOf } from '../../btf/index.ts';
import { markNotNull } from '../branch/null-check.ts';
import type { Env } from '../env.ts';
import { widenLoop } from '../explore/widen.ts';
import { accessMemory } from '../pointer/index.ts';
import { REGS } from '../state/layout.ts';
import { Reg } from '../state/reg.ts';
import { PTR_STACK, RCU, SLOT_INVALID, SLOT_ITER, UNTRUSTED } from '../state/types.ts';
import { hasFlag, type Kfunc } from '../structure/kfuncs.ts';
import { inRcuSection } from './rcu.ts';
import { acquireRef, releaseRef } from './reference.ts';
import { OUT_OF_STACK, slotOfObject } from './slots.ts';

const ACTIVE = 1;
const DRAINED = 2;

export interface IterPlace {
  readonly frameno: number;
  readonly slot: number;
}

/** The argument of _new, _next, _destroy. `type` is that of the parameter. Null for _new. */
export function useIterator(env: Env, kfunc: Kfunc, regno: number, type: number): IterPlace | null {
  const reg = env.reg(regno);
  if (reg.type !== PTR_STACK) {
    env.reject('EINVAL', `arg#${regno - 1} expected pointer to an iterator on stack`);
  }
  const btf = env.kernelBtf;
  const ptr = resolve(btf, type);
  const id = ptr.kind === 'ptr' ? ptr.type : 0;
  const count = sizeOf(btf, id) / 8;
  const name = `iter_${env.iterName(0, id)}`;
  const frame = env.cur.frames[reg.frameno]!;
  if (hasFlag(kfunc, 'iter_new')) {
    const at = slotOfObject(env, reg, 'iter', count);
    let free = at !== null;
    if (at !== null && at !== OUT_OF_STACK) {
      for (let n = at; n > at - count; n--) {
        for (let b = 0; b < 8; b++) if (frame.kind(n, b) === SLOT_ITER) free = false;
      }
    }
    if (!free) env.reject('EINVAL', `expected uninitialized ${name} as arg #${regno - 1}`);
    for (let k = 0; k < count; k++) accessMemory(env, regno, k * 8, 8, true, -1);
    const place = slotOfObject(env, reg, 'iter', count)!;
    const ref = acquireRef(env);
    let trust = 0;
    if (hasFlag(kfunc, 'rcu_protected')) trust = inRcuSection(env) ? RCU : UNTRUSTED;
    for (let k = 0; k < count; k++) {
      const known = frame.spilled[place - k]!;
      known.markPointer(PTR_STACK | trust);
      known.refId = k === 0 ? ref : 0;
      known.aux = id;
      known.aux2 = 0;
      known.aux3 = ACTIVE;
      frame.setKinds(place - k, SLOT_ITER);
      env.scratchSlot(place - k);
      env.liveness.write(frame.frameno, place - k);
    }
    return null;
  }
  const slot = slotOfObject(env, reg, 'iter', count);
  const ok = slot !== null && slot !== OUT_OF_STACK && isIterator(env, reg, slot, count, id, kfunc);
  if (!ok) env.reject('EINVAL', `expected an initialized ${name} as arg #${regno - 1}`);
  for (let k = 0; k < count; k++) env.liveness.read(reg.frameno, env.pc, slot - k);
  if (hasFlag(kfunc, 'iter_destroy')) {
    releaseRef(env, frame.spilled[slot]!.refId);
    for (let k = 0; k < count; k++) {
      frame.spilled[slot - k]!.markNotInit();
      frame.setKinds(slot - k, SLOT_INVALID);
      env.scratchSlot(slot - k);
      env.liveness.write(frame.frameno, slot - k);
    }
  }
  return { frameno: reg.frameno, slot };
}

function isIterator(env: Env, reg: Reg, slot: number, count: number, id: number, kfunc: Kfunc): boolean {
  const frame = env.cur.frames[reg.frameno]!;
  for (let k = 0; k < count; k++) {
    const known = frame.spilled[slot - k]!;
    for (let b = 0; b < 8; b++) if (frame.kind(slot - k, b) !== SLOT_ITER) return false;
    if (known.type & UNTRUSTED) env.reject('EPROTO', `expected an RCU CS when using ${kfunc.name}`);
    if ((known.refId !== 0) !== (k === 0) || known.aux !== id || known.aux2 !== 0) return false;
  }
  return true;
}

export const iteratorReg = (env: Env, place: IterPlace): Reg => env.cur.frames[place.frameno]!.spilled[place.slot]!;

/** After _next: one path goes on with an element, this one with NULL and an iterator that is done. */
export function branchOnNext(env: Env, place: IterPlace): void {
  const { cur } = env;
  const iter = iteratorReg(env, place);
  env.scratchSlot(place.slot);
  if ((iter.aux3 & 3) === ACTIVE) {
    const next = env.walk.push(env.pc + 1, env.pc);
    const queued = new Reg(next.frames[place.frameno]!.lanes, REGS + place.slot);
    queued.aux3 = ACTIVE | (((queued.aux3 >> 2) + 1) << 2);
    widenLoop(cur.parent?.parent ?? null, env.pc, next);
    markNotNull(env, new Reg(next.frame.lanes, 0));
  }
  iter.aux3 = DRAINED | ((iter.aux3 >> 2) << 2);
  env.reg(0).markKnown32(0);
}
