/**
 * IRQ flags: a stack slot that bpf_local_irq_save fills, or the lock that disables interrupts with it, and that only its
 * counterpart takes back, the latest first. Linux: process_irq_flag().
 */
import type { Env } from '../env.ts';
import { accessMemory } from '../pointer/index.ts';
import { REF_IRQ } from '../state/state.ts';
import { PTR_STACK, SLOT_INVALID, SLOT_IRQ } from '../state/types.ts';
import { OUT_OF_STACK, slotOfObject } from './slots.ts';

/** Which functions a flag belongs to: what one of them saved, its own kind restores. */
export const IRQ_NATIVE = 0;
export const IRQ_LOCK = 1;
const CLASS_NAMES = ['native', 'lock'];

const BYTES = [0, 1, 2, 3, 4, 5, 6, 7];

/** r(regno) points to the flag; `save`: it is made here. */
export function useIrqFlag(env: Env, regno: number, save: boolean, kind: number): void {
  const reg = env.reg(regno);
  if (reg.type !== PTR_STACK) env.reject('EINVAL', `arg#${regno - 1} doesn't point to an irq flag on stack`);
  if (save) saveFlag(env, regno, kind);
  else restoreFlag(env, regno, kind);
}

function saveFlag(env: Env, regno: number, kind: number): void {
  const reg = env.reg(regno);
  const frame = env.cur.frames[reg.frameno]!;
  const at = slotOfObject(env, reg, 'irq_flag', 1);
  const isFree = at === OUT_OF_STACK || (at !== null && !BYTES.some((b) => frame.kind(at, b) === SLOT_IRQ));
  if (!isFree) env.reject('EINVAL', `expected uninitialized irq flag as arg#${regno - 1}`);
  accessMemory(env, regno, 0, 8, true, -1);
  const slot = slotOfObject(env, reg, 'irq_flag', 1)!;
  const id = env.newId();
  env.cur.refs = [...env.cur.refs, { kind: REF_IRQ, id, insnIdx: env.pc, owner: 0 }];
  env.cur.activeIrqId = id;
  const known = frame.spilled[slot]!;
  known.markPointer(PTR_STACK);
  known.refId = id;
  known.aux = kind;
  setSlot(env, reg.frameno, slot, SLOT_IRQ);
}

function restoreFlag(env: Env, regno: number, kind: number): void {
  const reg = env.reg(regno);
  const { cur } = env;
  const frame = cur.frames[reg.frameno]!;
  const slot = slotOfObject(env, reg, 'irq_flag', 1);
  const isFlag = slot !== null && slot !== OUT_OF_STACK && BYTES.every((b) => frame.kind(slot, b) === SLOT_IRQ);
  if (!isFlag) env.reject('EINVAL', `expected an initialized irq flag as arg#${regno - 1}`);
  env.liveness.read(reg.frameno, env.pc, slot);
  const known = frame.spilled[slot]!;
  if (known.aux !== kind) {
    const by = CLASS_NAMES[known.aux]!;
    env.reject('EINVAL', `irq flag acquired by ${by} kfuncs cannot be restored with ${CLASS_NAMES[kind]!} kfuncs`);
  }
  if (known.refId !== cur.activeIrqId) {
    const last = cur.refs.find((ref) => ref.kind === REF_IRQ && ref.id === cur.activeIrqId);
    env.reject(
      'EACCES',
      `cannot restore irq state out of order, expected id=${cur.activeIrqId} acquired at insn_idx=${last?.insnIdx ?? -1}`,
    );
  }
  cur.refs = cur.refs.filter((ref) => !(ref.kind === REF_IRQ && ref.id === known.refId));
  cur.activeIrqId = cur.refs.findLast((ref) => ref.kind === REF_IRQ)?.id ?? 0;
  known.markNotInit();
  setSlot(env, reg.frameno, slot, SLOT_INVALID);
}

function setSlot(env: Env, frameno: number, slot: number, kind: number): void {
  env.cur.frames[frameno]!.setKinds(slot, kind);
  env.scratchSlot(slot);
  env.liveness.write(frameno, slot);
}
