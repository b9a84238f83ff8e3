/**
 * One argument of a kernel function: its BTF type, the suffix of its name and the function's flags say what it must be.
 * Linux: check_kfunc_args(), get_kfunc_ptr_arg_type().
 */
import { BtfError, bug } from '../../base/errors.ts';
import { type Btf, type BtfType, resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import { BPF_PROG_TYPE_LSM, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER } from '../../uapi/generated/constants.ts';
import { isContextType } from '../attach/context-type.ts';
import { type Env, Rejection } from '../env.ts';
import { isTrusted } from '../pointer/btf-id.ts';
import { structsMatch } from '../pointer/struct-match.ts';
import { DYNPTR_KINDS, findDynptr } from '../resource/dynptr.ts';
import { useGraphNode, useGraphRoot } from '../resource/graph.ts';
import { IRQ_LOCK, IRQ_NATIVE, useIrqFlag } from '../resource/irq.ts';
import { useIterator } from '../resource/iterator.ts';
import { checkKeptField, type KeptField } from '../resource/kernel-field.ts';
import { useLock } from '../resource/lock.ts';
import { inRcuSection } from '../resource/rcu.ts';
import type { Reg } from '../state/reg.ts';
import { REF_RES_LOCK, REF_RES_LOCK_IRQ } from '../state/state.ts';
import {
  ALLOC,
  BTF_PTR,
  FUNC,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  NON_OWN_REF,
  PERCPU,
  PTR_CTX,
  RCU,
  SCALAR,
  SOCK_COMMON,
  SOCKET,
  TCP_SOCK,
  TRUSTED,
  typeName,
} from '../state/types.ts';
import { hasFlag, type Kfunc, type KfuncParam } from '../structure/kfuncs.ts';
import { recordOf } from '../structure/map-record.ts';
import { checkConstString } from './arg/const-str.ts';
import { useDynptr } from './arg/dynptr.ts';
import { checkPointerOffset } from './arg/index.ts';
import { checkMemorySize, checkReadWrite } from './kfunc-memory.ts';
import type { KfuncMeta } from './kfunc-meta.ts';

/** Structures that pointers of other types stand for. */
const STANDS_FOR: Readonly<Record<number, string>> = {
  [SOCKET]: 'sock',
  [SOCK_COMMON]: 'sock_common',
  [TCP_SOCK]: 'tcp_sock',
  [MAP_PTR]: 'bpf_map',
};

/** What an argument that is a pointer may be. */
type Kind =
  | 'null'
  | 'ctx'
  | 'object'
  | 'refcounted'
  | 'dynptr'
  | 'iter'
  | 'list_head'
  | 'list_node'
  | 'rb_root'
  | 'rb_node'
  | 'workqueue'
  | 'task_work'
  | 'res_spin_lock'
  | 'irq_flag'
  | 'const_str'
  | 'callback'
  | 'map'
  | 'btf'
  | 'mem'
  | 'mem_size';

/** Structures that a kernel function takes in another way than as a pointer to them. */
const SPECIAL: Readonly<Record<string, Kind>> = {
  bpf_list_head: 'list_head',
  bpf_list_node: 'list_node',
  bpf_rb_root: 'rb_root',
  bpf_rb_node: 'rb_node',
  bpf_wq: 'workqueue',
  bpf_task_work: 'task_work',
  bpf_res_spin_lock: 'res_spin_lock',
};

export function checkKfuncArgs(env: Env, kfunc: Kfunc, meta: KfuncMeta): void {
  const { params } = kfunc;
  if (params.length > 5) env.reject('EINVAL', `Function ${kfunc.name} has ${params.length} > 5 args`);
  for (let k = 0; k < params.length; k++) {
    const param = params[k]!;
    if (ends(param, '__prog') || ends(param, '__ign')) continue;
    if (checkOne(env, kfunc, meta, k)) k++;
  }
  if (hasFlag(kfunc, 'release') && !meta.releaseRegno) {
    env.reject('EINVAL', `release kernel function ${kfunc.name} expects refcounted PTR_TO_BTF_ID`);
  }
}

const ends = (param: KfuncParam, suffix: string): boolean => param.name.endsWith(suffix);

/** True where the argument after it was checked with it. */
function checkOne(env: Env, kfunc: Kfunc, meta: KfuncMeta, k: number): boolean {
  const regno = k + 1;
  const param = kfunc.params[k]!;
  const btf = env.kernelBtf;
  const t = resolve(btf, param.type);
  const reg = env.reg(regno);
  if (t.kind === 'int' || t.kind === 'enum' || t.kind === 'enum64') {
    checkScalar(env, meta, param, regno, reg);
    return false;
  }
  if (t.kind !== 'ptr') env.reject('EINVAL', `Unrecognized arg#${k} type ${t.kind.toUpperCase()}`);
  const trusted = hasFlag(kfunc, 'trusted_args') || hasFlag(kfunc, 'release');
  const rcu = hasFlag(kfunc, 'rcu');
  const nullable = ends(param, '__nullable') || ends(param, '__opt');
  if ((reg.isNull || reg.mayBeNull) && !nullable && (trusted || rcu)) {
    env.reject('EACCES', `Possibly NULL pointer passed to trusted arg${k}`);
  }
  const releases = hasFlag(kfunc, 'release');
  if (reg.refId) {
    if (releases && meta.refId) {
      env.reject('EFAULT', `more than one arg with ref_obj_id R${regno} ${reg.refId} ${meta.refId}`);
    }
    meta.refId = reg.refId;
    if (releases) meta.releaseRegno = regno;
  }
  const pointedId = skipModifiers(btf, t.type);
  const pointed = resolve(btf, t.type);
  const kind = kindOf(env, kfunc, k, t.type, pointed);
  if (kind === 'null') return false;
  if (kind === 'map') noteMap(env, meta, reg, regno);
  if ((kind === 'map' || kind === 'object' || kind === 'btf') && (trusted || rcu) && !isTrustedReg(reg)) {
    if (!rcu) env.reject('EINVAL', `R${regno} must be referenced or trusted`);
    if (!(reg.type & RCU)) env.reject('EINVAL', `R${regno} must be a rcu pointer`);
  }
  checkPointerOffset(env, regno, reg, releases && reg.refId !== 0);
  switch (kind) {
    case 'ctx':
      if (reg.type !== PTR_CTX) env.reject('EINVAL', `arg#${k} expected pointer to ctx, but got ${typeName(reg.type)}`);
      return false;
    case 'object':
      checkObject(env, kfunc, meta, k, reg);
      return false;
    case 'dynptr':
      checkDynptr(env, kfunc, meta, param, regno);
      return false;
    case 'iter':
      if (kfunc.name === 'bpf_iter_css_task_new' && !mayWalkCssTasks(env)) {
        env.reject('EINVAL', 'css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs');
      }
      meta.iter = useIterator(env, kfunc, regno, param.type);
      if (meta.iter) meta.refId = env.cur.frames[meta.iter.frameno]!.spilled[meta.iter.slot]!.refId || meta.refId;
      return false;
    case 'list_head':
    case 'rb_root':
      meta.root = useGraphRoot(env, regno, kind === 'list_head' ? 'bpf_list_head' : 'bpf_rb_root');
      return false;
    case 'list_node':
    case 'rb_node':
      checkNode(env, kfunc, meta, k, reg, kind);
      return false;
    case 'refcounted':
      if (reg.base !== BTF_PTR || !(reg.type & ALLOC) || reg.type & PERCPU) {
        env.reject('EINVAL', `arg#${k} is neither owning or non-owning ref`);
      }
      if (!(reg.type & NON_OWN_REF)) meta.owningRef = true;
      checkRecord(env, reg);
      if (!recordOf(env, reg.aux2, reg.aux).fields.some((f) => f.kind === 'bpf_refcount')) {
        env.reject('EINVAL', `arg#${k} doesn't point to a type with bpf_refcount field`);
      }
      meta.objectBtf = reg.aux2;
      meta.objectId = reg.aux;
      return false;
    case 'workqueue':
      checkMapField(env, meta, k, reg, 'bpf_wq');
      return false;
    case 'task_work':
      checkMapField(env, meta, k, reg, 'bpf_task_work');
      return false;
    case 'res_spin_lock':
      if (reg.type !== MAP_VALUE && reg.type !== (BTF_PTR | ALLOC)) {
        env.reject('EINVAL', `arg#${k} doesn't point to map value or allocated object`);
      }
      useLock(env, regno, !kfunc.name.includes('unlock'), byIrq(kfunc) ? REF_RES_LOCK_IRQ : REF_RES_LOCK);
      return false;
    case 'irq_flag':
      useIrqFlag(env, regno, kfunc.name.endsWith('save'), byIrq(kfunc) ? IRQ_LOCK : IRQ_NATIVE);
      return false;
    case 'const_str':
      if (reg.type !== MAP_VALUE) env.reject('EINVAL', `arg#${k} doesn't point to a const string`);
      checkConstString(env, reg, regno);
      return false;
    case 'callback':
      if (reg.type !== FUNC) env.reject('EINVAL', `arg${k} expected pointer to func`);
      meta.subprog = reg.aux;
      return false;
    case 'map':
      // The map itself, or a pointer to its structure, as map iterators have.
      checkBtfPointer(env, kfunc, k, reg, env.kernelBtf.find('bpf_map', 'struct'));
      return false;
    case 'btf':
      checkBtfPointer(env, kfunc, k, reg, pointedId);
      return false;
    case 'mem':
      checkReadWrite(env, regno, memorySize(env, btf, k, t.type, pointed));
      return false;
    case 'mem_size':
      checkSized(env, kfunc, meta, k, reg);
      return true;
  }
}

/** The map itself; with a field of a map's value before it, the map of that value. */
function noteMap(env: Env, meta: KfuncMeta, reg: Reg, regno: number): void {
  const isMap = reg.base === MAP_PTR || reg.base === MAP_VALUE || reg.base === MAP_KEY;
  if (!isMap && reg.base !== BTF_PTR) env.reject('EINVAL', `pointer in R${regno} isn't map pointer`);
  if (!isMap) return;
  if (meta.map >= 0 && (meta.map !== reg.aux || meta.mapUid !== reg.aux2)) {
    const kinds = new Set(env.mapRecord(reg.aux).fields.map((f) => f.kind));
    const what = kinds.has('bpf_task_work') ? 'bpf_task_work' : kinds.has('bpf_wq') ? 'workqueue' : '';
    if (what) {
      env.reject(
        'EINVAL',
        `${what} pointer in R${regno - 1} map_uid=${meta.mapUid} doesn't match map pointer in R${regno} map_uid=${reg.aux2}`,
      );
    }
  }
  meta.map = reg.aux;
  meta.mapUid = reg.aux2;
}

/** The lock that disables interrupts keeps a flag of its own kind. */
const byIrq = (kfunc: Kfunc): boolean => /^bpf_res_spin_(lock_irqsave|unlock_irqrestore)$/.test(kfunc.name);

/** A workqueue or task work, which lie in map values. */
function checkMapField(env: Env, meta: KfuncMeta, k: number, reg: Reg, name: KeptField): void {
  if (reg.type !== MAP_VALUE) env.reject('EINVAL', `arg#${k} doesn't point to a map value`);
  checkKeptField(env, reg, k + 1, name);
  meta.map = reg.aux;
  meta.mapUid = reg.aux2;
}

function isTrustedReg(reg: Reg): boolean {
  return reg.base === BTF_PTR
    ? isTrusted(reg)
    : reg.refId !== 0 || (STANDS_FOR[reg.base] !== undefined && !reg.mayBeNull);
}

function checkScalar(env: Env, meta: KfuncMeta, param: KfuncParam, regno: number, reg: Reg): void {
  if (reg.type !== SCALAR) env.reject('EINVAL', `R${regno} is not a scalar`);
  if (ends(param, '__k')) {
    if (!reg.isConst) env.reject('EINVAL', `R${regno} must be a known constant`);
    env.walk.precision.markReg(regno);
    meta.constant = reg.value;
    return;
  }
  const readOnly = param.name === 'rdonly_buf_size';
  if (!readOnly && param.name !== 'rdwr_buf_size') return;
  if (meta.bufferSize) env.reject('EINVAL', '2 or more rdonly/rdwr_buf_size parameters for kfunc');
  if (!reg.isConst) env.reject('EINVAL', `R${regno} is not a const`);
  meta.bufferSize = Number(reg.value & 0xffff_ffffn);
  meta.bufferReadOnly = readOnly;
  env.walk.precision.markReg(regno);
}

function kindOf(env: Env, kfunc: Kfunc, k: number, pointedTo: number, pointed: BtfType): Kind {
  const param = kfunc.params[k]!;
  const next = kfunc.params[k + 1];
  const btf = env.kernelBtf;
  const reg = env.reg(k + 1);
  if (/^bpf_(cast_to_kern_ctx|session_is_return|session_cookie)$/.test(kfunc.name)) return 'ctx';
  const sized = next !== undefined && (ends(next, '__sz') || ends(next, '__szk')) && env.reg(k + 2).isScalar;
  if (isContextType(env, btf, pointedTo)) return 'ctx';
  if (ends(param, '__nullable') && reg.isNull && !sized) return 'null';
  if (ends(param, '__alloc')) return 'object';
  if (ends(param, '__refcounted_kptr')) return 'refcounted';
  const name = 'name' in pointed ? pointed.name : '';
  if (name === 'bpf_dynptr' || name === 'bpf_dynptr_kern') return 'dynptr';
  if (hasFlag(kfunc, 'iter_new') || hasFlag(kfunc, 'iter_next') || hasFlag(kfunc, 'iter_destroy')) {
    if (k === 0) return 'iter';
  } else if (ends(param, '__iter')) {
    return 'iter';
  }
  if (ends(param, '__irq_flag')) return 'irq_flag';
  const special = pointed.kind === 'struct' ? SPECIAL[name] : undefined;
  if (special) return special;
  if (ends(param, '__str')) return 'const_str';
  if (ends(param, '__map')) return 'map';
  if (reg.base === BTF_PTR || STANDS_FOR[reg.base]) {
    if (pointed.kind !== 'struct' && pointed.kind !== 'union') {
      env.reject(
        'EINVAL',
        `kernel function ${kfunc.name} args#${k} pointer type ${describe(pointed)} is not supported`,
      );
    }
    return 'btf';
  }
  if (pointed.kind === 'func_proto') return 'callback';
  const isScalar = pointed.kind === 'int' || pointed.kind === 'enum' || pointed.kind === 'enum64';
  if (!isScalar && !isScalarStruct(env, btf, pointed, 0) && !(sized && pointed.kind === 'void')) {
    env.reject(
      'EINVAL',
      `arg#${k} pointer type ${describe(pointed)} must point to ${sized ? 'void, ' : ''}scalar, or struct with scalar`,
    );
  }
  return sized ? 'mem_size' : 'mem';
}

const describe = (t: BtfType): string =>
  `${t.kind === 'void' ? 'UNKNOWN' : t.kind.toUpperCase()} ${'name' in t ? t.name : ''}`;

/** Structures within structures that are looked into. */
const MAX_NESTING = 3;

export function isScalarStruct(env: Env, btf: Btf, t: BtfType, depth: number): boolean {
  if (t.kind !== 'struct' && t.kind !== 'union') return false;
  for (const m of t.members) {
    let mt = resolve(btf, m.type);
    if (mt.kind === 'struct' || mt.kind === 'union') {
      if (depth >= MAX_NESTING) {
        env.write('max struct nesting depth exceeded\n');
        return false;
      }
      if (!isScalarStruct(env, btf, mt, depth + 1)) return false;
      continue;
    }
    if (mt.kind === 'array') mt = resolve(btf, mt.type);
    if (mt.kind !== 'int' && mt.kind !== 'enum' && mt.kind !== 'enum64') return false;
  }
  return true;
}

function memorySize(env: Env, btf: Btf, k: number, id: number, pointed: BtfType): number {
  try {
    return sizeOf(btf, id);
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    env.reject('EINVAL', `arg#${k} reference type('${describe(pointed)}') size cannot be determined: -22`);
  }
}

function checkSized(env: Env, kfunc: Kfunc, meta: KfuncMeta, k: number, reg: Reg): void {
  const size = env.reg(k + 2);
  if (!(reg.isNull && ends(kfunc.params[k]!, '__opt'))) {
    try {
      checkMemorySize(env, k + 2);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      env.reject(error.errno, `arg#${k} arg#${k + 1} memory, len pair leads to invalid memory access`);
    }
  }
  if (!ends(kfunc.params[k + 1]!, '__szk')) return;
  if (!size.isConst) env.reject('EINVAL', `R${k + 2} must be a known constant`);
  meta.constant = size.value;
}

/** Of a structure without any part of the kernel's Linux keeps no record, and is surprised. */
function checkRecord(env: Env, reg: Reg): void {
  if (recordOf(env, reg.aux2, reg.aux).fields.length === 0) {
    env.reject('EFAULT', "verifier bug: Couldn't find btf_record");
  }
}

function checkObject(env: Env, kfunc: Kfunc, meta: KfuncMeta, k: number, reg: Reg): void {
  if (reg.type === (BTF_PTR | ALLOC)) {
    if (kfunc.name !== 'bpf_obj_drop_impl') env.reject('EINVAL', `arg#${k} expected for bpf_obj_drop_impl()`);
  } else if (reg.type === (BTF_PTR | ALLOC | PERCPU)) {
    if (kfunc.name !== 'bpf_percpu_obj_drop_impl') {
      env.reject('EINVAL', `arg#${k} expected for bpf_percpu_obj_drop_impl()`);
    }
  } else {
    env.reject('EINVAL', `arg#${k} expected pointer to allocated object`);
  }
  if (!reg.refId) env.reject('EINVAL', 'allocated object must be referenced');
  meta.objectBtf = reg.aux2;
  meta.objectId = reg.aux;
}

function checkNode(env: Env, kfunc: Kfunc, meta: KfuncMeta, k: number, reg: Reg, kind: 'list_node' | 'rb_node'): void {
  if (kind === 'list_node' || kfunc.name === 'bpf_rbtree_add_impl') {
    if (reg.type !== (BTF_PTR | ALLOC)) env.reject('EINVAL', `arg#${k} expected pointer to allocated object`);
    if (!reg.refId) env.reject('EINVAL', 'allocated object must be referenced');
  } else {
    if (!(reg.base === BTF_PTR && reg.type & NON_OWN_REF) && !reg.refId) {
      env.reject('EINVAL', `${kfunc.name} can only take non-owning or refcounted bpf_rb_node pointer`);
    }
    if (env.frame.inRbtreeLess) env.reject('EINVAL', `${kfunc.name} not allowed in rbtree cb`);
  }
  useGraphNode(
    env,
    k + 1,
    kind === 'list_node' ? 'bpf_list_node' : 'bpf_rb_node',
    meta.root ?? bug(`${kfunc.name} without a root`),
  );
  meta.objectBtf = reg.aux2;
  meta.objectId = reg.aux;
}

function checkDynptr(env: Env, kfunc: Kfunc, meta: KfuncMeta, param: KfuncParam, regno: number): void {
  const uninit = ends(param, '__uninit');
  let kind = 0;
  let cloneRef = 0;
  if (kfunc.name === 'bpf_dynptr_from_skb') kind = DYNPTR_KINDS.skb;
  else if (kfunc.name === 'bpf_dynptr_from_xdp') kind = DYNPTR_KINDS.xdp;
  else if (kfunc.name === 'bpf_dynptr_from_skb_meta') kind = DYNPTR_KINDS.skb_meta;
  else if (kfunc.name === 'bpf_dynptr_clone' && uninit) {
    kind = meta.dynptr.kind;
    cloneRef = meta.dynptr.refId;
  }
  useDynptr(env, { regno, uninit, kind, cloneRef });
  if (uninit) return;
  const known = findDynptr(env, env.reg(regno))!;
  meta.dynptr = { id: known.id, kind: known.aux, refId: known.refId };
}

function mayWalkCssTasks(env: Env): boolean {
  const { progType } = env.input;
  if (progType === BPF_PROG_TYPE_LSM || env.cur.inSleepable) return true;
  return progType === BPF_PROG_TYPE_TRACING && env.attachType === BPF_TRACE_ITER;
}

function checkBtfPointer(env: Env, kfunc: Kfunc, k: number, reg: Reg, wantedId: number): void {
  const standIn = STANDS_FOR[reg.base];
  const unsafe = reg.type & ~0xff & ~(TRUSTED | ALLOC | NON_OWN_REF);
  const isRcu = (reg.type & RCU) !== 0 && inRcuSection(env);
  // No function of the reference kernel takes a socket that need not be trusted: one that may be NULL comes from nowhere.
  if ((reg.base !== BTF_PTR && !standIn) || (unsafe && !isRcu)) {
    const shown = typeName((reg.type & 0xff) | (reg.type & (TRUSTED | ALLOC | RCU | NON_OWN_REF)));
    env.reject('EINVAL', `arg#${k} is ${typeName(reg.type)} expected ${shown} or socket`);
  }
  const btfNo = standIn ? 0 : reg.aux2;
  const btf = env.btfOf(btfNo);
  const id = standIn ? env.kernelBtf.find(standIn, 'struct') : reg.aux;
  const wanted = env.btfTypeName(0, wantedId);
  const have = env.btfTypeName(btfNo, id);
  const strict = (hasFlag(kfunc, 'release') && reg.refId !== 0) || isNocastAlias(have, wanted);
  const same = btfNo === 0 && structsMatch(env, btf, id, reg.off, wantedId, strict);
  if (same || isProjection(wanted, have)) return;
  const haveType = resolve(btf, id);
  env.reject(
    'EINVAL',
    `kernel function ${kfunc.name} args#${k} expected pointer to ${describe(resolve(env.kernelBtf, wantedId))} but R${k + 1} has a pointer to ${describe(haveType)}`,
  );
}

/** `nf_conn___init` is not to be mistaken for `nf_conn`. */
const isNocastAlias = (a: string, b: string): boolean =>
  (a.endsWith('___init') && a.slice(0, -7) === b) || (b.endsWith('___init') && b.slice(0, -7) === a);

/** What a program sees as its context, and the structure behind it. */
const isProjection = (projection: string, real: string): boolean =>
  (projection === '__sk_buff' && real === 'sk_buff') || (projection === 'xdp_md' && real === 'xdp_buff');
