/**
 * Fields of a map's value that the kernel keeps, as the map's BTF says: locks, timers, kernel pointers, graph nodes.
 */

import { type KernelField, kernelFields, MAP_FIELDS, objectFields } from '../../btf/index.ts';
import type { Env } from '../env.ts';
import type { VerifierMap } from '../program.ts';
import type { Reg } from '../state/reg.ts';
import { ALLOC, BTF_PTR, MAP_VALUE } from '../state/types.ts';

export interface MapField extends KernelField {
  readonly isKptr: boolean;
}

export interface MapRecord {
  readonly fields: readonly MapField[];
  /** Timers and the like, which outlive the call that sets them. */
  readonly hasAsyncFields: boolean;
}

const KPTRS = new Set(['kptr', 'kptr_untrusted', 'percpu_kptr', 'uptr']);
const ASYNC = new Set(['bpf_timer', 'bpf_wq', 'bpf_task_work']);

/** Where BTF says of the fields what cannot be, Linux takes none of them for the kernel's: then nothing can be done with them. */
export function mapRecordOf(map: VerifierMap): MapRecord {
  const { btf, btfValueTypeId } = map;
  const fields = btf && btfValueTypeId ? kernelFields(btf, btfValueTypeId, MAP_FIELDS) : [];
  return recordWith(typeof fields === 'number' ? [] : fields);
}

/** Fields of the kernel in a structure that programs allocate: type `id` of BTF number `btf`. */
export function recordOf(env: Env, btf: number, id: number): MapRecord {
  const records = (env.records[btf] ??= new Map<number, MapRecord>());
  let known = records.get(id);
  if (!known) {
    known = recordWith(objectFields(env.btfOf(btf), id));
    records.set(id, known);
  }
  return known;
}

function recordWith(fields: readonly KernelField[]): MapRecord {
  return {
    fields: fields.map((f) => ({ ...f, isKptr: KPTRS.has(f.kind) })),
    hasAsyncFields: fields.some((f) => ASYNC.has(f.kind)),
  };
}

/** The register number of a map, added to the list where it is new. */
export function mapIndexOf(env: Env, map: VerifierMap): number {
  const at = env.maps.indexOf(map);
  if (at >= 0) return at;
  env.maps.push(map);
  return env.maps.length - 1;
}

/** A load or store, or a helper, touches bytes of a value: fields of the kernel must not be among them. */
export function checkFields(env: Env, ptr: Reg, off: number, size: number, direct: boolean): void {
  const { fields } = env.mapRecord(ptr.aux);
  if (fields.length === 0) return;
  const from = ptr.smin + BigInt(off);
  const to = ptr.umax + BigInt(off + size);
  for (const f of fields) {
    const name = f.kind === 'kptr_untrusted' ? 'kptr' : f.kind;
    if (!(from < BigInt(f.offset + f.size) && BigInt(f.offset) < to)) continue;
    if (!f.isKptr) env.reject('EACCES', `${name} cannot be accessed directly by load/store`);
    if (!direct) env.reject('EACCES', `${name} cannot be accessed indirectly by helper`);
    if (!ptr.isConst) env.reject('EACCES', `${name} access cannot have variable offset`);
    const at = BigInt(off) + ptr.value;
    if (BigInt(f.offset) !== at) {
      env.reject('EACCES', `${name} access misaligned expected=${f.offset} off=${at}`);
    }
    if (size !== 8) env.reject('EACCES', `${name} access size must be BPF_DW`);
  }
}

export function fieldAt(env: Env, index: number, offset: number): MapField | undefined {
  return env.mapRecord(index).fields.find((f) => f.offset === offset);
}

/** Pointers that keep their id when known not to be NULL: which object a lock belongs to matters. */
export function mayHoldLock(env: Env, reg: Reg): boolean {
  if (reg.base === MAP_VALUE) {
    return env.mapRecord(reg.aux).fields.some((f) => f.kind === 'bpf_spin_lock' || f.kind === 'bpf_res_spin_lock');
  }
  if (reg.base !== BTF_PTR || !(reg.type & ALLOC)) return false;
  const { fields } = recordOf(env, reg.aux2, reg.aux);
  return fields.some((f) => f.kind === 'bpf_spin_lock' || f.kind === 'bpf_res_spin_lock');
}
