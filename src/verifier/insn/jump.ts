/**
 * Jumps. A comparison whose answer is known goes one way; others put one branch aside and learn from both.
 * Linux: check_cond_jmp_op().
 */
import {
  BPF_JA,
  BPF_JCOND,
  BPF_JEQ,
  BPF_JMP,
  BPF_JMP32,
  BPF_JNE,
  BPF_MAY_GOTO,
  BPF_X,
  classOf,
  jumpDistance,
  opOf,
  sourceOf,
} from '../../isa/index.ts';
import { collectLinked, syncLinked } from '../branch/linked.ts';
import { learnNullness, markNotNull } from '../branch/null-check.ts';
import { isPacketAny, isPacketTaken, learnPacketRange } from '../branch/packet-range.ts';
import { hasRanges } from '../domain/bounds.ts';
import { flipped, isTaken, learn, negated } from '../domain/compare.ts';
import type { Env } from '../env.ts';
import { pushHistory } from '../explore/history.ts';
import { MOVED, NEXT, type Outcome } from '../explore/outcome.ts';
import { widenLoop } from '../explore/widen.ts';
import { isTrusted } from '../pointer/btf-id.ts';
import { HIST_DST_STACK, HIST_SRC_STACK } from '../state/history.ts';
import type { Reg } from '../state/reg.ts';
import {
  BTF_PTR,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  PTR_STACK,
  SOCK_COMMON,
  SOCKET,
  TCP_SOCK,
  UNTRUSTED,
} from '../state/types.ts';
import { checkInvariants } from './invariants.ts';
import { checkSource, isPointerLeak } from './operands.ts';

export function gotoInsn(env: Env): Outcome {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const wide = classOf(code) === BPF_JMP32;
  if (
    sourceOf(code) === BPF_X ||
    insns.src[pc] ||
    insns.dst[pc] ||
    (wide ? insns.off[pc] !== 0 : insns.imm[pc] !== 0)
  ) {
    env.reject('EINVAL', 'BPF_JA uses reserved fields');
  }
  env.pc = pc + 1 + jumpDistance(code, insns.off[pc]!, insns.imm[pc]!);
  return MOVED;
}

export function jumpInsn(env: Env): Outcome {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const op = opOf(code);
  if (op === BPF_JA || op > BPF_JCOND) env.reject('EINVAL', `invalid BPF_JMP/JMP32 opcode ${op.toString(16)}`);
  if (op === BPF_JCOND) return mayGoto(env);
  const is32 = classOf(code) === BPF_JMP32;
  const dst = insns.dst[pc]!;
  const src = insns.src[pc]!;
  const fromReg = sourceOf(code) === BPF_X;
  checkSource(env, dst);
  const a = env.reg(dst);
  let b = env.temp[0]!;
  if (fromReg) {
    if (insns.imm[pc] !== 0) env.reject('EINVAL', 'BPF_JMP/JMP32 uses reserved fields');
    checkSource(env, src);
    b = env.reg(src);
    if (!(isPacketAny(a.type) && isPacketAny(b.type)) && isPointerLeak(env, src)) {
      env.reject('EACCES', `R${src} pointer comparison prohibited`);
    }
  } else {
    if (src !== 0) env.reject('EINVAL', 'BPF_JMP/JMP32 uses reserved fields');
    b.markKnown32(insns.imm[pc]!);
  }
  const stackFlags =
    (a.type === PTR_STACK ? HIST_DST_STACK : 0) | (fromReg && b.type === PTR_STACK ? HIST_SRC_STACK : 0);
  if (stackFlags) pushHistory(env, stackFlags);
  const target = pc + 1 + insns.off[pc]!;
  const taken = branchTaken(op, is32, a, b);
  if (taken >= 0) {
    if (a.isScalar) env.walk.precision.markReg(dst);
    if (fromReg && b.isScalar) env.walk.precision.markReg(src);
    env.speculation?.guess(taken === 0 ? target : pc + 1, dst, fromReg ? src : -1);
    if (env.log.on) env.printInsnState();
    if (taken === 0) return NEXT;
    env.pc = target;
    return MOVED;
  }
  const { linked } = env;
  linked.clear();
  if (fromReg && b.isScalar && b.id) collectLinked(env, linked, b.id);
  if (a.isScalar && a.id) collectLinked(env, linked, a.id);
  if (linked.count > 1) pushHistory(env, 0, linked);

  const other = env.walk.push(target, pc);
  const otherLanes = other.frame.lanes;
  const otherA = env.other[0].point(otherLanes, dst);
  const otherB = fromReg ? env.other[1].point(otherLanes, src) : env.temp[1]!;
  if (!fromReg) otherB.copyFrom(b);
  // A register compared with itself learns from itself, as it does in Linux.
  if (a.isScalar && b.isScalar) {
    learn(negated(op), is32, a, b);
    learn(op, is32, otherA, otherB);
    if (!(hasRanges(otherA) && hasRanges(otherB) && hasRanges(a) && hasRanges(b))) {
      checkInvariants(env, otherA, 'true_reg1');
      checkInvariants(env, otherB, 'true_reg2');
      checkInvariants(env, a, 'false_reg1');
      checkInvariants(env, b, 'false_reg2');
    }
  }
  if (fromReg && b.isScalar && b.id) {
    syncLinked(env, env.cur, linked, b);
    syncLinked(env, other, linked, otherB);
  }
  if (a.isScalar && a.id) {
    syncLinked(env, env.cur, linked, a);
    syncLinked(env, other, linked, otherA);
  }
  if (!is32 && fromReg) shareNonNull(env, op, a, b, otherA, otherB);
  const isNullTest = !is32 && (op === BPF_JEQ || op === BPF_JNE) && !fromReg && insns.imm[pc] === 0;
  if (isNullTest && a.type & MAYBE_NULL) {
    learnNullness(env, other, dst, op === BPF_JEQ);
    learnNullness(env, env.cur, dst, op === BPF_JNE);
  } else if (!(fromReg && !is32 && learnPacketRange(op, dst, src, env.cur, other)) && isPointerLeak(env, dst)) {
    env.reject('EACCES', `R${dst} pointer comparison prohibited`);
  }
  if (env.log.on) env.printInsnState();
  return NEXT;
}

