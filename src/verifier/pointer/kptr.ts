/**
 * Kernel pointers kept in map values and allocated objects (kptrs): read as pointers that may be NULL and are only
 * trusted inside an RCU section, exchanged by bpf_kptr_xchg. Linux: check_map_kptr_access(), map_kptr_match_type().
 */
import { bug } from '../../base/errors.ts';
import { resolve, sizeOf } from '../../btf/index.ts';
import { BPF_MEM, BPF_ST, BPF_STX, classOf, modeOf } from '../../isa/index.ts';
import type { Env } from '../env.ts';
import { inRcuSection } from '../resource/rcu.ts';
import type { Reg } from '../state/reg.ts';
import {
  ALLOC,
  BTF_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  NON_OWN_REF,
  PERCPU,
  RCU,
  TRUSTED,
  typeName,
  UNTRUSTED,
} from '../state/types.ts';
import { type MapField, recordOf } from '../structure/map-record.ts';
import { checkUnmodified } from './region.ts';
import type { Access } from './rule.ts';
import { structsMatch } from './struct-match.ts';

/** Types of the kernel whose last reference is only dropped after an RCU grace period. */
const RCU_PROTECTED = new Set(['prog_test_ref_kfunc', 'cgroup', 'bpf_cpumask', 'task_struct', 'bpf_crypto_ctx']);
const TYPE_FLAGS = ~0xff;

interface Pointee {
  /** Number of its BTF. */
  readonly btf: number;
  readonly id: number;
  readonly name: string;
}

/** What the field points to: a structure of the kernel by that name, or else of the BTF that the field is of. */
function pointeeOf(env: Env, holder: Reg, field: MapField): Pointee {
  const btf = holder.base === MAP_VALUE ? env.maps[holder.aux]!.btf : env.btfOf(holder.aux2);
  const t = btf && field.pointee ? resolve(btf, field.pointee) : undefined;
  if (!btf || t?.kind !== 'struct' || !field.pointee) bug('a kptr to what is no structure');
  const kernel = env.kernelBtf.find(t.name, 'struct');
  if (kernel) return { btf: 0, id: kernel, name: t.name };
  return { btf: env.btfNumber(btf), id: field.pointee, name: t.name };
}

export function kptrAccess(env: Env, ptr: Reg, a: Access, field: MapField): void {
  const code = env.insns.code[env.pc]!;
  if (modeOf(code) !== BPF_MEM) {
    env.reject('EACCES', 'kptr in map can only be accessed using BPF_MEM instruction mode');
  }
  const stores = classOf(code) === BPF_STX || classOf(code) === BPF_ST;
  if (field.kind === 'uptr') {
    if (stores) env.reject('EACCES', 'store to uptr disallowed');
    loadUserPointer(env, ptr, a, field);
    return;
  }
  if (stores && field.kind !== 'kptr_untrusted') env.reject('EACCES', 'store to referenced kptr disallowed');
  const pointee = pointeeOf(env, ptr, field);
  if (!stores) {
    const to = env.reg(a.valueRegno);
    const flags = MAYBE_NULL | loadFlags(env, field, pointee);
    to.markPointer(BTF_PTR | flags);
    to.aux = pointee.id;
    to.aux2 = pointee.btf;
    to.id = env.newId();
    return;
  }
  if (a.valueRegno < 0) {
    if (env.insns.imm[env.pc] !== 0) {
      env.reject('EACCES', `BPF_ST imm must be 0 when storing to kptr at off=${field.offset}`);
    }
    return;
  }
  const value = env.reg(a.valueRegno);
  if (!value.isNull) checkMatch(env, value, a.valueRegno, field, pointee);
}

/** A pointer to memory of user space that the kernel keeps in place: as large as its type. */
function loadUserPointer(env: Env, ptr: Reg, a: Access, field: MapField): void {
  const { btf } = env.maps[ptr.aux]!;
  const to = env.reg(a.valueRegno);
  to.markPointer(MEM | MAYBE_NULL);
  to.aux = btf && field.pointee ? sizeOf(btf, field.pointee) : 0;
  to.id = env.newId();
}

