/**
 * What each slot of a program does, decided once at load so that interpreter and JIT cannot disagree about it.
 *
 * An operation is the opcode byte where that alone says everything, else one of the numbers from 256 on, for what an
 * opcode means together with `off`, `imm` or `src`. Whatever is not an instruction, or cannot be executed where it
 * stands (a jump out of its function, a function that runs past its end, a write to r10), is OP_ILLEGAL: harmless until it is reached.
 */
import {
  BPF_ADDR_SPACE_CAST,
  BPF_ALU,
  BPF_ALU64,
  BPF_ARSH,
  BPF_CMPXCHG,
  BPF_DIV,
  BPF_END,
  BPF_FETCH,
  BPF_JMP,
  BPF_JMP32,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MOD,
  BPF_MOV,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_STORE_REL,
  BPF_STX,
  BPF_X,
  BPF_XCHG,
  CALL,
  classOf,
  EXIT,
  FRAME_POINTER,
  isAtomic,
  isCondJump,
  isGoto,
  isJmp,
  isKnownOpcode,
  isMayGoto,
  isPacketLoad,
  jumpDistance,
  LD_IMM64,
  opOf,
  sizeOf,
} from '../isa/index.ts';
import { BPF_FUNC_tail_call } from '../uapi/generated/constants.ts';
import type { Arena } from './arena.ts';
import type { Code } from './code.ts';

export const OP_ILLEGAL = 0;
export const OP_GOTO = 0x05;
export const OP_LD_IMM64 = 0x18;
export const OP_EXIT = 0x95;
export const OP_MAY_GOTO = 0xe5;

// Signed division: the opcode with `off` 1. +0 32 bits by imm, +1 by register, +2 64 bits by imm, +3 by register.
export const OP_SDIV = 256;
export const OP_SMOD = 260;
/** dst = sign-extended src: to 32 bits from 8, 16; to 64 bits from 8, 16, 32. */
export const OP_MOVSX32_8 = 264;
export const OP_MOVSX32_16 = 265;
export const OP_MOVSX64_8 = 266;
export const OP_MOVSX64_16 = 267;
export const OP_MOVSX64_32 = 268;
// Byte order. Little endian only cuts to the width; big endian and bswap do the same on a little-endian machine.
export const OP_LE16 = 269;
export const OP_LE32 = 270;
export const OP_LE64 = 271;
export const OP_SWAP16 = 272;
export const OP_SWAP32 = 273;
export const OP_SWAP64 = 274;
/** +0 add, +1 or, +2 and, +3 xor, +4..+7 the same with fetch, +8 xchg, +9 cmpxchg. */
export const OP_ATOMIC32 = 275;
export const OP_ATOMIC64 = 285;
export const OP_CALL_HELPER = 295;
export const OP_CALL_KFUNC = 296;
/** `target` is the number of the function. */
export const OP_CALL_SUBPROG = 297;
export const OP_TAIL_CALL = 298;
/** A helper whose number is in dst: no instruction of Linux, but RFC 9669 describes it. */
export const OP_CALLX = 299;
/** A 64-bit immediate load of a function's address: `target` is the number of the function. */
export const OP_LD_FUNC = 300;
/** A load that answers 0 where there is no memory: its opcode stands in `imm`. */
export const OP_PROBE = 301;
/** Ends the program with an exception: what is thrown is r1. */
export const OP_THROW = 302;
/** dst = what user space calls the place in the arena that src points to; `imm` is the high half. NULL stays NULL. */
export const OP_ARENA_POINTER = 303;

const MOV64 = BPF_ALU64 | BPF_MOV | BPF_X;
const MOV32 = BPF_ALU | BPF_MOV | BPF_X;
/** Immediate of a cast from address space 1 to 0. */
const TO_PROGRAM = 1;

/** Whether an operation is LD_ABS or LD_IND. */
export function isPacketOperation(op: number): boolean {
  return op < 256 && isPacketLoad(op);
}

/** A program as both engines read it. All arrays have one entry a slot. */
export interface Operations {
  readonly length: number;
  readonly op: Uint16Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly off: Int16Array;
  readonly imm: Int32Array;
  /** Slot that a jump goes to, or number of the function that a call or OP_LD_FUNC names. */
  readonly target: Int32Array;
  /** First slot of each function, and the length of the program behind the last. */
  readonly bounds: readonly number[];
  readonly arena: Code['arena'];
}

