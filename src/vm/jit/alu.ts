/** Arithmetic: the 64-bit form on the i64 that a register is, the 32-bit form on its wrapped half, zero-extended after. */
import { BPF_ALU64, BPF_X, classOf } from '../../isa/index.ts';
import {
  OP_LE16,
  OP_LE32,
  OP_LE64,
  OP_MOVSX32_8,
  OP_MOVSX32_16,
  OP_MOVSX64_8,
  OP_MOVSX64_16,
  OP_MOVSX64_32,
  OP_SDIV,
  OP_SMOD,
  OP_SWAP16,
  OP_SWAP32,
  OP_SWAP64,
} from '../operations.ts';
import {
  I32_ADD,
  I32_AND,
  I32_DIV_S,
  I32_DIV_U,
  I32_EQZ,
  I32_EXTEND8_S,
  I32_EXTEND16_S,
  I32_LT_U,
  I32_MUL,
  I32_OR,
  I32_REM_S,
  I32_REM_U,
  I32_ROTL,
  I32_SHL,
  I32_SHR_S,
  I32_SHR_U,
  I32_SUB,
  I32_XOR,
  I64_ADD,
  I64_AND,
  I64_DIV_S,
  I64_DIV_U,
  I64_EQZ,
  I64_EXTEND8_S,
  I64_EXTEND16_S,
  I64_EXTEND32_S,
  I64_LT_U,
  I64_MUL,
  I64_OR,
  I64_REM_S,
  I64_REM_U,
  I64_ROTL,
  I64_SHL,
  I64_SHR_S,
  I64_SHR_U,
  I64_SUB,
  I64_XOR,
  SELECT,
} from '../wasm/opcodes.ts';
import type { FunctionContext } from './function.ts';

const MOV = 0xb0;
const NEG = 0x80;
const DIV = 0x30;
const MOD = 0x90;
const LSH = 0x60;
const RSH = 0x70;
const ARSH = 0xc0;

/** Operations that need nothing but the instruction of the same name: 32 bits, 64 bits. By the high half of the opcode. */
const SIMPLE: ReadonlyMap<number, readonly [number, number]> = new Map([
  [0x00, [I32_ADD, I64_ADD]],
  [0x10, [I32_SUB, I64_SUB]],
  [0x20, [I32_MUL, I64_MUL]],
  [0x40, [I32_OR, I64_OR]],
  [0x50, [I32_AND, I64_AND]],
  [0x60, [I32_SHL, I64_SHL]],
  [0x70, [I32_SHR_U, I64_SHR_U]],
  [0xa0, [I32_XOR, I64_XOR]],
  [0xc0, [I32_SHR_S, I64_SHR_S]],
]);

/** Writes an operation of classes ALU and ALU64 whose number is its opcode. */
export function writeAlu(f: FunctionContext, pc: number): void {
  const op = f.ops.op[pc]!;
  const dst = f.ops.dst[pc]!;
  const byRegister = (op & BPF_X) !== 0;
  const imm = f.ops.imm[pc]!;
  const wide = classOf(op) === BPF_ALU64 && !worksNarrow(f, pc);
  // What fits into 32 of 64 bits is positive.
  const kind = !wide && classOf(op) === BPF_ALU64 && (op & 0xf0) === ARSH ? RSH : op & 0xf0;
  const simple = SIMPLE.get(kind);
  if (kind === MOV && !byRegister) {
    writeConstant(f, dst, imm, wide ? imm >> 31 : 0);
  } else if (kind === MOV) {
    operand(f, pc, wide, true);
    store(f, dst, wide);
  } else if (!wide && classOf(op) === BPF_ALU64 && isShift(kind) && (imm & 63) >= 32) {
    writeConstant(f, dst, 0, 0);
  } else if (simple) {
    if (wide) f.get(dst);
    else f.get32(dst);
    operand(f, pc, wide, byRegister);
    f.code.op(simple[wide ? 1 : 0]);
    store(f, dst, wide);
  } else if (kind === NEG) {
    if (wide) f.code.i64(0);
    else f.code.i32(0);
    if (wide) f.get(dst).op(I64_SUB);
    else f.get32(dst).op(I32_SUB);
    store(f, dst, wide);
  } else if (kind === DIV || kind === MOD) {
    divide(f, pc, wide, byRegister, kind === MOD, false);
  }
}

