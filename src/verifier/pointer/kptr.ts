/**
 * Kernel pointers kept in map values (kptrs). They are recognised, so that nothing reads or writes them as numbers;
 * following them is not offered yet.
 */
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';
import type { MapField } from '../structure/map-record.ts';
import type { Access } from './rule.ts';

export function kptrAccess(env: Env, _ptr: Reg, a: Access, field: MapField): void {
  if (a.write && a.valueRegno < 0 && env.insns.imm[env.pc] !== 0) {
    env.reject('EACCES', `BPF_ST imm must be 0 when storing to kptr at off=${field.offset}`);
  }
  env.unsupported('access to a kptr in a map value');
}
