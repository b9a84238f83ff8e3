/**
 * One argument of a helper: its type, then what its kind asks for. Linux: check_func_arg().
 */
import * as c from '../../../uapi/generated/constants.ts';
import type { ArgKind } from '../../../uapi/helper-kinds.ts';
import type { Env } from '../../env.ts';
import { checkSource, isPointerLeak } from '../../insn/operands.ts';
import { checkBtfArgument } from '../../pointer/btf-id.ts';
import { checkAlignment } from '../../pointer/index.ts';
import { checkExchanged, exchangedField } from '../../pointer/kptr.ts';
import { mayAccessPacket } from '../../pointer/packet.ts';
import { checkUnmodified } from '../../pointer/region.ts';
import { DYNPTR_KINDS, findDynptr } from '../../resource/dynptr.ts';
import { checkKeptField } from '../../resource/kernel-field.ts';
import { useSpinLock } from '../../resource/lock.ts';
import { OUT_OF_STACK, slotOfObject } from '../../resource/slots.ts';
import type { Reg } from '../../state/reg.ts';
import {
  ALLOC,
  BASE_MASK,
  BTF_PTR,
  BUF,
  isPacket,
  MAP_KEY,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  PERCPU,
  PKT_SLICE,
  PTR_STACK,
  RCU,
  RDONLY,
  SCALAR,
  SLOT_SPILL,
  SLOT_ZERO,
  typeName,
} from '../../state/types.ts';
import type { CallMeta } from '../meta.ts';
import { checkConstString } from './const-str.ts';
import { useDynptr } from './dynptr.ts';
import { type BareKind, bareKind, KINDS, kindParameter } from './kinds.ts';
import { checkHelperMemory, checkSize } from './memory.ts';

export function checkArgument(env: Env, meta: CallMeta, kinds: readonly ArgKind[], index: number): void {
  const regno = index + 1;
  const kind = kinds[index]!;
  checkSource(env, regno);
  const reg = env.reg(regno);
  if (kind === 'anything') {
    if (isPointerLeak(env, regno)) env.reject('EACCES', `R${regno} leaks addr into helper function`);
    return;
  }
  if (isPacket(reg.type) && !mayAccessPacket(env, false, true, meta.pktAccess)) {
    env.reject('EACCES', 'helper access to the packet is not allowed');
  }
  const bare = bareKind(kind);
  const facts = KINDS[bare];
  if (!(reg.isNull && facts.orNull)) {
    checkType(env, meta, regno, reg, kind, bare);
    checkOffset(env, regno, reg, bare);
  }
  if (facts.releases) {
    if (reg.base === BTF_PTR && reg.mayBeNull) {
      env.reject('EACCES', `Possibly NULL pointer passed to helper arg${regno}`);
    }
    if (bare === 'dynptr_release') checkAcquiredDynptr(env, regno, reg);
    else if (!reg.refId && !reg.isNull) {
      env.reject('EINVAL', `R${regno} must be referenced when passed to release function`);
    }
    meta.releaseRegno = regno;
  }
  if (reg.refId && bare !== 'kptr_xchg_dest') {
    if (meta.refId) {
      env.reject('EACCES', `more than one arg with ref_obj_id R${regno} ${reg.refId} ${meta.refId}`);
    }
    meta.refId = reg.refId;
  }
  checkKind(env, meta, kinds, index, bare, reg);
}

