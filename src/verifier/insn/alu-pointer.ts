/**
 * Pointer plus or minus a number. A known number goes into the fixed offset, others into the variable part.
 * Linux: adjust_ptr_min_max_vals(), check_reg_sane_offset().
 */
import { BPF_ADD, BPF_AND, BPF_OR, BPF_SUB, BPF_XOR } from '../../isa/index.ts';
import { addWide } from '../domain/alu.ts';
import { syncBounds } from '../domain/bounds.ts';
import { lessSigned, lessUnsigned, SMAX, SMIN, same64, UMAX, UMIN } from '../domain/lanes64.ts';
import { tnumSub } from '../domain/tnum.ts';
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';
import {
  BTF_PTR,
  BUF,
  base,
  DYNPTR,
  FLOW_KEYS,
  FUNC,
  isPacket,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  PKT,
  PKT_META,
  PTR_CTX,
  PTR_STACK,
  TP_BUFFER,
  typeName,
  UNTRUSTED,
} from '../state/types.ts';
import { ALU_STRINGS } from './alu-strings.ts';

/** Offsets stay below this, so that sums of a few of them never overflow. */
const MAX_VAR_OFF = 1 << 29;
const MAX_VAR_OFF_BIG = BigInt(MAX_VAR_OFF);
const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const U64_MAX = (1n << 64n) - 1n;

/** `dst = ptr op off`, where `dst` is the register of either; `ptr` and `off` may be the target. */
export function pointerAlu(env: Env, op: number, wide: boolean, dst: number, ptrReg: Reg, offReg: Reg): void {
  const to = env.reg(dst);
  const fromScalar = to.at === offReg.at && to.i === offReg.i;
  // Copies: the target is one of them.
  const ptr = env.temp[2]!;
  const off = env.temp[3]!;
  ptr.copyFrom(ptrReg);
  off.copyFrom(offReg);
  const known = off.isConst;
  if (isContradiction(off, known)) {
    to.markUnknown();
    return;
  }
  if (!wide) {
    if (op === BPF_SUB && env.caps.perfmon) {
      to.markUnknown();
      return;
    }
    env.reject('EACCES', `R${dst} 32-bit pointer arithmetic prohibited`);
  }
  const type = ptr.type;
  if (type & MAYBE_NULL) {
    env.reject('EACCES', `R${dst} pointer arithmetic on ${typeName(type)} prohibited, null-check it first`);
  }
  if (base(type) === MEM && type & UNTRUSTED) return;
  if (!allowsArithmetic(op, type, known, off)) {
    env.reject('EACCES', `R${dst} pointer arithmetic on ${typeName(type)} prohibited`);
  }
  checkSaneOffset(env, off, type);
  checkSaneOffset(env, ptr, type);
  const move = env.speculation?.begin(op, ptr, off, fromScalar) ?? null;
  switch (op) {
    case BPF_ADD:
      to.copyFrom(ptr);
      to.setUnbounded32();
      addOffset(env, to, ptr, off, known);
      break;
    case BPF_SUB:
      if (fromScalar) env.reject('EACCES', `R${dst} tried to subtract pointer from scalar`);
      if (type === PTR_STACK) env.reject('EACCES', `R${dst} subtraction from stack pointer prohibited`);
      to.setUnbounded32();
      subOffset(env, to, ptr, off, known);
      break;
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
      env.reject('EACCES', `R${dst} bitwise operator ${ALU_STRINGS[op >> 4]} on pointer prohibited`);
      break;
    default:
      env.reject('EACCES', `R${dst} pointer arithmetic with ${ALU_STRINGS[op >> 4]} operator prohibited`);
  }
  checkSaneOffset(env, to, type);
  syncBounds(to);
  env.speculation?.end(move, to, dst);
}

/** Ranges of a path that cannot be. */
function isContradiction(r: Reg, known: boolean): boolean {
  const { i, at } = r;
  if (known && !(same64(i, at + SMIN, i, at + SMAX) && same64(i, at + UMIN, i, at + UMAX))) return true;
  return lessSigned(i, at + SMAX, i, at + SMIN) || lessUnsigned(i, at + UMAX, i, at + UMIN);
}

function allowsArithmetic(op: number, type: number, known: boolean, off: Reg): boolean {
  switch (base(type)) {
    case PTR_CTX:
    case MAP_VALUE:
    case MAP_KEY:
    case PTR_STACK:
    case PKT_META:
    case PKT:
    case TP_BUFFER:
    case BTF_PTR:
    case MEM:
    case BUF:
    case FUNC:
    case DYNPTR:
      return true;
    case FLOW_KEYS:
      if (known) return true;
      return false;
    case MAP_PTR:
      return known && off.smin === 0n && op === BPF_ADD;
    default:
      return false;
  }
}

/** `to` is a copy of `ptr`. */
function addOffset(env: Env, to: Reg, ptr: Reg, off: Reg, known: boolean): void {
  const fixed = ptr.off + off.low;
  if (known && off.isSigned32 && fixed === (fixed | 0)) {
    to.off = fixed;
    return;
  }
  addWide(to, off);
  if (isPacket(ptr.type)) {
    // Another unknown added: what was proven for the old pointer says nothing about this one.
    to.id = env.newId();
    to.range = 0;
  }
}

function subOffset(env: Env, to: Reg, ptr: Reg, off: Reg, known: boolean): void {
  const fixed = ptr.off - off.low;
  if (known && off.isSigned32 && fixed === (fixed | 0)) {
    to.off = fixed;
    return;
  }
  const smin = ptr.smin - off.smax;
  const smax = ptr.smax - off.smin;
  const fits = smin >= S64_MIN && smin <= S64_MAX && smax >= S64_MIN && smax <= S64_MAX;
  to.smin = fits ? smin : S64_MIN;
  to.smax = fits ? smax : S64_MAX;
  const wraps = ptr.umin < off.umax;
  to.umin = wraps ? 0n : ptr.umin - off.umax;
  to.umax = wraps ? U64_MAX : ptr.umax - off.umin;
  to.varOff = tnumSub(ptr.varOff, off.varOff);
  if (isPacket(ptr.type)) {
    to.id = env.newId();
    if (off.smin < 0n) to.range = 0;
  }
}

/** An offset that is bounded, and not absurdly large. */
function checkSaneOffset(env: Env, r: Reg, type: number): void {
  const { i, at } = r;
  const low = i[at + SMIN]!;
  // Nearly always: the least it can be is small.
  const small = i[at + SMIN + 1] === low >> 31 && low < MAX_VAR_OFF && low > -MAX_VAR_OFF;
  if (small && r.off < MAX_VAR_OFF && r.off > -MAX_VAR_OFF && (!r.isConst || r.low === low)) return;
  if (r.isConst) {
    const value = BigInt.asIntN(64, r.value);
    if (value >= MAX_VAR_OFF_BIG || value <= -MAX_VAR_OFF_BIG) {
      env.reject('EINVAL', `math between ${typeName(type)} pointer and ${value} is not allowed`);
    }
  }
  if (r.off >= MAX_VAR_OFF || r.off <= -MAX_VAR_OFF) {
    env.reject('EINVAL', `${typeName(type)} pointer offset ${r.off} is not allowed`);
  }
  const { smin } = r;
  if (smin === S64_MIN) {
    env.reject('EINVAL', `math between ${typeName(type)} pointer and register with unbounded min value is not allowed`);
  }
  if (smin >= MAX_VAR_OFF_BIG || smin <= -MAX_VAR_OFF_BIG) {
    env.reject('EINVAL', `value ${smin} makes ${typeName(type)} pointer be out of bounds`);
  }
}
