/**
 * A field that the kernel keeps in a map's value or in an allocated object, as the argument of what works on it: a lock,
 * a timer, a workqueue, task work. The pointer must be exactly where the type has it. Linux: process_spin_lock(),
 * process_timer_func() and their like.
 */
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';
import { MAP_VALUE } from '../state/types.ts';
import { recordBehind } from './graph.ts';

export type KeptField = 'bpf_spin_lock' | 'bpf_res_spin_lock' | 'bpf_timer' | 'bpf_wq' | 'bpf_task_work';

/** Rejects where r(regno) does not point to the field of that name. */
export function checkKeptField(env: Env, reg: Reg, regno: number, name: KeptField): void {
  if (!reg.isConst) {
    env.reject('EINVAL', `R${regno} doesn't have constant offset. ${name} has to be at the constant offset`);
  }
  const map = reg.base === MAP_VALUE ? env.maps[reg.aux]! : null;
  if (map && !map.btf) env.reject('EINVAL', `map '${map.name}' has to have BTF in order to use ${name}`);
  const field = recordBehind(env, reg).fields.find((f) => f.kind === name);
  if (!field) env.reject('EINVAL', `${map ? 'map' : 'local'} '${map ? map.name : 'kptr'}' has no valid ${name}`);
  const at = reg.off + Number(BigInt.asIntN(64, reg.value));
  if (field.offset !== at) {
    env.reject('EINVAL', `off ${at} doesn't point to 'struct ${name}' that is at ${field.offset}`);
  }
}
