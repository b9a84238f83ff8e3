/**
 * Register operands: what is read must have been written, r10 is never written.
 */

import { FRAME_POINTER, REG_COUNT } from '../../isa/index.ts';
import type { Env } from '../env.ts';

export function checkSource(env: Env, r: number): void {
  if (r >= REG_COUNT) env.reject('EINVAL', `R${r} is invalid`);
  env.scratchReg(r);
  if (!env.reg(r).isInit) env.reject('EACCES', `R${r} !read_ok`);
}

/** The rule that follows says what the register then holds. */
export function checkTarget(env: Env, r: number): void {
  if (r >= REG_COUNT) env.reject('EINVAL', `R${r} is invalid`);
  env.scratchReg(r);
  if (r === FRAME_POINTER) env.reject('EACCES', 'frame pointer is read only');
}

/** Whether a register holds a pointer that this program may not see as a number. */
export function isPointerLeak(env: Env, r: number): boolean {
  const reg = env.reg(r);
  return !env.caps.perfmon && !reg.isScalar;
}
