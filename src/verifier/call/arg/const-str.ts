/**
 * A zero-terminated string in a frozen read-only map. Linux: check_reg_const_str().
 */
import * as c from '../../../uapi/generated/constants.ts';
import type { Env } from '../../env.ts';
import { checkMapValue } from '../../pointer/map-value.ts';
import type { Reg } from '../../state/reg.ts';
import { MAP_VALUE } from '../../state/types.ts';

export function checkConstString(env: Env, reg: Reg, regno: number): void {
  if (reg.type !== MAP_VALUE) env.reject('EINVAL', '');
  const map = env.maps[reg.aux]!;
  if (!map.frozen || !(map.flags & c.BPF_F_RDONLY_PROG)) {
    env.reject('EACCES', `R${regno} does not point to a readonly map'`);
  }
  if (!reg.isConst) env.reject('EACCES', `R${regno} is not a constant address'`);
  const contents = env.mapConstants(reg.aux);
  if (!contents) env.reject('EACCES', 'no direct value access support for this map type');
  checkMapValue(env, reg, regno, reg.off, map.valueSize - reg.off, false, false);
  const at = reg.off + Number(reg.value);
  if (contents.indexOf(0, at) < 0) env.reject('EINVAL', 'string is not zero-terminated');
}

/** The string behind a register that `checkConstString` let through. */
export function constString(env: Env, reg: Reg): string {
  const contents = env.mapConstants(reg.aux)!;
  const at = reg.off + Number(reg.value);
  return new TextDecoder().decode(contents.subarray(at, contents.indexOf(0, at)));
}
