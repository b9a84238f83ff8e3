/** Accesses of an arena, each confined to pages that are there. */
import { BPF_LDX, BPF_STX, byteSize, classOf } from '../../isa/index.ts';
import { type Arena, arenaAddress } from '../arena.ts';
import type { LinearMemory } from '../memory.ts';
import { OP_ATOMIC32, OP_ATOMIC64 } from '../operations.ts';
import { load } from './loads.ts';

const XCHG = 8;
const CMPXCHG = 9;
const FETCH = 4;

/** The access whose four words begin at `p`: see interpreter.ts. */
export function accessArena(mem: LinearMemory, arena: Arena, regs: Int32Array, code: Int32Array, p: number): void {
  const op = code[p + 3]!;
  const d = (code[p]! >> 16) & 0xff;
  const s = code[p]! >>> 24;
  const off = code[p + 1]!;
  if (op >= OP_ATOMIC32) {
    atomic(mem, arena, regs, op, d, s, off);
    return;
  }
  const size = byteSize(op);
  const isLoad = classOf(op) === BPF_LDX;
  const addr = arenaAddress(mem, arena, regs[isLoad ? s : d]!, off, size, !isLoad);
  const { view } = mem;
  if (isLoad) {
    load(view, regs, d, addr, op);
    return;
  }
  const fromRegister = classOf(op) === BPF_STX;
  const lo = fromRegister ? regs[s]! : code[p + 2]!;
  if (size === 1) view.setUint8(addr, lo);
  else if (size === 2) view.setUint16(addr, lo, true);
  else view.setInt32(addr, lo, true);
  if (size === 8) view.setInt32(addr + 4, fromRegister ? regs[s + 1]! : lo >> 31, true);
}

/** Programs here rarely do this in an arena: whole numbers keep it short. */
function atomic(
  mem: LinearMemory,
  arena: Arena,
  regs: Int32Array,
  op: number,
  d: number,
  s: number,
  off: number,
): void {
  const bits = op >= OP_ATOMIC64 ? 64 : 32;
  const which = op - (bits === 64 ? OP_ATOMIC64 : OP_ATOMIC32);
  const addr = arenaAddress(mem, arena, regs[d]!, off, bits / 8, true);
  const { view } = mem;
  const register = (lane: number): bigint =>
    BigInt.asUintN(bits, (BigInt(regs[lane + 1]!) << 32n) | BigInt(regs[lane]! >>> 0));
  const old = bits === 64 ? view.getBigUint64(addr, true) : BigInt(view.getUint32(addr, true));
  const value = register(s);
  let after = value;
  if (which === CMPXCHG) after = old === register(0) ? value : old;
  else if (which !== XCHG) after = [old + value, old | value, old & value, old ^ value][which & 3]!;
  if (bits === 64) view.setBigUint64(addr, BigInt.asUintN(64, after), true);
  else view.setUint32(addr, Number(BigInt.asUintN(32, after)), true);
  if (which < FETCH) return;
  const to = which === CMPXCHG ? 0 : s;
  regs[to] = Number(BigInt.asIntN(32, old));
  regs[to + 1] = Number(BigInt.asIntN(32, old >> 32n));
}