export function operations(code: Code): Operations {
  const { insns, subprogs } = code;
  const ops: Operations = {
    length: insns.length,
    op: new Uint16Array(insns.length),
    dst: insns.dst.slice(),
    src: insns.src.slice(),
    off: insns.off.slice(),
    imm: insns.imm.slice(),
    target: new Int32Array(insns.length).fill(-1),
    bounds: [...subprogs, insns.length],
    arena: code.arena,
  };
  const functionAt = new Map(subprogs.map((start, index) => [start, index]));
  for (let fn = 0; fn < subprogs.length; fn++) {
    decideFunction(ops, code, functionAt, ops.bounds[fn]!, ops.bounds[fn + 1]!);
  }
  return ops;
}

function decideFunction(
  ops: Operations,
  code: Code,
  functionAt: ReadonlyMap<number, number>,
  start: number,
  end: number,
): void {
  const { insns } = code;
  let last = -1;
  for (let pc = start; pc < end; pc++) {
    const raw = insns.code[pc]!;
    const dst = insns.dst[pc]!;
    const src = insns.src[pc]!;
    const off = insns.off[pc]!;
    const imm = insns.imm[pc]!;
    last = pc;
    if (dst > FRAME_POINTER || (src > FRAME_POINTER && usesSource(raw))) continue;
    if (raw === LD_IMM64) {
      if (dst === FRAME_POINTER || pc + 1 >= end || insns.code[pc + 1] !== 0) continue;
      if (src === BPF_PSEUDO_FUNC) {
        const fn = functionAt.get(pc + 1 + imm);
        if (fn !== undefined) {
          ops.op[pc] = OP_LD_FUNC;
          ops.target[pc] = fn;
        } else {
          // Dead code was taken out, and that function with it: nobody calls through this address.
          ops.op[pc] = OP_LD_IMM64;
          ops.imm[pc] = 0;
          ops.imm[pc + 1] = 0;
        }
      } else {
        ops.op[pc] = OP_LD_IMM64;
        // Addresses have 32 bits; what else the second slot says (an offset into the value) is already in `imm`.
        if (isAddress(src)) ops.imm[pc + 1] = 0;
      }
      pc++;
      continue;
    }
    if (isJmp(raw) && (isGoto(raw) || isMayGoto(raw) || isCondJump(raw))) {
      const target = pc + 1 + jumpDistance(raw, off, imm);
      if (target < start || target >= end) continue;
      ops.op[pc] = isGoto(raw) ? OP_GOTO : raw;
      ops.target[pc] = target;
    } else if (raw === CALL || raw === (CALL | BPF_X)) {
      ops.op[pc] = code.throws?.has(pc) ? OP_THROW : callOperation(raw, src, imm);
      if (ops.op[pc] === OP_CALL_SUBPROG) {
        const fn = functionAt.get(pc + 1 + imm);
        if (fn === undefined) ops.op[pc] = OP_ILLEGAL;
        else ops.target[pc] = fn;
      }
    } else if (isKnownOpcode(raw)) {
      ops.op[pc] = plainOperation(raw, off, imm);
      if (writesFramePointer(raw, dst, src, imm)) ops.op[pc] = OP_ILLEGAL;
      else if (code.arena && raw === MOV64 && off === BPF_ADDR_SPACE_CAST) castToArena(ops, pc, code.arena);
      else if (classOf(raw) === BPF_LDX && code.faultable?.has(pc)) {
        ops.op[pc] = OP_PROBE;
        ops.imm[pc] = raw;
      }
    }
  }
  // A function ends with an instruction that goes elsewhere; nothing may run on into the next function.
  const op = last < 0 ? OP_EXIT : ops.op[last]!;
  if (op !== OP_EXIT && op !== OP_GOTO && op !== OP_THROW) ops.op[last] = OP_ILLEGAL;
}

/** A program's pointer into the arena is the low half of user space's, so one direction needs an address only to forget it. */
function castToArena(ops: Operations, pc: number, arena: Arena): void {
  if (ops.imm[pc] === TO_PROGRAM) {
    ops.op[pc] = MOV32;
  } else {
    ops.op[pc] = OP_ARENA_POINTER;
    ops.imm[pc] = arena.userHigh;
  }
}

function callOperation(raw: number, src: number, imm: number): number {
  if (raw !== CALL) return OP_CALLX;
  if (src === 0) return imm === BPF_FUNC_tail_call ? OP_TAIL_CALL : OP_CALL_HELPER;
  if (src === BPF_PSEUDO_CALL) return OP_CALL_SUBPROG;
  return src === BPF_PSEUDO_KFUNC_CALL ? OP_CALL_KFUNC : OP_ILLEGAL;
}

