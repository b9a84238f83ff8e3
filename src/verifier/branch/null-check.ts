/**
 * A pointer that may be NULL was compared with 0: one branch has the pointer, the other the number 0.
 */

import { BPF_MAP_TYPE_SOCKHASH, BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_XSKMAP } from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import { releaseRefById } from '../resource/reference.ts';
import { eachReg } from '../state/each.ts';
import { Reg } from '../state/reg.ts';
import type { StateBase } from '../state/state.ts';
import { ALLOC, MAP_PTR, MAP_VALUE, MAYBE_NULL, NON_OWN_REF, RCU, SCALAR, SOCKET, XDP_SOCK } from '../state/types.ts';
import { mapIndexOf, mayHoldLock } from '../structure/map-record.ts';

/** All copies of register `r` of the current frame, in a branch where it is NULL or is not. */
export function learnNullness(env: Env, state: StateBase, r: number, isNull: boolean): void {
  const checked = new Reg(state.frame.lanes, r);
  const { id, refId } = checked;
  // A reference that was not given cannot be leaked.
  if (refId !== 0 && refId === id && isNull) releaseRefById(state, id);
  eachReg(state, (reg) => {
    if (!(reg.type & MAYBE_NULL) || reg.id !== id || (!reg.id && !(reg.type & RCU))) return;
    if (reg.smin !== 0n || reg.smax !== 0n || !reg.isVarZero) return;
    if (!(reg.type & (ALLOC | NON_OWN_REF)) && reg.off !== 0) return;
    if (isNull) {
      if (reg.base === MAP_VALUE) fromMap(reg, SCALAR);
      else reg.type = SCALAR;
      reg.id = 0;
      reg.refId = 0;
      return;
    }
    markNotNull(env, reg);
    if (!mayHoldLock(env, reg)) reg.id = 0;
  });
}

/** The type that a pointer has once it is known not to be NULL. */
export function markNotNull(env: Env, reg: Reg): void {
  if (reg.base !== MAP_VALUE) {
    reg.type &= ~MAYBE_NULL;
    return;
  }
  const map = env.maps[reg.aux]!;
  if (map.inner) {
    reg.type = MAP_PTR;
    reg.aux = mapIndexOf(env, map.inner);
    if (env.mapRecord(reg.aux).hasAsyncFields) reg.aux2 = reg.id;
  } else if (map.type === BPF_MAP_TYPE_XSKMAP) {
    fromMap(reg, XDP_SOCK);
  } else if (map.type === BPF_MAP_TYPE_SOCKMAP || map.type === BPF_MAP_TYPE_SOCKHASH) {
    fromMap(reg, SOCKET);
  } else {
    reg.type = MAP_VALUE;
  }
}

/**
 * What was found in a map, a socket or nothing, still carries the map: states where it came from elsewhere are not the
 * same, where numbers have to be the same to the bit.
 */
function fromMap(reg: Reg, type: number): void {
  reg.type = type;
  reg.aux++;
}