/** Sets a register to a constant of two halves. */
export function writeConstant(f: FunctionContext, dst: number, lo: number, hi: number): void {
  if (f.writesNarrow) {
    f.code.i32(lo);
    f.set32(dst);
  } else {
    f.code.i64(lo, hi);
    f.set(dst);
  }
}

const isShift = (kind: number): boolean => kind === LSH || kind === RSH || kind === ARSH;

/**
 * Whether a 64-bit operation can be done in 32 bits: its answer has no more, or is not asked for more; and what it works on
 * has no more where that would show. A shift to the right that has a sign sees none: numbers below 2^32 are positive.
 */
function worksNarrow(f: FunctionContext, pc: number): boolean {
  if (!f.writesNarrow) return false;
  const op = f.ops.op[pc]!;
  const byRegister = (op & BPF_X) !== 0;
  switch (op & 0xf0) {
    case LSH:
      return !byRegister;
    case RSH:
    case ARSH:
      return !byRegister && f.isNarrow(f.ops.dst[pc]!);
    case DIV:
    case MOD:
      return f.isNarrow(f.ops.dst[pc]!) && (byRegister ? f.isNarrow(f.ops.src[pc]!) : f.ops.imm[pc]! >= 0);
    default:
      return true;
  }
}

/** Writes the arithmetic operations that have numbers of their own. */
export function writeExtendedAlu(f: FunctionContext, pc: number): boolean {
  const op = f.ops.op[pc]!;
  const dst = f.ops.dst[pc]!;
  const src = f.ops.src[pc]!;
  if (op >= OP_SDIV && op < OP_SMOD + 4) {
    const variant = op & 3;
    divide(f, pc, variant >= 2, (variant & 1) !== 0, op >= OP_SMOD, true);
    return true;
  }
  switch (op) {
    case OP_MOVSX32_8:
      f.get32(src).op(I32_EXTEND8_S);
      f.set32(dst);
      return true;
    case OP_MOVSX32_16:
      f.get32(src).op(I32_EXTEND16_S);
      f.set32(dst);
      return true;
    case OP_MOVSX64_8:
      f.get(src).op(I64_EXTEND8_S);
      f.set(dst);
      return true;
    case OP_MOVSX64_16:
      f.get(src).op(I64_EXTEND16_S);
      f.set(dst);
      return true;
    case OP_MOVSX64_32:
      f.get(src).op(I64_EXTEND32_S);
      f.set(dst);
      return true;
    case OP_LE16:
      f.get32(dst).i32(0xffff).op(I32_AND);
      f.set32(dst);
      return true;
    case OP_LE32:
      f.get32(dst);
      f.set32(dst);
      return true;
    case OP_LE64:
      f.get(dst);
      f.set(dst);
      return true;
    case OP_SWAP16:
      swap32(f, dst);
      f.code.i32(16).op(I32_SHR_U);
      f.set32(dst);
      return true;
    case OP_SWAP32:
      swap32(f, dst);
      f.set32(dst);
      return true;
    case OP_SWAP64:
      swap64(f, dst);
      f.set(dst);
      return true;
    default:
      return false;
  }
}

/** The right-hand side: immediate or register. */
function operand(f: FunctionContext, pc: number, wide: boolean, register: boolean): void {
  if (register) {
    if (wide) f.get(f.ops.src[pc]!);
    else f.get32(f.ops.src[pc]!);
  } else if (wide) {
    f.code.i64(f.ops.imm[pc]!);
  } else {
    f.code.i32(f.ops.imm[pc]!);
  }
}

function store(f: FunctionContext, dst: number, wide: boolean): void {
  if (wide) f.set(dst);
  else f.set32(dst);
}

