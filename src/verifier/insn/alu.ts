/**
 * Arithmetic and moves, 32 and 64 bits. Linux: check_alu_op(), adjust_reg_min_max_vals().
 */
import {
  BPF_ADD,
  BPF_ADDR_SPACE_CAST,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_DIV,
  BPF_END,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_TO_LE,
  BPF_X,
  classOf,
  opOf,
  sourceOf,
} from '../../isa/index.ts';
import { assignScalarId } from '../branch/linked.ts';
import { alu, swapBytes } from '../domain/alu.ts';
import { signExtend32, signExtend64, syncBounds, zeroExtend32 } from '../domain/bounds.ts';
import type { Env } from '../env.ts';
import { ADD_CONST, ADD_CONST32, ADD_CONST64 } from '../log/state.ts';
import { Reg } from '../state/reg.ts';
import { ARENA, SCALAR } from '../state/types.ts';
import { pointerAlu } from './alu-pointer.ts';
import { ALU_STRINGS } from './alu-strings.ts';
import { checkInvariants } from './invariants.ts';
import { checkSource, checkTarget, isPointerLeak } from './operands.ts';

export function aluInsn(env: Env): void {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const op = opOf(code);
  if (op === BPF_END || op === BPF_NEG) unary(env, op);
  else if (op === BPF_MOV) move(env);
  else if (op > BPF_END) env.reject('EINVAL', `invalid BPF_ALU opcode ${op.toString(16)}`);
  else binary(env, op);
  if (env.speculation) checkInvariants(env, env.reg(insns.dst[pc]!), 'alu');
}

function unary(env: Env, op: number): void {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const imm = insns.imm[pc]!;
  const dst = insns.dst[pc]!;
  const wide = classOf(code) === BPF_ALU64;
  if (op === BPF_NEG) {
    if (sourceOf(code) === BPF_X || insns.src[pc] || insns.off[pc] || imm) {
      env.reject('EINVAL', 'BPF_NEG uses reserved fields');
    }
  } else if (
    insns.src[pc] ||
    insns.off[pc] ||
    (imm !== 16 && imm !== 32 && imm !== 64) ||
    (wide && sourceOf(code) !== BPF_TO_LE)
  ) {
    env.reject('EINVAL', 'BPF_END uses reserved fields');
  }
  checkSource(env, dst);
  if (isPointerLeak(env, dst)) env.reject('EACCES', `R${dst} pointer arithmetic prohibited`);
  checkTarget(env, dst);
  const reg = env.reg(dst);
  if (op === BPF_NEG && reg.isScalar) {
    alu(BPF_NEG, !wide, reg, reg);
    dropScalarId(env, dst);
  } else if (op === BPF_END && reg.isScalar) {
    // This machine is little-endian: to_le only cuts.
    const swaps = wide || sourceOf(code) !== BPF_TO_LE;
    // Of all 64 bits nothing is cut: the number stays, and what it is linked to.
    if (!swaps && imm === 64) return;
    swapBytes(reg, imm / 8, swaps);
    dropScalarId(env, dst);
  } else {
    reg.markUnknown();
  }
}

/**
 * The constant that is added to a linked number, where the link can go on with it: once only, and in 32 bits only
 * while there is nothing in the upper half.
 */
function deltaOf(env: Env, op: number, wide: boolean, to: Reg, operand: Reg, toItself: boolean): number | null {
  if (!env.caps.bpf || (op !== BPF_ADD && op !== BPF_SUB) || toItself || !to.id || to.id & ADD_CONST) return null;
  if (!(wide ? operand.isConst : operand.isSubregConst)) return null;
  if (!wide && !to.isUmaxBelow(32)) return null;
  if (wide && !operand.isSigned32) return null;
  const off = operand.low;
  if (op === BPF_ADD) return off;
  return off === -0x8000_0000 ? null : -off;
}

/**
 * A number that is 0 or -1 is a condition that the compiler turned into a mask: both cases are walked on their own.
 * Linux: maybe_fork_scalars().
 */
function forkMask(env: Env, reg: Reg, r: number): void {
  // Of numbers that are 0 or -1, so are the low halves; nearly all are not.
  if (reg.s32min !== -1 || reg.s32max !== 0) return;
  const wide = reg.smin === -1n && reg.smax === 0n;
  const other = new Reg(env.walk.push(env.pc, env.pc).frame.lanes, r);
  if (wide) {
    other.setConst(0n);
    reg.setConst(0xffff_ffff_ffff_ffffn);
  } else {
    other.setLow32(0);
    reg.setLow32(-1);
  }
}

function dropScalarId(env: Env, r: number): void {
  const reg = env.reg(r);
  reg.id = 0;
  reg.off = 0;
}

