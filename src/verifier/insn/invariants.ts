/**
 * What is known of a number must not contradict itself. Linux looks after every comparison and arithmetic instruction,
 * says so, and forgets the ranges. A comparison comes to it on paths that cannot be; arithmetic where a guess of the CPU
 * is followed from the middle of an instruction, and the low half of a pointer's offset is not settled. Linux:
 * reg_bounds_sanity_check().
 */

import { BPF_F_TEST_REG_INVARIANTS } from '../../uapi/flags.ts';
import { hasRanges } from '../domain/bounds.ts';
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';

/** `where`: which register of a comparison, or `alu`. */
export function checkInvariants(env: Env, reg: Reg, where: string): void {
  let fault: string | undefined;
  if (!hasRanges(reg)) {
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
    `verifier bug: REG INVARIANTS VIOLATION (${where}): ${fault} u64=[${hex(reg.umin)}, ${hex(reg.umax)}] ` +
      `s64=[${hex(reg.smin)}, ${hex(reg.smax)}] u32=[${hex(reg.u32min)}, ${hex(reg.u32max)}] ` +
      `s32=[${hex(reg.s32min)}, ${hex(reg.s32max)}] var_off=(${hex(reg.value)}, ${hex(reg.mask)})\n`,
  );
  if (env.input.flags & BPF_F_TEST_REG_INVARIANTS) env.reject('EFAULT', '');
  reg.setUnbounded();
}