/** The operation of an opcode that is neither a jump nor a call nor a 64-bit immediate load. */
function plainOperation(raw: number, off: number, imm: number): number {
  const cls = classOf(raw);
  if (cls === BPF_ALU || cls === BPF_ALU64) return aluOperation(raw, off, imm);
  if (isAtomic(raw)) return atomicOperation(raw, imm);
  return raw;
}

function aluOperation(raw: number, off: number, imm: number): number {
  const wide = classOf(raw) === BPF_ALU64;
  const variant = (wide ? 2 : 0) + ((raw & BPF_X) !== 0 ? 1 : 0);
  switch (opOf(raw)) {
    case BPF_DIV:
    case BPF_MOD:
      if (off === 0) return raw;
      if (off !== 1) return OP_ILLEGAL;
      return (opOf(raw) === BPF_DIV ? OP_SDIV : OP_SMOD) + variant;
    case BPF_MOV:
      if (off === 0 || (off === BPF_ADDR_SPACE_CAST && variant === 3)) return raw;
      if ((raw & BPF_X) === 0) return OP_ILLEGAL;
      if (off === 8) return wide ? OP_MOVSX64_8 : OP_MOVSX32_8;
      if (off === 16) return wide ? OP_MOVSX64_16 : OP_MOVSX32_16;
      return off === 32 && wide ? OP_MOVSX64_32 : OP_ILLEGAL;
    case BPF_END: {
      const width = imm === 16 ? 0 : imm === 32 ? 1 : imm === 64 ? 2 : -1;
      if (width < 0) return OP_ILLEGAL;
      return (wide || (raw & BPF_X) !== 0 ? OP_SWAP16 : OP_LE16) + width;
    }
    default:
      return raw;
  }
}

/** Linux adds, ors, ands, xors; the order of OP_ATOMIC32. */
const ATOMIC_ORDER: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x40, 1],
  [0x50, 2],
  [0xa0, 3],
  [0x00 | BPF_FETCH, 4],
  [0x40 | BPF_FETCH, 5],
  [0x50 | BPF_FETCH, 6],
  [0xa0 | BPF_FETCH, 7],
  [BPF_XCHG, 8],
  [BPF_CMPXCHG, 9],
]);

function atomicOperation(raw: number, imm: number): number {
  // One thread runs programs, so an ordered load or store is a plain one.
  if (imm === BPF_LOAD_ACQ) return BPF_LDX | BPF_MEM | sizeOf(raw);
  if (imm === BPF_STORE_REL) return BPF_STX | BPF_MEM | sizeOf(raw);
  const which = ATOMIC_ORDER.get(imm);
  if (which === undefined) return OP_ILLEGAL;
  if (raw === 0xc3) return OP_ATOMIC32 + which;
  return raw === 0xdb ? OP_ATOMIC64 + which : OP_ILLEGAL;
}

function usesSource(raw: number): boolean {
  const cls = classOf(raw);
  if (cls === BPF_LDX || cls === BPF_STX) return true;
  if (raw === CALL || raw === EXIT || raw === LD_IMM64) return false;
  if (opOf(raw) === BPF_END && (cls === BPF_ALU || cls === BPF_ALU64)) return false;
  const register = cls === BPF_ALU || cls === BPF_ALU64 || cls === BPF_JMP || cls === BPF_JMP32;
  return register ? (raw & BPF_X) !== 0 : cls === 0;
}

/** Whether a known opcode that is no jump and no call writes r10. */
function writesFramePointer(raw: number, dst: number, src: number, imm: number): boolean {
  const cls = classOf(raw);
  if (cls === BPF_ALU || cls === BPF_ALU64)
    return opOf(raw) <= BPF_ARSH || opOf(raw) === BPF_END ? dst === FRAME_POINTER : false;
  if (cls === BPF_LDX) return dst === FRAME_POINTER;
  if (!isAtomic(raw)) return false;
  if (imm === BPF_LOAD_ACQ) return dst === FRAME_POINTER;
  return src === FRAME_POINTER && (imm & BPF_FETCH) !== 0 && imm !== BPF_CMPXCHG;
}

function isAddress(pseudo: number): boolean {
  return pseudo === 1 || pseudo === 2 || pseudo === 5 || pseudo === 6;
}