function loadFlags(env: Env, field: MapField, pointee: Pointee): number {
  const safe =
    field.kind === 'percpu_kptr' || (field.kind === 'kptr' && (pointee.btf !== 0 || RCU_PROTECTED.has(pointee.name)));
  if (!safe || !inRcuSection(env)) return UNTRUSTED;
  if (field.kind === 'percpu_kptr') return RCU | PERCPU;
  if (pointee.btf === 0) return RCU;
  const isNode = recordOf(env, pointee.btf, pointee.id).fields.some(
    (f) => f.kind === 'bpf_list_node' || f.kind === 'bpf_rb_node',
  );
  // What may be in a list or tree at the same time is not owned.
  return RCU | ALLOC | (isNode ? NON_OWN_REF : 0);
}

/** Whether the pointer in r(regno) may be kept in the field. */
function checkMatch(env: Env, reg: Reg, regno: number, field: MapField, pointee: Pointee): void {
  let name = '';
  if (reg.base === BTF_PTR) {
    let allowed = MAYBE_NULL | ALLOC;
    if (reg.aux2 === 0) allowed = MAYBE_NULL | TRUSTED | RCU | (field.kind === 'kptr_untrusted' ? UNTRUSTED : 0);
    else if (field.kind === 'percpu_kptr') allowed |= PERCPU;
    if (!(reg.type & TYPE_FLAGS & ~allowed)) {
      name = env.btfTypeName(reg.aux2, reg.aux);
      checkUnmodified(env, reg, regno, true);
      const strict = field.kind !== 'kptr_untrusted';
      const same =
        reg.aux2 === pointee.btf && structsMatch(env, env.btfOf(pointee.btf), reg.aux, reg.off, pointee.id, strict);
      if (same) return;
    }
  }
  const wanted = `${typeName(BTF_PTR)}${pointee.name}`;
  const or = field.kind === 'kptr_untrusted' ? ` or ${typeName(BTF_PTR | UNTRUSTED)}${pointee.name}` : '';
  env.reject('EACCES', `invalid kptr access, R${regno} type=${typeName(reg.type)}${name} expected=${wanted}${or}`);
}

/** The first argument of bpf_kptr_xchg: the address of a kptr that owns what it points to. */
export function exchangedField(env: Env, regno: number): MapField {
  const reg = env.reg(regno);
  const map = reg.base === MAP_VALUE ? env.maps[reg.aux]! : null;
  if (map && !map.btf) {
    env.reject('EINVAL', `map '${map.name}' has to have BTF in order to use bpf_kptr_xchg`);
  }
  if (!reg.isConst) {
    env.reject('EINVAL', `R${regno} doesn't have constant offset. kptr has to be at the constant offset`);
  }
  const { fields } = map ? env.mapRecord(reg.aux) : recordOf(env, reg.aux2, reg.aux);
  if (!fields.some((f) => f.isKptr && f.kind !== 'uptr')) env.reject('EINVAL', `R${regno} has no valid kptr`);
  const off = reg.off + Number(BigInt.asIntN(32, reg.value));
  const field = fields.find((f) => f.isKptr && f.offset === off);
  if (!field) env.reject('EACCES', `off=${off} doesn't point to kptr`);
  if (field.kind !== 'kptr' && field.kind !== 'percpu_kptr') {
    env.reject('EACCES', `off=${off} kptr isn't referenced kptr`);
  }
  return field;
}

/** The second argument: what goes into the field, and its reference with it. */
export function checkExchanged(env: Env, holder: Reg, reg: Reg, regno: number, field: MapField): void {
  checkMatch(env, reg, regno, field, pointeeOf(env, holder, field));
}

/** What was in the field: a reference of its own, or NULL. */
export function answerExchanged(env: Env, r0: Reg, holder: Reg, field: MapField): void {
  const pointee = pointeeOf(env, holder, field);
  const own = pointee.btf !== 0 ? ALLOC | (field.kind === 'percpu_kptr' ? PERCPU : 0) : 0;
  r0.markPointer(BTF_PTR | MAYBE_NULL | own);
  r0.aux = pointee.id;
  r0.aux2 = pointee.btf;
}