/** 1: always jumps, 0: never, -1: it depends. */
function branchTaken(op: number, is32: boolean, a: Reg, b: Reg): -1 | 0 | 1 {
  if (!is32 && isPacketAny(a.type) && isPacketAny(b.type)) return isPacketTaken(op, a, b);
  if (!isKnown(b, is32)) {
    op = flipped(op);
    const first = a;
    a = b;
    b = first;
  }
  if (!a.isScalar || !b.isScalar) {
    if (!isKnown(b, is32) || !isNotNull(a)) return -1;
    // Only the comparison of a valid pointer with NULL is settled.
    if (b.low !== 0 || (!is32 && !b.isVarZero)) return -1;
    return op === BPF_JEQ ? 0 : op === BPF_JNE ? 1 : -1;
  }
  return isTaken(op, is32, a, b);
}

const isKnown = (r: Reg, is32: boolean): boolean => r.isScalar && (is32 ? r.isSubregConst : r.isConst);

function isNotNull(r: Reg): boolean {
  if (r.type & MAYBE_NULL) return false;
  switch (r.base) {
    case SOCKET:
    case TCP_SOCK:
    case MAP_VALUE:
    case MAP_KEY:
    case SOCK_COMMON:
    case MAP_PTR:
      return true;
    case BTF_PTR:
      return isTrusted(r);
    case MEM:
      return !(r.type & UNTRUSTED);
    default:
      return false;
  }
}

/** Equal to a pointer that is not NULL: not NULL either. */
function shareNonNull(env: Env, op: number, a: Reg, b: Reg, otherA: Reg, otherB: Reg): void {
  if (a.isScalar || b.isScalar || a.mayBeNull === b.mayBeNull) return;
  if (a.base === BTF_PTR || b.base === BTF_PTR) return;
  if (op === BPF_JEQ) markNotNull(env, b.mayBeNull ? otherB : otherA);
  else if (op === BPF_JNE) markNotNull(env, b.mayBeNull ? b : a);
}

/** Taken or not as the kernel likes: both ways are walked, and loops through it converge. */
function mayGoto(env: Env): Outcome {
  const { insns, pc } = env;
  if (insns.code[pc] !== (BPF_JMP | BPF_JCOND) || insns.src[pc] !== BPF_MAY_GOTO || insns.dst[pc] || insns.imm[pc]) {
    env.reject('EINVAL', `invalid may_goto imm ${insns.imm[pc]}`);
  }
  const later = env.walk.push(pc + 1, pc);
  later.mayGotoDepth++;
  widenLoop(env.cur.parent?.parent ?? null, pc, later);
  env.pc = pc + 1 + insns.off[pc]!;
  return MOVED;
}
