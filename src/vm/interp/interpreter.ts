/**
 * The interpreter: one instruction after another, for stepping, tracing, coverage, and for checking the JIT against it.
 *
 * Registers are pairs of 32-bit lanes (u64.ts), r0 first. A slot of the program is four words: operation and lanes
 * (`op | dst << 16 | src << 24`), offset or target or number, immediate, the operation in an arena. `p` counts words, four to a slot.
 * The switch is long and dull on purpose: one case an operation, labels as literals, so that it becomes one indexed
 * jump. Numbers from 256 on are those of operations.ts.
 */
import { MAX_CALL_DEPTH, MAY_GOTO_BUDGET, ProgramException, RunFault } from '../control.ts';
import type { Host } from '../host.ts';
import { accessArena } from './arena.ts';
import { burnFuel, carry, checkAccess } from './checks.ts';
import { loadPacket, probe } from './loads.ts';
import { BUDGET, enterFunction, FRAME_POINTER, type Machine, NEXT } from './machine.ts';
import type { InterpreterProgram } from './program.ts';
import { arsh, div, lsh, mod, mul, neg, rsh, sdiv, smod, swap32 } from './u64.ts';

/** As the next word to go to: the current function ends. */
const LEAVE = -1;

/**
 * Runs function `fn` on a machine whose first window has the arguments, and 0 in all other lanes; r0 is there
 * afterwards. Throws RunFault; RangeError where an address without region checks is outside of the memory.
 */