function checkKind(env: Env, meta: CallMeta, kinds: readonly ArgKind[], index: number, bare: BareKind, reg: Reg): void {
  const regno = index + 1;
  const facts = KINDS[bare];
  switch (bare) {
    case 'const_map_ptr':
      if (meta.map >= 0 && (meta.map !== reg.aux || meta.mapUid !== reg.aux2)) {
        env.reject(
          'EINVAL',
          `timer pointer in R1 map_uid=${meta.mapUid} doesn't match map pointer in R2 map_uid=${reg.aux2}`,
        );
      }
      meta.map = reg.aux;
      meta.mapUid = reg.aux2;
      return;
    case 'map_key': {
      const map = env.maps[meta.map]!;
      checkHelperMemory(env, regno, map.keySize, false, false, null);
      if (map.type === c.BPF_MAP_TYPE_ARRAY || map.type === c.BPF_MAP_TYPE_PERCPU_ARRAY) {
        meta.constKey = constantKey(env, reg, map.keySize);
      }
      return;
    }
    case 'map_value':
    case 'uninit_map_value':
    case 'map_value_or_null': {
      if ((facts.orNull && reg.isNull) || keepsSockets(env, meta)) return;
      meta.raw = facts.uninit === true;
      checkHelperMemory(env, regno, env.maps[meta.map]!.valueSize, facts.writes === true, false, meta);
      return;
    }
    case 'mem':
    case 'mem_or_null':
    case 'write_mem':
    case 'write_mem_or_null':
    case 'uninit_mem':
      meta.raw = facts.uninit === true;
      return;
    case 'fixed_mem':
    case 'write_fixed_mem':
    case 'uninit_fixed_mem': {
      meta.raw = facts.uninit === true;
      const size = Number(kindParameter(kinds[index]!));
      checkHelperMemory(env, regno, size, facts.writes === true, false, meta);
      if (facts.writes) checkAlignment(env, reg, 0, size, true);
      return;
    }
    case 'const_size':
    case 'const_size_or_zero': {
      const memory = KINDS[bareKind(kinds[index - 1]!)];
      checkSize(env, regno, memory.writes === true, bare === 'const_size_or_zero', meta);
      return;
    }
    case 'const_alloc_size_or_zero':
      if (!reg.isConst) env.reject('EACCES', `R${regno} is not a known constant'`);
      meta.memSize = Number(reg.value & 0xffff_ffffn);
      env.walk.precision.markReg(regno);
      return;
    case 'const_str':
      checkConstString(env, reg, regno);
      return;
    case 'func':
      meta.subprog = reg.aux;
      return;
    case 'spin_lock':
      useSpinLock(env, regno, meta.id === c.BPF_FUNC_spin_lock);
      return;
    case 'const_dynptr':
    case 'uninit_dynptr':
    case 'dynptr_release':
      checkDynptr(env, meta, kinds[index]!, bare, regno);
      return;
    case 'percpu_btf_id':
      meta.percpu = { btf: reg.aux2, id: reg.aux, own: (reg.type & RCU) !== 0 };
      return;
    case 'kptr_xchg_dest':
      meta.kptr = exchangedField(env, regno);
      return;
    case 'timer':
      checkKeptField(env, reg, regno, 'bpf_timer');
      meta.map = reg.aux;
      meta.mapUid = reg.aux2;
      return;
    case 'anything':
    case 'ctx':
    case 'ctx_or_null':
    case 'stack_or_null':
    case 'sock_common':
    case 'socket_or_null':
    case 'btf_id_sock_common':
    case 'btf_id_sock_common_or_null':
    case 'btf_id_sock_common_release':
    case 'btf_id':
    case 'btf_id_or_null':
    case 'ringbuf_mem_release':
    case 'kptr_or_null_release':
      return;
  }
}

function checkAcquiredDynptr(env: Env, regno: number, reg: Reg): void {
  if (reg.type !== PTR_STACK) env.reject('EINVAL', 'cannot release unowned const bpf_dynptr');
  const at = slotOfObject(env, reg, 'dynptr', 2);
  const found = at !== null && at !== OUT_OF_STACK && env.cur.frames[reg.frameno]!.spilled[at]!.refId;
  if (!found) env.reject('EINVAL', `arg ${regno} is an unacquired reference`);
}

function checkDynptr(env: Env, meta: CallMeta, kind: ArgKind, bare: BareKind, regno: number): void {
  const name = kind.includes(':') ? kindParameter(kind) : '';
  const wanted = (DYNPTR_KINDS as Readonly<Record<string, number>>)[name] ?? 0;
  const uninit = bare === 'uninit_dynptr';
  useDynptr(env, { regno, uninit, kind: wanted, cloneRef: 0 });
  if (uninit) return;
  const known = findDynptr(env, env.reg(regno))!;
  meta.dynptr = { id: known.id, kind: known.aux, refId: known.refId };
}