function move(env: Env): void {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const wide = classOf(code) === BPF_ALU64;
  const dst = insns.dst[pc]!;
  const src = insns.src[pc]!;
  const off = insns.off[pc]!;
  const imm = insns.imm[pc]!;
  if (sourceOf(code) !== BPF_X) {
    if (src || off) env.reject('EINVAL', 'BPF_MOV uses reserved fields');
    checkTarget(env, dst);
    if (wide) env.reg(dst).markKnown32(imm);
    else env.reg(dst).markKnownU32(imm);
    return;
  }
  if (wide && off === BPF_ADDR_SPACE_CAST) {
    if (imm !== 1 && imm !== 1 << 16) {
      env.reject('EINVAL', 'addr_space_cast insn can only convert between address space 1 and 0');
    }
    if (!env.arena) {
      env.reject('EINVAL', 'addr_space_cast insn can only be used in a program that has an associated arena');
    }
  } else if ((off !== 0 && off !== 8 && off !== 16 && !(wide && off === 32)) || imm) {
    env.reject('EINVAL', 'BPF_MOV uses reserved fields');
  }
  checkSource(env, src);
  checkTarget(env, dst);
  const from = env.reg(src);
  const to = env.reg(dst);
  if (wide) {
    if (imm) {
      to.markUnknown();
      if (imm === 1) to.type = ARENA;
    } else if (off === 0) {
      assignScalarId(env, from);
      to.copyFrom(from);
    } else if (isPointerLeak(env, src)) {
      env.reject('EACCES', `R${src} sign-extension part of pointer`);
    } else if (from.isScalar) {
      const same = from.isUmaxBelow(off - 1);
      if (same) assignScalarId(env, from);
      to.copyFrom(from);
      if (!same) dropScalarId(env, dst);
      signExtend64(to, off >> 3);
    } else {
      to.markUnknown();
    }
    return;
  }
  if (isPointerLeak(env, src)) env.reject('EACCES', `R${src} partial copy of pointer`);
  if (from.isScalar) {
    const same = from.isUmaxBelow(off === 0 ? 32 : off - 1);
    if (same) assignScalarId(env, from);
    to.copyFrom(from);
    if (!same) dropScalarId(env, dst);
    if (off !== 0) signExtend32(to, off >> 3);
  } else {
    to.markUnknown();
  }
  zeroExtend32(to);
  syncBounds(to);
}

function binary(env: Env, op: number): void {
  const { insns, pc } = env;
  const code = insns.code[pc]!;
  const wide = classOf(code) === BPF_ALU64;
  const dst = insns.dst[pc]!;
  const src = insns.src[pc]!;
  const off = insns.off[pc]!;
  const imm = insns.imm[pc]!;
  const fromReg = sourceOf(code) === BPF_X;
  const divides = op === BPF_MOD || op === BPF_DIV;
  if ((fromReg ? imm : src) || (off !== 0 && off !== 1) || (off === 1 && !divides)) {
    env.reject('EINVAL', 'BPF_ALU uses reserved fields');
  }
  if (fromReg) checkSource(env, src);
  checkSource(env, dst);
  if (divides && !fromReg && imm === 0) env.reject('EINVAL', 'div by zero');
  if (!fromReg && (op === BPF_LSH || op === BPF_RSH || op === BPF_ARSH)) {
    if (imm < 0 || imm >= (wide ? 64 : 32)) env.reject('EINVAL', `invalid shift ${imm}`);
  }
  checkTarget(env, dst);
  const to = env.reg(dst);
  // Any arithmetic is allowed on arena pointers.
  if (to.type === ARENA) return;
  let from = env.temp[0]!;
  if (fromReg) {
    from = env.reg(src);
    if (!from.isScalar) {
      if (!to.isScalar) {
        if (op !== BPF_SUB || !env.caps.perfmon) {
          env.reject('EACCES', `R${dst} pointer ${ALU_STRINGS[op >> 4]} pointer prohibited`);
        }
        to.markUnknown();
        return;
      }
      env.walk.precision.markReg(dst);
      pointerAlu(env, op, wide, dst, from, to);
      return;
    }
    if (!to.isScalar) {
      env.walk.precision.markReg(src);
      pointerAlu(env, op, wide, dst, to, from);
      return;
    }
    if (to.precise) env.walk.precision.markReg(src);
  } else {
    from.markKnown32(imm);
    if (!to.isScalar) {
      pointerAlu(env, op, wide, dst, to, from);
      return;
    }
  }
  env.speculation?.numbers(op);
  let operand = from;
  if (fromReg && src === dst) {
    operand = env.temp[1]!;
    operand.copyFrom(from);
  }
  const delta = deltaOf(env, op, wide, to, operand, fromReg && src === dst);
  const { id } = to;
  if ((op === BPF_AND || op === BPF_OR) && operand.isConst) forkMask(env, to, dst);
  alu(op, !wide, to, operand);
  if (to.type !== SCALAR) to.type = SCALAR;
  if (delta !== null) {
    to.id = id | (wide ? ADD_CONST64 : ADD_CONST32);
    to.off = delta;
  } else {
    to.id = 0;
    to.off = 0;
  }
}
