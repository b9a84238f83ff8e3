/**
 * What is known of a number must not contradict itself. Linux looks after every arithmetic instruction, says so, and
 * forgets the ranges. Here it matters where a guess of the CPU is followed from the middle of an instruction: the low half
 * of a pointer's offset is not settled there. Linux: reg_bounds_sanity_check().
 */
import type { Env } from '../env.ts';

export function checkInvariants(env: Env, r: number): void {
  const reg = env.reg(r);
  let fault: string | undefined;
  if (reg.umin > reg.umax || reg.smin > reg.smax || reg.u32min > reg.u32max || reg.s32min > reg.s32max) {
    fault = 'range bounds violation';
  } else if (reg.isConst && !(reg.umin === reg.value && reg.umax === reg.value && reg.smin === reg.smax)) {
    fault = 'const tnum out of sync with range bounds';
  } else if (reg.isSubregConst && !(reg.u32min === reg.u32max && reg.s32min === reg.s32max)) {
    fault = 'const subreg tnum out of sync with range bounds';
  }
  if (fault === undefined) return;
  const hex = (x: bigint | number): string =>
    `0x${(typeof x === 'number' ? x >>> 0 : BigInt.asUintN(64, x)).toString(16)}`;
  env.write(
    `verifier bug: REG INVARIANTS VIOLATION (alu): ${fault} u64=[${hex(reg.umin)}, ${hex(reg.umax)}] ` +
      `s64=[${hex(reg.smin)}, ${hex(reg.smax)}] u32=[${hex(reg.u32min)}, ${hex(reg.u32max)}] ` +
      `s32=[${hex(reg.s32min)}, ${hex(reg.s32max)}] var_off=(${hex(reg.value)}, ${hex(reg.mask)})\n`,
  );
  reg.setUnbounded();
}