function checkType(env: Env, meta: CallMeta, regno: number, reg: Reg, kind: ArgKind, bare: BareKind): void {
  const facts = KINDS[bare];
  let types = facts.types;
  let { type } = reg;
  // Socket maps keep sockets, not bytes.
  if (bare.startsWith('map_value') || bare === 'uninit_map_value') {
    if (keepsSockets(env, meta)) {
      if (bare !== 'map_value') env.reject('EINVAL', 'invalid arg_type for sockmap/sockhash');
      types = KINDS.btf_id_sock_common.types;
      kind = 'btf_id_sock_common';
    }
  }
  type &= ~PKT_SLICE;
  if (facts.readOnly) type &= ~RDONLY;
  if (facts.orNull) type &= ~MAYBE_NULL;
  if (bare === 'kptr_or_null_release') type &= ~(ALLOC | PERCPU);
  expectType(env, regno, type, types);
  if (bare === 'kptr_or_null_release') {
    // An object of the program's own that was not compared with NULL is none of the kinds that Linux thought of here.
    if (reg.mayBeNull && reg.type & ALLOC) {
      env.reject('EFAULT', 'verifier bug: invalid PTR_TO_BTF_ID register for type match');
    }
    if (!reg.mayBeNull) checkExchanged(env, env.reg(1), reg, regno, meta.kptr!);
  }
  if ((reg.type & BASE_MASK) !== BTF_PTR) return;
  checkBtfArgument(env, meta, regno, reg, kind, facts);
}

/** Rejects where `type`, that of r(regno) without what does not count, is none of `types`. */
export function expectType(env: Env, regno: number, type: number, types: readonly number[]): void {
  if (types.includes(type)) return;
  const expected = types.map((t) => typeName(t)).join(', ');
  env.reject('EACCES', `R${regno} type=${typeName(env.reg(regno).type)} expected=${expected}`);
}

function keepsSockets(env: Env, meta: CallMeta): boolean {
  const { type } = env.maps[meta.map]!;
  return type === c.BPF_MAP_TYPE_SOCKMAP || type === c.BPF_MAP_TYPE_SOCKHASH;
}

/** Whether the pointer may have been moved from where it was. */
function checkOffset(env: Env, regno: number, reg: Reg, bare: BareKind): void {
  if (bare.includes('dynptr') && reg.type === PTR_STACK) return;
  checkPointerOffset(env, regno, reg, KINDS[bare].releases === true);
}

/** As checkOffset, by what the register is alone. */
export function checkPointerOffset(env: Env, regno: number, reg: Reg, releases: boolean): void {
  if (releases) {
    if (reg.off) {
      env.reject('EINVAL', `R${regno} must have zero offset when passed to release func or trusted arg to kfunc`);
    }
    checkUnmodified(env, reg, regno);
    return;
  }
  if (isPacket(reg.type)) return;
  switch (reg.type & BASE_MASK) {
    case PTR_STACK:
    case MAP_KEY:
    case MAP_VALUE:
    case MEM:
    case BUF:
    case SCALAR:
      return;
    case BTF_PTR:
      checkUnmodified(env, reg, regno, !reg.mayBeNull);
      return;
    default:
      checkUnmodified(env, reg, regno);
  }
}

/** The key where it is one known number on the stack, else -1. The verdict then rests on it. */
function constantKey(env: Env, key: Reg, keySize: number): bigint {
  if (!env.caps.bpf || key.type !== PTR_STACK || !key.isConst) return -1n;
  const frame = env.cur.frames[key.frameno]!;
  const off = key.off + Number(BigInt.asIntN(64, key.value));
  const n = (-off - 1) >> 3;
  const first = (-off - 1) & 7;
  let zeros = 0;
  for (let b = first; b >= 0 && frame.kind(n, b) === SLOT_ZERO; b--) zeros++;
  if (zeros >= keySize) return 0n;
  if (!frame.isSpilledScalar(n)) return -1n;
  let spilled = 0;
  for (let b = first; b >= 0 && frame.kind(n, b) === SLOT_SPILL; b--) spilled++;
  const reg = frame.spilled[n]!;
  if (spilled !== keySize || !reg.isConst) return -1n;
  env.walk.precision.markSlot(key.frameno, n);
  return reg.value;
}
