/** Which registers an operation reads, and which one it writes. */
import { BPF_ALU, BPF_ALU64, BPF_LDX, BPF_ST, BPF_STX, BPF_X, classOf } from '../../isa/index.ts';
import type { Callable } from '../code.ts';
import {
  isPacketOperation,
  OP_ARENA_POINTER,
  OP_ATOMIC32,
  OP_CALL_HELPER,
  OP_CALL_KFUNC,
  OP_CALL_SUBPROG,
  OP_CALLX,
  OP_EXIT,
  OP_GOTO,
  OP_ILLEGAL,
  OP_LD_FUNC,
  OP_LD_IMM64,
  OP_MAY_GOTO,
  OP_MOVSX32_8,
  OP_MOVSX64_32,
  OP_PROBE,
  OP_SDIV,
  OP_TAIL_CALL,
  OP_THROW,
  type Operations,
} from '../operations.ts';

/** r1 to r5, as bits. */
export const ARGUMENTS = 0b111110;
const MOV = 0xb0;
const NEG = 0x80;
const CTX = 6;
const CMPXCHG = 9;
const FETCH = 4;

/** Registers that the operation reads, as bits; `calls` as in `Placement`, `readByFunction` for a function of the program. */
export function readBy(
  ops: Operations,
  pc: number,
  calls: ReadonlyMap<number, Callable>,
  readByFunction: (fn: number) => number,
): number {
  const op = ops.op[pc]!;
  const dst = 1 << ops.dst[pc]!;
  const src = 1 << ops.src[pc]!;
  if (op >= OP_CALL_HELPER) {
    if (op === OP_CALL_HELPER || op === OP_CALL_KFUNC) return bitsOf(calls.get(pc)?.args.length ?? 0);
    if (op === OP_CALL_SUBPROG) return readByFunction(ops.target[pc]!);
    if (op === OP_TAIL_CALL) return bitsOf(3);
    if (op === OP_CALLX) return dst | ARGUMENTS;
    if (op === OP_THROW) return bitsOf(1);
    return op === OP_PROBE || op === OP_ARENA_POINTER ? src : 0;
  }
  if (op >= OP_ATOMIC32) return dst | src | (atomicKind(op) === CMPXCHG ? 1 : 0);
  if (op >= OP_MOVSX32_8 && op <= OP_MOVSX64_32) return src;
  if (op >= OP_SDIV) return op < OP_MOVSX32_8 && (op & 1) !== 0 ? dst | src : dst;
  if (op === OP_EXIT) return 1;
  if (op === OP_GOTO || op === OP_ILLEGAL || op === OP_LD_IMM64 || op === OP_MAY_GOTO) return 0;
  if (isPacketOperation(op)) return (1 << CTX) | ((op & 0xe0) === 0x40 ? src : 0);
  switch (classOf(op)) {
    case BPF_LDX:
      return src;
    case BPF_ST:
      return dst;
    case BPF_STX:
      return dst | src;
    case BPF_ALU:
    case BPF_ALU64:
      if ((op & 0xf0) === MOV) return (op & BPF_X) !== 0 ? src : 0;
      return (op & 0xf0) !== NEG && (op & BPF_X) !== 0 ? dst | src : dst;
    default:
      return (op & BPF_X) !== 0 ? dst | src : dst;
  }
}

/** The register that an operation writes, or -1. */
export function writtenBy(ops: Operations, pc: number): number {
  const op = ops.op[pc]!;
  if (op === OP_LD_IMM64 || op === OP_LD_FUNC || op === OP_PROBE || op === OP_ARENA_POINTER) return ops.dst[pc]!;
  if (isPacketOperation(op)) return 0;
  if (op >= OP_CALL_HELPER) return op === OP_TAIL_CALL || op === OP_THROW ? -1 : 0;
  if (op >= OP_ATOMIC32) {
    const which = atomicKind(op);
    return which === CMPXCHG ? 0 : which >= FETCH ? ops.src[pc]! : -1;
  }
  if (op >= OP_SDIV) return ops.dst[pc]!;
  if (op === OP_ILLEGAL) return -1;
  const cls = classOf(op);
  return cls === BPF_ALU || cls === BPF_ALU64 || cls === BPF_LDX ? ops.dst[pc]! : -1;
}

function atomicKind(op: number): number {
  return (op - OP_ATOMIC32) % 10;
}

/** r1 to r`count`. */
function bitsOf(count: number): number {
  return (2 << count) - 2;
}
