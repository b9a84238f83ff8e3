/**
 * Linked lists and trees that programs keep in map values and allocated objects: their roots, under the lock beside
 * them, and the nodes inside the objects they hold. Linux: __process_kf_arg_ptr_to_graph_root(), …_graph_node().
 */
import { bug } from '../../base/errors.ts';
import type { GraphRoot } from '../../btf/index.ts';
import type { Env } from '../env.ts';
import { eachReg } from '../state/each.ts';
import type { Reg } from '../state/reg.ts';
import { isLock } from '../state/state.ts';
import { ALLOC, BTF_PTR, MAP_VALUE, NON_OWN_REF, RCU } from '../state/types.ts';
import { type MapRecord, recordOf } from '../structure/map-record.ts';
import { releaseRef, releaseRefById } from './reference.ts';

/** A root, with the number of the BTF that its type is of. */
export interface Root extends GraphRoot {
  readonly btf: number;
}

const OBJECT = BTF_PTR | ALLOC;

/** What the kernel keeps in the memory behind a register. */
export function recordBehind(env: Env, reg: Reg): MapRecord {
  return reg.base === MAP_VALUE ? env.mapRecord(reg.aux) : recordOf(env, reg.aux2, reg.aux);
}

/** Number of the BTF of what is behind a register. */
function btfBehind(env: Env, reg: Reg): number {
  return reg.base === MAP_VALUE ? env.btfNumber(env.maps[reg.aux]!.btf!) : reg.aux2;
}

/** Who owns a lock behind a register: maps by number, program BTF below zero. */
export const lockOwner = (reg: Reg): number => (reg.base === MAP_VALUE ? reg.aux + 1 : -1 - reg.aux2);

export function useGraphRoot(env: Env, regno: number, name: 'bpf_list_head' | 'bpf_rb_root'): Root {
  const reg = env.reg(regno);
  if (reg.type !== MAP_VALUE && reg.type !== OBJECT) {
    env.reject('EINVAL', `arg#${regno - 1} expected pointer to map value or allocated object`);
  }
  if (reg.type === OBJECT && !reg.refId) env.reject('EINVAL', 'allocated object must be referenced');
  if (!reg.isConst) {
    env.reject('EINVAL', `R${regno} doesn't have constant offset. ${name} has to be at the constant offset`);
  }
  const record = recordBehind(env, reg);
  const at = reg.off + Number(BigInt.asIntN(32, reg.value));
  const field = record.fields.find((f) => f.offset === at && f.kind === name);
  if (!field) env.reject('EINVAL', `${name} not found at offset=${at >>> 0}`);
  const { cur } = env;
  const lock = record.fields.find((f) => f.kind === 'bpf_spin_lock');
  const held = cur.refs.some((r) => isLock(r.kind) && r.id === reg.id && r.owner === lockOwner(reg));
  if (!cur.activeLocks || !held) {
    if (cur.activeLocks) env.write('held lock and object are not in the same allocation\n');
    env.reject('EINVAL', `bpf_spin_lock at off=${lock?.offset ?? -1} must be held for ${name}`);
  }
  // Map creation and BTF_LOAD take no list or tree that does not say what it holds.
  return { ...(field.root ?? bug(`a ${name} without its contents`)), btf: btfBehind(env, reg) };
}

export function useGraphNode(env: Env, regno: number, name: 'bpf_list_node' | 'bpf_rb_node', root: Root): void {
  const reg = env.reg(regno);
  if (!reg.isConst) {
    env.reject('EINVAL', `R${regno} doesn't have constant offset. ${name} has to be at the constant offset`);
  }
  const at = reg.off + Number(BigInt.asIntN(32, reg.value));
  const field = recordBehind(env, reg).fields.find((f) => f.offset === at && f.kind === name);
  if (!field) env.reject('EINVAL', `${name} not found at offset=${at >>> 0}`);
  const have = env.btfTypeName(reg.aux2, reg.aux);
  const want = env.btfTypeName(root.btf, root.typeId);
  if (reg.aux2 !== root.btf || reg.aux !== root.typeId) {
    const head = name === 'bpf_list_node' ? 'bpf_list_head' : 'bpf_rb_root';
    env.reject(
      'EINVAL',
      `operation on ${head} expects arg#1 ${name} at offset=${root.nodeOffset} in struct ${want}, but arg is at offset=${at} in struct ${have}`,
    );
  }
  if (at !== root.nodeOffset) {
    env.reject('EINVAL', `arg#1 offset=${at}, but expected ${name} at offset=${root.nodeOffset} in struct ${want}`);
  }
}

/** The pointer stays usable while the lock is held, but another owns the object. */
export function setNonOwning(env: Env, reg: Reg): void {
  reg.type |= NON_OWN_REF;
  if (recordBehind(env, reg).fields.some((f) => f.kind === 'bpf_refcount')) reg.type |= RCU;
}

/** An owned object went into a list or tree: what is left is to look at it. */
export function giveAway(env: Env, id: number): void {
  releaseRefById(env.cur, id);
  eachReg(env.cur, (reg) => {
    if (reg.refId !== id) return;
    reg.refId = 0;
    setNonOwning(env, reg);
  });
  releaseRef(env, id);
}