export function interpret(host: Host, program: InterpreterProgram, fn: number, machine: Machine): void {
  const { words: code, checked, onStep } = program;
  const { windows } = machine;
  let R = windows[0]!;
  let dv = host.mem.view;
  let depth = 0;
  let budget = MAY_GOTO_BUDGET;
  let p = program.entries[fn]!;
  R[FRAME_POINTER] = program.framePointers[fn]!;
  for (;;) {
    if (onStep !== null) onStep(p >> 2, R);
    const word = code[p]!;
    const d = (word >> 16) & 0xff;
    const s = word >>> 24;
    let next = p + 4;
    switch (word & 0xffff) {
      case 0x07: {
        // dst += imm
        const b = code[p + 2]!;
        const lo = (R[d]! + b) | 0;
        R[d + 1] = R[d + 1]! + (b >> 31) + (lo >>> 0 < b >>> 0 ? 1 : 0);
        R[d] = lo;
        break;
      }
      case 0x04: {
        // (u32) dst += imm
        R[d] = R[d]! + code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0x17: {
        // dst -= imm
        const b = code[p + 2]!;
        const a = R[d]!;
        R[d + 1] = R[d + 1]! - (b >> 31) - (a >>> 0 < b >>> 0 ? 1 : 0);
        R[d] = a - b;
        break;
      }
      case 0x14: {
        // (u32) dst -= imm
        R[d] = R[d]! - code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0x27: {
        // dst *= imm
        const b = code[p + 2]!;
        mul(R, d, b, b >> 31);
        break;
      }
      case 0x24: {
        // (u32) dst *= imm
        R[d] = Math.imul(R[d]!, code[p + 2]!);
        R[d + 1] = 0;
        break;
      }
      case 0x37: {
        // dst /= imm
        const b = code[p + 2]!;
        div(R, d, b, b >> 31);
        break;
      }
      case 0x34: {
        // (u32) dst /= imm
        const b = code[p + 2]! >>> 0;
        R[d] = b === 0 ? 0 : (R[d]! >>> 0) / b;
        R[d + 1] = 0;
        break;
      }
      case 0x47: {
        // dst |= imm
        const b = code[p + 2]!;
        R[d] = R[d]! | b;
        R[d + 1] = R[d + 1]! | (b >> 31);
        break;
      }
      case 0x44: {
        // (u32) dst |= imm
        R[d] = R[d]! | code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0x57: {
        // dst &= imm
        const b = code[p + 2]!;
        R[d] = R[d]! & b;
        R[d + 1] = R[d + 1]! & (b >> 31);
        break;
      }
      case 0x54: {
        // (u32) dst &= imm
        R[d] = R[d]! & code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0x67: {
        // dst <<= imm
        lsh(R, d, code[p + 2]! & 63);
        break;
      }
      case 0x64: {
        // (u32) dst <<= imm
        R[d] = R[d]! << code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0x77: {
        // dst >>= imm
        rsh(R, d, code[p + 2]! & 63);
        break;
      }
      case 0x74: {
        // (u32) dst >>= imm
        R[d] = R[d]! >>> code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0x97: {
        // dst %= imm
        const b = code[p + 2]!;
        mod(R, d, b, b >> 31);
        break;
      }
      case 0x94: {
        // (u32) dst %= imm
        const b = code[p + 2]! >>> 0;
        if (b !== 0) R[d] = (R[d]! >>> 0) % b;
        R[d + 1] = 0;
        break;
      }
      case 0xa7: {
        // dst ^= imm
        const b = code[p + 2]!;
        R[d] = R[d]! ^ b;
        R[d + 1] = R[d + 1]! ^ (b >> 31);
        break;
      }
      case 0xa4: {
        // (u32) dst ^= imm
        R[d] = R[d]! ^ code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0xb7: {
        // dst = imm
        const b = code[p + 2]!;
        R[d] = b;
        R[d + 1] = b >> 31;
        break;
      }
      case 0xb4: {
        // (u32) dst = imm
        R[d] = code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0xc7: {
        // dst s>>= imm
        arsh(R, d, code[p + 2]! & 63);
        break;
      }
      case 0xc4: {
        // (u32) dst s>>= imm
        R[d] = R[d]! >> code[p + 2]!;
        R[d + 1] = 0;
        break;
      }
      case 0x0f: {
        // dst += src
        const b = R[s]!;
        const lo = (R[d]! + b) | 0;
        R[d + 1] = R[d + 1]! + R[s + 1]! + (lo >>> 0 < b >>> 0 ? 1 : 0);
        R[d] = lo;
        break;
      }
      case 0x0c: {
        // (u32) dst += src
        R[d] = R[d]! + R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0x1f: {
        // dst -= src
        const b = R[s]!;
        const a = R[d]!;
        R[d + 1] = R[d + 1]! - R[s + 1]! - (a >>> 0 < b >>> 0 ? 1 : 0);
        R[d] = a - b;
        break;
      }
      case 0x1c: {
        // (u32) dst -= src
        R[d] = R[d]! - R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0x2f: {
        // dst *= src
        const b = R[s]!;
        mul(R, d, b, R[s + 1]!);
        break;
      }
      case 0x2c: {
        // (u32) dst *= src
        R[d] = Math.imul(R[d]!, R[s]!);
        R[d + 1] = 0;
        break;
      }
      case 0x3f: {
        // dst /= src
        const b = R[s]!;
        div(R, d, b, R[s + 1]!);
        break;
      }
      case 0x3c: {
        // (u32) dst /= src
        const b = R[s]! >>> 0;
        R[d] = b === 0 ? 0 : (R[d]! >>> 0) / b;
        R[d + 1] = 0;
        break;
      }
      case 0x4f: {
        // dst |= src
        const b = R[s]!;
        R[d] = R[d]! | b;
        R[d + 1] = R[d + 1]! | R[s + 1]!;
        break;
      }
      case 0x4c: {
        // (u32) dst |= src
        R[d] = R[d]! | R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0x5f: {
        // dst &= src
        const b = R[s]!;
        R[d] = R[d]! & b;
        R[d + 1] = R[d + 1]! & R[s + 1]!;
        break;
      }
      case 0x5c: {
        // (u32) dst &= src
        R[d] = R[d]! & R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0x6f: {
        // dst <<= src
        lsh(R, d, R[s]! & 63);
        break;
      }
      case 0x6c: {
        // (u32) dst <<= src
        R[d] = R[d]! << R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0x7f: {
        // dst >>= src
        rsh(R, d, R[s]! & 63);
        break;
      }
      case 0x7c: {
        // (u32) dst >>= src
        R[d] = R[d]! >>> R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0x9f: {
        // dst %= src
        const b = R[s]!;
        mod(R, d, b, R[s + 1]!);
        break;
      }
      case 0x9c: {
        // (u32) dst %= src
        const b = R[s]! >>> 0;
        if (b !== 0) R[d] = (R[d]! >>> 0) % b;
        R[d + 1] = 0;
        break;
      }
      case 0xaf: {
        // dst ^= src
        const b = R[s]!;
        R[d] = R[d]! ^ b;
        R[d + 1] = R[d + 1]! ^ R[s + 1]!;
        break;
      }
      case 0xac: {
        // (u32) dst ^= src
        R[d] = R[d]! ^ R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0xbf: {
        // dst = src
        R[d] = R[s]!;
        R[d + 1] = R[s + 1]!;
        break;
      }
      case 0xbc: {
        // (u32) dst = src
        R[d] = R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0xcf: {
        // dst s>>= src
        arsh(R, d, R[s]! & 63);
        break;
      }
      case 0xcc: {
        // (u32) dst s>>= src
        R[d] = R[d]! >> R[s]!;
        R[d + 1] = 0;
        break;
      }
      case 0x87: {
        // dst = -dst
        neg(R, d);
        break;
      }
      case 0x84: {
        // (u32) dst = -dst
        R[d] = -R[d]!;
        R[d + 1] = 0;
        break;
      }
      case 256: {
        // (u32) dst s/= imm
        const b = code[p + 2]!;
        R[d] = b === 0 ? 0 : R[d]! / b;
        R[d + 1] = 0;
        break;
      }
      case 257: {
        // (u32) dst s/= src
        const b = R[s]!;
        R[d] = b === 0 ? 0 : R[d]! / b;
        R[d + 1] = 0;
        break;
      }
      case 258: {
        // dst s/= imm
        const b = code[p + 2]!;
        sdiv(R, d, b, b >> 31);
        break;
      }
      case 259: {
        // dst s/= src
        const b = R[s]!;
        sdiv(R, d, b, R[s + 1]!);
        break;
      }
      case 260: {
        // (u32) dst s%= imm
        const b = code[p + 2]!;
        if (b !== 0) R[d] = R[d]! % b;
        R[d + 1] = 0;
        break;
      }
      case 261: {
        // (u32) dst s%= src
        const b = R[s]!;
        if (b !== 0) R[d] = R[d]! % b;
        R[d + 1] = 0;
        break;
      }
      case 262: {
        // dst s%= imm
        const b = code[p + 2]!;
        smod(R, d, b, b >> 31);
        break;
      }
      case 263: {
        // dst s%= src
        const b = R[s]!;
        smod(R, d, b, R[s + 1]!);
        break;
      }
      case 264: {
        // (s32) dst = (s8) src
        R[d] = (R[s]! << 24) >> 24;
        R[d + 1] = 0;
        break;
      }
      case 265: {
        // (s32) dst = (s16) src
        R[d] = (R[s]! << 16) >> 16;
        R[d + 1] = 0;
        break;
      }
      case 266: {
        // dst = (s8) src
        const b = (R[s]! << 24) >> 24;
        R[d] = b;
        R[d + 1] = b >> 31;
        break;
      }
      case 267: {
        // dst = (s16) src
        const b = (R[s]! << 16) >> 16;
        R[d] = b;
        R[d + 1] = b >> 31;
        break;
      }
      case 268: {
        // dst = (s32) src
        const b = R[s]!;
        R[d] = b;
        R[d + 1] = b >> 31;
        break;
      }
      case 269: {
        // le16
        R[d] = R[d]! & 0xffff;
        R[d + 1] = 0;
        break;
      }
      case 270: {
        // le32
        R[d + 1] = 0;
        break;
      }
      case 271: {
        // le64
        break;
      }
      case 272: {
        // be16, bswap16
        R[d] = swap32(R[d]!) >>> 16;
        R[d + 1] = 0;
        break;
      }
      case 273: {
        // be32, bswap32
        R[d] = swap32(R[d]!);
        R[d + 1] = 0;
        break;
      }
      case 274: {
        // be64, bswap64
        const lo = R[d]!;
        R[d] = swap32(R[d + 1]!);
        R[d + 1] = swap32(lo);
        break;
      }
      case 0x15: {
        // if dst == imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        if (R[d] === b && R[d + 1] === bh) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x25: {
        // if dst > imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        const ah = R[d + 1]!;
        if (ah >>> 0 > bh >>> 0 || (ah === bh && R[d]! >>> 0 > b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x35: {
        // if dst >= imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        const ah = R[d + 1]!;
        if (ah >>> 0 > bh >>> 0 || (ah === bh && R[d]! >>> 0 >= b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x45: {
        // if dst & imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        if (((R[d]! & b) | (R[d + 1]! & bh)) !== 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x55: {
        // if dst != imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        if (R[d] !== b || R[d + 1] !== bh) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x65: {
        // if dst s> imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        const ah = R[d + 1]!;
        if (ah > bh || (ah === bh && R[d]! >>> 0 > b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x75: {
        // if dst s>= imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        const ah = R[d + 1]!;
        if (ah > bh || (ah === bh && R[d]! >>> 0 >= b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xa5: {
        // if dst < imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        const ah = R[d + 1]!;
        if (ah >>> 0 < bh >>> 0 || (ah === bh && R[d]! >>> 0 < b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xb5: {
        // if dst <= imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        const ah = R[d + 1]!;
        if (ah >>> 0 < bh >>> 0 || (ah === bh && R[d]! >>> 0 <= b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xc5: {
        // if dst s< imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        const ah = R[d + 1]!;
        if (ah < bh || (ah === bh && R[d]! >>> 0 < b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xd5: {
        // if dst s<= imm
        const b = code[p + 2]!;
        const bh = b >> 31;
        const ah = R[d + 1]!;
        if (ah < bh || (ah === bh && R[d]! >>> 0 <= b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x1d: {
        // if dst == src
        const b = R[s]!;
        const bh = R[s + 1]!;
        if (R[d] === b && R[d + 1] === bh) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x2d: {
        // if dst > src
        const b = R[s]!;
        const bh = R[s + 1]!;
        const ah = R[d + 1]!;
        if (ah >>> 0 > bh >>> 0 || (ah === bh && R[d]! >>> 0 > b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x3d: {
        // if dst >= src
        const b = R[s]!;
        const bh = R[s + 1]!;
        const ah = R[d + 1]!;
        if (ah >>> 0 > bh >>> 0 || (ah === bh && R[d]! >>> 0 >= b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x4d: {
        // if dst & src
        const b = R[s]!;
        const bh = R[s + 1]!;
        if (((R[d]! & b) | (R[d + 1]! & bh)) !== 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x5d: {
        // if dst != src
        const b = R[s]!;
        const bh = R[s + 1]!;
        if (R[d] !== b || R[d + 1] !== bh) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x6d: {
        // if dst s> src
        const b = R[s]!;
        const bh = R[s + 1]!;
        const ah = R[d + 1]!;
        if (ah > bh || (ah === bh && R[d]! >>> 0 > b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x7d: {
        // if dst s>= src
        const b = R[s]!;
        const bh = R[s + 1]!;
        const ah = R[d + 1]!;
        if (ah > bh || (ah === bh && R[d]! >>> 0 >= b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xad: {
        // if dst < src
        const b = R[s]!;
        const bh = R[s + 1]!;
        const ah = R[d + 1]!;
        if (ah >>> 0 < bh >>> 0 || (ah === bh && R[d]! >>> 0 < b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xbd: {
        // if dst <= src
        const b = R[s]!;
        const bh = R[s + 1]!;
        const ah = R[d + 1]!;
        if (ah >>> 0 < bh >>> 0 || (ah === bh && R[d]! >>> 0 <= b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xcd: {
        // if dst s< src
        const b = R[s]!;
        const bh = R[s + 1]!;
        const ah = R[d + 1]!;
        if (ah < bh || (ah === bh && R[d]! >>> 0 < b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xdd: {
        // if dst s<= src
        const b = R[s]!;
        const bh = R[s + 1]!;
        const ah = R[d + 1]!;
        if (ah < bh || (ah === bh && R[d]! >>> 0 <= b >>> 0)) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x16: {
        // if (u32) dst == imm
        if (R[d] === code[p + 2]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x26: {
        // if (u32) dst > imm
        if (R[d]! >>> 0 > code[p + 2]! >>> 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x36: {
        // if (u32) dst >= imm
        if (R[d]! >>> 0 >= code[p + 2]! >>> 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x46: {
        // if (u32) dst & imm
        if ((R[d]! & code[p + 2]!) !== 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x56: {
        // if (u32) dst != imm
        if (R[d] !== code[p + 2]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x66: {
        // if (u32) dst s> imm
        if (R[d]! > code[p + 2]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x76: {
        // if (u32) dst s>= imm
        if (R[d]! >= code[p + 2]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xa6: {
        // if (u32) dst < imm
        if (R[d]! >>> 0 < code[p + 2]! >>> 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xb6: {
        // if (u32) dst <= imm
        if (R[d]! >>> 0 <= code[p + 2]! >>> 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xc6: {
        // if (u32) dst s< imm
        if (R[d]! < code[p + 2]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xd6: {
        // if (u32) dst s<= imm
        if (R[d]! <= code[p + 2]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x1e: {
        // if (u32) dst == src
        if (R[d] === R[s]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x2e: {
        // if (u32) dst > src
        if (R[d]! >>> 0 > R[s]! >>> 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x3e: {
        // if (u32) dst >= src
        if (R[d]! >>> 0 >= R[s]! >>> 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x4e: {
        // if (u32) dst & src
        if ((R[d]! & R[s]!) !== 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x5e: {
        // if (u32) dst != src
        if (R[d] !== R[s]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x6e: {
        // if (u32) dst s> src
        if (R[d]! > R[s]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x7e: {
        // if (u32) dst s>= src
        if (R[d]! >= R[s]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xae: {
        // if (u32) dst < src
        if (R[d]! >>> 0 < R[s]! >>> 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xbe: {
        // if (u32) dst <= src
        if (R[d]! >>> 0 <= R[s]! >>> 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xce: {
        // if (u32) dst s< src
        if (R[d]! < R[s]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0xde: {
        // if (u32) dst s<= src
        if (R[d]! <= R[s]!) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        }
        break;
      }
      case 0x05: {
        // goto
        next = code[p + 1]!;
        if (checked && next <= p) burnFuel(host, p, p - next);
        break;
      }
      case 0xe5: {
        // may_goto
        if (budget === 0) {
          next = code[p + 1]!;
          if (checked && next <= p) burnFuel(host, p, p - next);
        } else {
          budget--;
        }
        break;
      }
      case 0x18: {
        // dst = imm64
        R[d] = code[p + 2]!;
        R[d + 1] = code[p + 6]!;
        next = p + 8;
        break;
      }
      case 300: {
        // dst = address of a function
        R[d] = program.functionSlots[code[p + 1]!]!;
        R[d + 1] = 0;
        next = p + 8;
        break;
      }
      case 0x61: {
        // dst = *(u32 *)(src + off)
        const addr = (R[s]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[s + 1]! + carry(R[s]!, code[p + 1]!), 4, false, p);
        R[d] = dv.getInt32(addr, true);
        R[d + 1] = 0;
        break;
      }
      case 0x69: {
        // dst = *(u16 *)(src + off)
        const addr = (R[s]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[s + 1]! + carry(R[s]!, code[p + 1]!), 2, false, p);
        R[d] = dv.getUint16(addr, true);
        R[d + 1] = 0;
        break;
      }
      case 0x71: {
        // dst = *(u8 *)(src + off)
        const addr = (R[s]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[s + 1]! + carry(R[s]!, code[p + 1]!), 1, false, p);
        R[d] = dv.getUint8(addr);
        R[d + 1] = 0;
        break;
      }
      case 0x79: {
        // dst = *(u64 *)(src + off)
        const addr = (R[s]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[s + 1]! + carry(R[s]!, code[p + 1]!), 8, false, p);
        R[d] = dv.getInt32(addr, true);
        R[d + 1] = dv.getInt32(addr + 4, true);
        break;
      }
      case 0x81: {
        // dst = *(s32 *)(src + off)
        const addr = (R[s]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[s + 1]! + carry(R[s]!, code[p + 1]!), 4, false, p);
        const b = dv.getInt32(addr, true);
        R[d] = b;
        R[d + 1] = b >> 31;
        break;
      }
      case 0x89: {
        // dst = *(s16 *)(src + off)
        const addr = (R[s]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[s + 1]! + carry(R[s]!, code[p + 1]!), 2, false, p);
        const b = dv.getInt16(addr, true);
        R[d] = b;
        R[d + 1] = b >> 31;
        break;
      }
      case 0x91: {
        // dst = *(s8 *)(src + off)
        const addr = (R[s]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[s + 1]! + carry(R[s]!, code[p + 1]!), 1, false, p);
        const b = dv.getInt8(addr);
        R[d] = b;
        R[d + 1] = b >> 31;
        break;
      }
      case 0x62: {
        // *(u32 *)(dst + off) = imm
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        dv.setInt32(addr, code[p + 2]!, true);
        break;
      }
      case 0x6a: {
        // *(u16 *)(dst + off) = imm
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 2, true, p);
        dv.setInt16(addr, code[p + 2]!, true);
        break;
      }
      case 0x72: {
        // *(u8 *)(dst + off) = imm
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 1, true, p);
        dv.setInt8(addr, code[p + 2]!);
        break;
      }
      case 0x63: {
        // *(u32 *)(dst + off) = src
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        dv.setInt32(addr, R[s]!, true);
        break;
      }
      case 0x6b: {
        // *(u16 *)(dst + off) = src
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 2, true, p);
        dv.setInt16(addr, R[s]!, true);
        break;
      }
      case 0x73: {
        // *(u8 *)(dst + off) = src
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 1, true, p);
        dv.setInt8(addr, R[s]!);
        break;
      }
      case 0x7a: {
        // *(u64 *)(dst + off) = imm
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const b = code[p + 2]!;
        dv.setInt32(addr, b, true);
        dv.setInt32(addr + 4, b >> 31, true);
        break;
      }
      case 0x7b: {
        // *(u64 *)(dst + off) = src
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = R[s]!;
        const hi = R[s + 1]!;
        dv.setInt32(addr + 4, hi, true);
        dv.setInt32(addr, lo, true);
        break;
      }
      case 275: {
        // u32 atomic add
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, old + R[s]!, true);
        break;
      }
      case 276: {
        // u32 atomic or
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, old | R[s]!, true);
        break;
      }
      case 277: {
        // u32 atomic and
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, old & R[s]!, true);
        break;
      }
      case 278: {
        // u32 atomic xor
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, old ^ R[s]!, true);
        break;
      }
      case 279: {
        // u32 atomic add fetch
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, old + R[s]!, true);
        R[s] = old;
        R[s + 1] = 0;
        break;
      }
      case 280: {
        // u32 atomic or fetch
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, old | R[s]!, true);
        R[s] = old;
        R[s + 1] = 0;
        break;
      }
      case 281: {
        // u32 atomic and fetch
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, old & R[s]!, true);
        R[s] = old;
        R[s + 1] = 0;
        break;
      }
      case 282: {
        // u32 atomic xor fetch
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, old ^ R[s]!, true);
        R[s] = old;
        R[s + 1] = 0;
        break;
      }
      case 283: {
        // u32 atomic xchg
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        dv.setInt32(addr, R[s]!, true);
        R[s] = old;
        R[s + 1] = 0;
        break;
      }
      case 284: {
        // u32 atomic cmpxchg
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 4, true, p);
        const old = dv.getInt32(addr, true);
        if (old === R[0]) dv.setInt32(addr, R[s]!, true);
        R[0] = old;
        R[1] = 0;
        break;
      }
      case 285: {
        // u64 atomic add
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        const sum = (lo + R[s]!) | 0;
        dv.setInt32(addr + 4, hi + R[s + 1]! + (sum >>> 0 < lo >>> 0 ? 1 : 0), true);
        dv.setInt32(addr, sum, true);
        break;
      }
      case 286: {
        // u64 atomic or
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        dv.setInt32(addr, lo | R[s]!, true);
        dv.setInt32(addr + 4, hi | R[s + 1]!, true);
        break;
      }
      case 287: {
        // u64 atomic and
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        dv.setInt32(addr, lo & R[s]!, true);
        dv.setInt32(addr + 4, hi & R[s + 1]!, true);
        break;
      }
      case 288: {
        // u64 atomic xor
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        dv.setInt32(addr, lo ^ R[s]!, true);
        dv.setInt32(addr + 4, hi ^ R[s + 1]!, true);
        break;
      }
      case 289: {
        // u64 atomic add fetch
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        const sum = (lo + R[s]!) | 0;
        dv.setInt32(addr + 4, hi + R[s + 1]! + (sum >>> 0 < lo >>> 0 ? 1 : 0), true);
        dv.setInt32(addr, sum, true);
        R[s] = lo;
        R[s + 1] = hi;
        break;
      }
      case 290: {
        // u64 atomic or fetch
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        dv.setInt32(addr, lo | R[s]!, true);
        dv.setInt32(addr + 4, hi | R[s + 1]!, true);
        R[s] = lo;
        R[s + 1] = hi;
        break;
      }
      case 291: {
        // u64 atomic and fetch
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        dv.setInt32(addr, lo & R[s]!, true);
        dv.setInt32(addr + 4, hi & R[s + 1]!, true);
        R[s] = lo;
        R[s + 1] = hi;
        break;
      }
      case 292: {
        // u64 atomic xor fetch
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        dv.setInt32(addr, lo ^ R[s]!, true);
        dv.setInt32(addr + 4, hi ^ R[s + 1]!, true);
        R[s] = lo;
        R[s + 1] = hi;
        break;
      }
      case 293: {
        // u64 atomic xchg
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        dv.setInt32(addr, R[s]!, true);
        dv.setInt32(addr + 4, R[s + 1]!, true);
        R[s] = lo;
        R[s + 1] = hi;
        break;
      }
      case 294: {
        // u64 atomic cmpxchg
        const addr = (R[d]! + code[p + 1]!) >>> 0;
        if (checked) checkAccess(host, program, addr, R[d + 1]! + carry(R[d]!, code[p + 1]!), 8, true, p);
        const lo = dv.getInt32(addr, true);
        const hi = dv.getInt32(addr + 4, true);
        if (lo === R[0] && hi === R[1]) {
          dv.setInt32(addr, R[s]!, true);
          dv.setInt32(addr + 4, R[s + 1]!, true);
        }
        R[0] = lo;
        R[1] = hi;
        break;
      }
      case 0x20: {
        // r0 = (u32) packet[imm], big endian
        if (!loadPacket(host, R, code[p + 2]!, 4)) {
          R[0] = R[1] = 0;
          next = LEAVE;
        }
        dv = host.mem.view;
        break;
      }
      case 0x28: {
        // r0 = (u16) packet[imm], big endian
        if (!loadPacket(host, R, code[p + 2]!, 2)) {
          R[0] = R[1] = 0;
          next = LEAVE;
        }
        dv = host.mem.view;
        break;
      }
      case 0x30: {
        // r0 = (u8) packet[imm], big endian
        if (!loadPacket(host, R, code[p + 2]!, 1)) {
          R[0] = R[1] = 0;
          next = LEAVE;
        }
        dv = host.mem.view;
        break;
      }
      case 0x40: {
        // r0 = (u32) packet[src + imm], big endian
        if (!loadPacket(host, R, (R[s]! + code[p + 2]!) | 0, 4)) {
          R[0] = R[1] = 0;
          next = LEAVE;
        }
        dv = host.mem.view;
        break;
      }
      case 0x48: {
        // r0 = (u16) packet[src + imm], big endian
        if (!loadPacket(host, R, (R[s]! + code[p + 2]!) | 0, 2)) {
          R[0] = R[1] = 0;
          next = LEAVE;
        }
        dv = host.mem.view;
        break;
      }
      case 0x50: {
        // r0 = (u8) packet[src + imm], big endian
        if (!loadPacket(host, R, (R[s]! + code[p + 2]!) | 0, 1)) {
          R[0] = R[1] = 0;
          next = LEAVE;
        }
        dv = host.mem.view;
        break;
      }
      case 295: {
        // call a helper
        if (checked) burnFuel(host, p, 0);
        program.callSites[code[p + 1]!]!(R);
        dv = host.mem.view;
        break;
      }
      case 296: {
        // call a kfunc
        if (checked) burnFuel(host, p, 0);
        program.callSites[code[p + 1]!]!(R);
        dv = host.mem.view;
        break;
      }
      case 299: {
        // call the helper whose number is in dst
        if (checked) burnFuel(host, p, 0);
        R[0] = host.callByNumber(R[d]!, p >> 2, ...R.subarray(2, 12));
        R[1] = host.retHi;
        dv = host.mem.view;
        break;
      }
      case 297: {
        // call a function of this program
        if (checked) burnFuel(host, p, program.lengths[code[p + 1]!]!);
        if (depth + 1 >= MAX_CALL_DEPTH) throw new RunFault('stack', p >> 2);
        R[NEXT] = next;
        R[BUDGET] = budget;
        R = enterFunction(R, windows[++depth]!, program.framePointers[code[p + 1]!]!);
        budget = MAY_GOTO_BUDGET;
        next = program.entries[code[p + 1]!]!;
        break;
      }
      case 298: {
        // bpf_tail_call
        if (checked) burnFuel(host, p, 0);
        if (host.tailCall(R[2]! >>> 0, R[4]! >>> 0, R[6]! >>> 0, depth > 0)) {
          R[0] = host.retLo;
          R[1] = host.retHi;
          next = LEAVE;
        }
        dv = host.mem.view;
        break;
      }
      case 0x95: {
        // exit
        next = LEAVE;
        break;
      }
      case 301: // a load that answers 0 where there is no memory
        probe(host, R, d, s, code[p + 1]!, code[p + 2]!);
        break;
      case 302: // throw r1
        throw new ProgramException(R[2]!, R[3]!);
      case 303: // dst = what user space calls the place in the arena
        R[d + 1] = R[s]! === 0 ? 0 : code[p + 2]!;
        R[d] = R[s]!;
        break;
      case 304: // a load, store or atomic operation in the arena
        accessArena(host.mem, program.arena!, R, code, p);
        break;
      default:
        throw new RunFault('illegal-instruction', p >> 2);
    }
    if (next < 0) {
      if (depth === 0) return;
      const lo = R[0]!;
      const hi = R[1]!;
      R = windows[--depth]!;
      R[0] = lo;
      R[1] = hi;
      next = R[NEXT]!;
      budget = R[BUDGET]!;
    }
    p = next;
  }
}
