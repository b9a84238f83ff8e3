/**
 * Which registers of a function never hold more than 32 bits: those become i32 locals, so that 32-bit arithmetic needs
 * neither wrapping nor extending, which V8 cannot always see through where ways join.
 *
 * A register is narrow when every instruction that writes it leaves its upper half zero. Some do so only if their
 * operands are narrow, so all start as narrow, and are struck off until nothing changes.
 */
import { BPF_ALU64, BPF_LDX, BPF_X, byteSize, classOf, FRAME_POINTER } from '../../isa/index.ts';
import {
  isPacketOperation,
  OP_ATOMIC32,
  OP_ATOMIC64,
  OP_CALL_HELPER,
  OP_CALL_KFUNC,
  OP_CALL_SUBPROG,
  OP_CALLX,
  OP_LD_FUNC,
  OP_LD_IMM64,
  OP_LE64,
  OP_MOVSX64_8,
  OP_MOVSX64_32,
  OP_PROBE,
  OP_SDIV,
  OP_SMOD,
  OP_SWAP64,
} from '../operations.ts';
import type { ModuleContext } from './function.ts';
import { slotsOf } from './graph.ts';
import { inlineEnd } from './inline.ts';

const AND = 0x50;
const OR = 0x40;
const XOR = 0xa0;
const RSH = 0x70;
const DIV = 0x30;
const MOD = 0x90;
const MOV = 0xb0;
const MEM = 0x60;
const CMPXCHG = 9;
const FETCH = 4;
const CALLER_SAVED = 5;

/** 1 for each of r0 to r10 that is narrow in function `fn`. */
export function narrowRegisters(module: ModuleContext, fn: number): Uint8Array {
  const { ops } = module;
  const narrow = new Uint8Array(FRAME_POINTER + 1).fill(1);
  // The first function gets an address and zeros; others get what their callers have.
  if (fn !== 0 || module.checked) narrow.fill(0, 1, CALLER_SAVED + 1);
  for (let changed = true; changed; ) {
    changed = false;
    for (let pc = ops.bounds[fn]!; pc < ops.bounds[fn + 1]!; pc += slotsOf(ops.op[pc]!)) {
      changed = strike(module, narrow, pc) || changed;
    }
  }
  return narrow;
}

/** Strikes off what the instruction makes wide. Whether there was anything. */
function strike(module: ModuleContext, narrow: Uint8Array, pc: number): boolean {
  const { ops } = module;
  const op = ops.op[pc]!;
  if (op === OP_CALL_SUBPROG && !module.checked && inlineEnd(ops, ops.target[pc]!) >= 0) {
    // It is written in place, on the caller's r0 to r5.
    const had = narrow.subarray(0, CALLER_SAVED + 1).includes(1);
    narrow.fill(0, 0, CALLER_SAVED + 1);
    return had;
  }
  const reg = widens(module, narrow, pc);
  if (reg < 0 || narrow[reg] === 0) return false;
  narrow[reg] = 0;
  return true;
}

/** The register that an instruction may give more than 32 bits; -1 where it does not. */
function widens(module: ModuleContext, narrow: Uint8Array, pc: number): number {
  const { ops, calls } = module;
  const op = ops.op[pc]!;
  const dst = ops.dst[pc]!;
  if (op === OP_LD_IMM64) return ops.imm[pc + 1] === 0 ? -1 : dst;
  if (op === OP_LD_FUNC || isPacketOperation(op)) return -1;
  if (op === OP_CALL_SUBPROG || op === OP_CALLX) return 0;
  if (op === OP_CALL_HELPER || op === OP_CALL_KFUNC) {
    const ret = calls.get(pc)?.ret;
    return ret === 'int' || ret === 'u64' ? 0 : -1;
  }
  if (op === OP_PROBE) return loadIsWide(ops.imm[pc]!) ? dst : -1;
  if (op >= OP_ATOMIC64 && op < OP_CALL_HELPER) {
    const which = op - OP_ATOMIC64;
    return which === CMPXCHG ? 0 : which >= FETCH ? ops.src[pc]! : -1;
  }
  if (op >= OP_ATOMIC32) return -1;
  if (op >= OP_SDIV) return extendedIsWide(op) ? dst : -1;
  const cls = classOf(op);
  if (cls === BPF_LDX) return loadIsWide(op) ? dst : -1;
  return cls === BPF_ALU64 && !keepsNarrow(module, narrow, pc) ? dst : -1;
}

/** LDX of 8 bytes, and those that extend the sign. */
function loadIsWide(opcode: number): boolean {
  return byteSize(opcode) === 8 || (opcode & 0xe0) !== MEM;
}

/** Of the arithmetic with numbers of its own. */
function extendedIsWide(op: number): boolean {
  if (op < OP_SMOD + 4) return (op & 3) >= 2;
  return (op >= OP_MOVSX64_8 && op <= OP_MOVSX64_32) || op === OP_SWAP64 || op === OP_LE64;
}

/** Whether a 64-bit operation on narrow operands has a narrow answer. */
function keepsNarrow(module: ModuleContext, narrow: Uint8Array, pc: number): boolean {
  const { ops } = module;
  const op = ops.op[pc]!;
  const imm = ops.imm[pc]!;
  const byRegister = (op & BPF_X) !== 0;
  const operand = byRegister ? narrow[ops.src[pc]!] === 1 : imm >= 0;
  switch (op & 0xf0) {
    case MOV:
    case OR:
    case XOR:
    case DIV:
    case MOD:
      return operand;
    case AND:
    case RSH:
      return true;
    default:
      return false;
  }
}

/** Whether a 64-bit operation says the same in 32 bits when all that it works on is narrow. */
export function worksNarrow(op: number): boolean {
  const kind = op & 0xf0;
  return (
    classOf(op) === BPF_ALU64 &&
    (kind === AND || kind === OR || kind === XOR || kind === MOV || kind === DIV || kind === MOD)
  );
}
