/**
 * What a kernel function answers, as its BTF says and a few special functions add. Linux: check_special_kfunc() and the
 * end of check_kfunc_call().
 */
import { BtfError, bug } from '../../base/errors.ts';
import { type BtfType, resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import type { Env } from '../env.ts';
import { mayAccessPacket } from '../pointer/packet.ts';
import { DYNPTR_KINDS } from '../resource/dynptr.ts';
import { setNonOwning } from '../resource/graph.ts';
import { iteratorReg } from '../resource/iterator.ts';
import { acquireRef } from '../resource/reference.ts';
import type { Reg } from '../state/reg.ts';
import { ALLOC, BTF_PTR, MAYBE_NULL, MEM, PERCPU, PKT_SLICE, RCU, RDONLY, TRUSTED, UNTRUSTED } from '../state/types.ts';
import { hasFlag, type Kfunc } from '../structure/kfuncs.ts';
import { mayHoldLock, recordOf } from '../structure/map-record.ts';
import { progTypeName } from './allowed.ts';
import { isScalarStruct } from './kfunc-arg.ts';
import type { KfuncMeta } from './kfunc-meta.ts';

const MAX_PERCPU_OBJECT = 512;

export function answerKfunc(env: Env, kfunc: Kfunc, meta: KfuncMeta, t: BtfType): void {
  const r0 = env.reg(0);
  if (t.kind === 'int' || t.kind === 'enum' || t.kind === 'enum64') {
    r0.markUnknown();
    return;
  }
  if (t.kind !== 'ptr') return;
  const pointed = resolve(env.kernelBtf, t.type);
  if (!answerSpecial(env, kfunc, meta, r0)) {
    if (pointed.kind === 'void') r0.markUnknown();
    else if (pointed.kind === 'struct') answerStruct(env, kfunc, meta, r0, skipModifiers(env.kernelBtf, t.type));
    else answerMemory(env, kfunc, meta, r0, t.type, pointed);
  }
  const refcounted = kfunc.name === 'bpf_refcount_acquire_impl';
  const orNull = !r0.isScalar && hasFlag(kfunc, 'ret_null') && !(refcounted && meta.owningRef);
  if (orNull) {
    r0.type |= MAYBE_NULL;
    r0.id = env.newId();
  }
  if (hasFlag(kfunc, 'acquire')) {
    const ref = acquireRef(env);
    if (orNull) r0.id = ref;
    r0.refId = ref;
  } else if (pointed.kind === 'struct' && (pointed.name === 'bpf_rb_node' || pointed.name === 'bpf_list_node')) {
    setNonOwning(env, r0);
  }
  if (!r0.id && mayHoldLock(env, r0)) r0.id = env.newId();
}

function answerStruct(env: Env, kfunc: Kfunc, meta: KfuncMeta, r0: Reg, id: number): void {
  let trust = 0;
  if (kfunc.name === 'bpf_get_kmem_cache') trust = UNTRUSTED;
  else if (hasFlag(kfunc, 'rcu_protected')) trust = RCU;
  if (hasFlag(kfunc, 'iter_next') && meta.iter) trust = iteratorReg(env, meta.iter).type & RCU ? RCU : TRUSTED;
  r0.markPointer(BTF_PTR | trust);
  r0.aux = id;
  r0.aux2 = 0;
}

function answerMemory(env: Env, kfunc: Kfunc, meta: KfuncMeta, r0: Reg, id: number, pointed: BtfType): void {
  let size = meta.bufferSize;
  let readOnly = meta.bufferReadOnly;
  if (!size) {
    try {
      size = sizeOf(env.kernelBtf, id);
      readOnly = true;
    } catch (error) {
      if (!(error instanceof BtfError)) throw error;
    }
  }
  if (!size) {
    const text = `${pointed.kind.toUpperCase()} ${'name' in pointed ? pointed.name : ''}`;
    env.reject('EINVAL', `kernel function ${kfunc.name} returns pointer type ${text} is not supported`);
  }
  r0.markPointer(MEM | (readOnly ? RDONLY : 0) | (hasFlag(kfunc, 'rcu_protected') ? RCU : 0));
  r0.aux = size;
  r0.refId = meta.refId;
}

/** True where the answer is not what the prototype says. */
function answerSpecial(env: Env, kfunc: Kfunc, meta: KfuncMeta, r0: Reg): boolean {
  switch (kfunc.name) {
    case 'bpf_obj_new_impl':
    case 'bpf_percpu_obj_new_impl':
      answerNew(env, kfunc.name === 'bpf_percpu_obj_new_impl', meta, r0);
      return true;
    case 'bpf_refcount_acquire_impl':
      r0.markPointer(BTF_PTR | ALLOC);
      r0.aux = meta.objectId;
      r0.aux2 = meta.objectBtf;
      return true;
    case 'bpf_list_pop_front':
    case 'bpf_list_pop_back':
    case 'bpf_list_front':
    case 'bpf_list_back':
    case 'bpf_rbtree_remove':
    case 'bpf_rbtree_first':
    case 'bpf_rbtree_root':
    case 'bpf_rbtree_left':
    case 'bpf_rbtree_right':
      if (!meta.root) bug(`${kfunc.name} without a root`);
      r0.markPointer(BTF_PTR | ALLOC);
      r0.aux = meta.root.typeId;
      r0.aux2 = meta.root.btf;
      r0.off = meta.root.nodeOffset;
      return true;
    case 'bpf_cast_to_kern_ctx':
      answerContext(env, r0);
      return true;
    case 'bpf_rdonly_cast':
      answerCast(env, meta, r0);
      return true;
    case 'bpf_dynptr_slice':
    case 'bpf_dynptr_slice_rdwr':
      answerSlice(env, kfunc.name === 'bpf_dynptr_slice', meta, r0);
      return true;
    default:
      return false;
  }
}

function answerNew(env: Env, percpu: boolean, meta: KfuncMeta, r0: Reg): void {
  const id = meta.constant ?? 0n;
  if (id > 0xffff_ffffn) env.reject('EINVAL', 'local type ID argument must be in range [0, U32_MAX]');
  const { btf } = env.input;
  if (!btf) env.reject('EINVAL', 'bpf_obj_new/bpf_percpu_obj_new requires prog BTF');
  const t = btf.type(Number(id));
  if (t?.kind !== 'struct') {
    env.reject('EINVAL', 'bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct');
  }
  if (percpu) {
    if (t.size > MAX_PERCPU_OBJECT) {
      env.reject('EINVAL', `bpf_percpu_obj_new type size (${t.size}) is greater than ${MAX_PERCPU_OBJECT}`);
    }
    if (!isScalarStruct(env, btf, t, 0)) {
      env.reject('EINVAL', 'bpf_percpu_obj_new type ID argument must be of a struct of scalars');
    }
    if (recordOf(env, 1, Number(id)).fields.length > 0) {
      env.reject('EINVAL', 'bpf_percpu_obj_new type ID argument must not contain special fields');
    }
  }
  r0.markPointer(BTF_PTR | ALLOC | (percpu ? PERCPU : 0));
  r0.aux = Number(id);
  r0.aux2 = 1;
}

function answerContext(env: Env, r0: Reg): void {
  const btf = env.kernelBtf;
  // The kernel pairs what programs see with what is behind it: BPF_PROG_TYPE_XDP_prog, BPF_PROG_TYPE_XDP_kern.
  const pairs = btf.type(btf.find('bpf_ctx_convert', 'struct'));
  const wanted = `BPF_PROG_TYPE_${progTypeName(env)?.toUpperCase()}_kern`;
  const member = pairs?.kind === 'struct' ? pairs.members.find((m) => m.name === wanted) : undefined;
  const id = member?.type ?? 0;
  if (btf.type(id)?.kind !== 'struct') env.reject('EINVAL', `kern ctx type id ${id} is not a struct`);
  r0.markPointer(BTF_PTR | TRUSTED);
  r0.aux = id;
  r0.aux2 = 0;
}

function answerCast(env: Env, meta: KfuncMeta, r0: Reg): void {
  const id = meta.constant ?? 0n;
  const t = id < 0x1_0000_0000n ? env.kernelBtf.type(Number(id)) : undefined;
  if (!t) env.reject('EINVAL', `Unknown type ID ${id} passed to kfunc bpf_rdonly_cast`);
  if (t.kind === 'struct' || t.kind === 'union') {
    r0.markPointer(BTF_PTR | UNTRUSTED);
    r0.aux = Number(id);
    r0.aux2 = 0;
  } else if (t.kind === 'void') {
    r0.markPointer(MEM | RDONLY | UNTRUSTED);
    r0.aux = 0;
  } else {
    env.reject('EINVAL', 'kfunc bpf_rdonly_cast type ID argument must be of a struct or void');
  }
}

function answerSlice(env: Env, readOnly: boolean, meta: KfuncMeta, r0: Reg): void {
  const { kind, id } = meta.dynptr;
  const packet = kind === DYNPTR_KINDS.skb || kind === DYNPTR_KINDS.xdp || kind === DYNPTR_KINDS.skb_meta;
  r0.markPointer(MEM | (packet ? PKT_SLICE : 0));
  r0.aux = Number(BigInt.asUintN(32, meta.constant ?? 0n));
  r0.aux2 = id;
  if (readOnly) r0.type |= RDONLY;
  else if (!mayAccessPacket(env, true, false)) env.reject('EINVAL', 'the prog does not allow writes to packet data');
}