/** Division and remainder. By zero 0 and the dividend; the smallest number by -1 itself and 0. Wasm's own would trap. */
function divide(
  f: FunctionContext,
  pc: number,
  wide: boolean,
  register: boolean,
  remainder: boolean,
  signed: boolean,
): void {
  const { code } = f;
  const dst = f.ops.dst[pc]!;
  const imm = f.ops.imm[pc]!;
  const [div, rem, eqz] = wide
    ? [signed ? I64_DIV_S : I64_DIV_U, signed ? I64_REM_S : I64_REM_U, I64_EQZ]
    : [signed ? I32_DIV_S : I32_DIV_U, signed ? I32_REM_S : I32_REM_U, I32_EQZ];
  const load = (): unknown => (wide ? f.get(dst) : f.get32(dst));
  const constant = (value: number): unknown => (wide ? code.i64(value) : code.i32(value));
  if (!register && imm !== 0 && !(signed && imm === -1)) {
    load();
    constant(imm);
    code.op(remainder ? rem : div);
    store(f, dst, wide);
    return;
  }
  if (!register) {
    // By zero, or by -1, where the quotient is the negation.
    if (imm === -1 && !remainder) {
      constant(0);
      load();
      code.op(wide ? I64_SUB : I32_SUB);
    } else if (imm === 0 && remainder) {
      load();
    } else {
      constant(0);
    }
    store(f, dst, wide);
    return;
  }
  const divisor = wide ? f.i64 : f.i32;
  operand(f, pc, wide, true);
  code.set(divisor);
  if (signed && !remainder) {
    // x / -1 is 0 - x, and 1 in the place of 0 or -1 never traps; the true answer is chosen after.
    load();
    constant(1);
    code.get(divisor);
    trapsAsSigned(f, divisor, wide);
    code.op(SELECT).op(div);
    negatedOrZero(f, divisor, wide, load);
    trapsAsSigned(f, divisor, wide);
    code.op(I32_EQZ).op(SELECT);
  } else {
    load();
    constant(1);
    code
      .get(divisor)
      .get(divisor)
      .op(eqz)
      .op(SELECT)
      .op(remainder ? rem : div);
    if (remainder) load();
    else constant(0);
    code.get(divisor).op(eqz).op(I32_EQZ).op(SELECT);
  }
  store(f, dst, wide);
}

/** Leaves 1 where the divisor is 0 or -1, which are below 2 when 1 is added; else 0. */
function trapsAsSigned(f: FunctionContext, divisor: number, wide: boolean): void {
  f.code.get(divisor);
  if (wide) f.code.i64(1).op(I64_ADD).i64(2).op(I64_LT_U);
  else f.code.i32(1).op(I32_ADD).i32(2).op(I32_LT_U);
}

/** 0 - x where the divisor is -1, 0 where it is 0: x times the divisor says both. */
function negatedOrZero(f: FunctionContext, divisor: number, wide: boolean, load: () => unknown): void {
  load();
  f.code.get(divisor).op(wide ? I64_MUL : I32_MUL);
}

/** Leaves the low half of a register with its bytes in reverse. */
function swap32(f: FunctionContext, reg: number): void {
  const { code } = f;
  f.get32(reg).tee(f.i32).i32(8).op(I32_ROTL).i32(0x00ff00ff).op(I32_AND);
  code.get(f.i32).i32(24).op(I32_ROTL).i32(0xff00ff00).op(I32_AND).op(I32_OR);
}

/** Leaves a register with its bytes in reverse: halves, then pairs in each, then bytes. */
function swap64(f: FunctionContext, reg: number): void {
  const { code } = f;
  f.get(reg).i64(32).op(I64_ROTL).set(f.i64);
  exchange(f, 16, 0x0000ffff);
  code.set(f.i64);
  exchange(f, 8, 0x00ff00ff);
}

/** Leaves the temporary with neighbouring groups of `bits` exchanged; `mask` selects the lower ones in each half. */
function exchange(f: FunctionContext, bits: number, mask: number): void {
  const { code } = f;
  code.get(f.i64).i64(bits).op(I64_SHR_U).i64(mask, mask).op(I64_AND);
  code.get(f.i64).i64(mask, mask).op(I64_AND).i64(bits).op(I64_SHL).op(I64_OR);
}
