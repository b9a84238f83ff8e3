/**
 * The few instructions that oracle tests of helpers are made of, as bytes: no assembler, so that the oracle does not
 * depend on what it helps to test.
 */
import { concat, view } from '../../src/base/bytes.ts';

function insn(code: number, dst: number, src: number, off: number, imm: number): Uint8Array {
  const out = new Uint8Array(8);
  const dv = view(out);
  out[0] = code;
  out[1] = dst | (src << 4);
  dv.setInt16(2, off, true);
  dv.setInt32(4, imm, true);
  return out;
}

export function assembleProgram(insns: readonly Uint8Array[]): Uint8Array {
  return concat(insns);
}

/** dst = value, in two slots. */
export function loadImm(dst: number, value: bigint): Uint8Array {
  return wide(dst, 0, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}
/** dst = the address of byte `off` of the first value of an array. */
export function loadMapValue(dst: number, fd: number, off: number): Uint8Array {
  return wide(dst, 2, fd, off);
}
function wide(dst: number, src: number, low: number, high: number): Uint8Array {
  return concat([insn(0x18, dst, src, 0, low), insn(0, 0, 0, 0, high)]);
}

/** dst = src + add. */
export function moveReg(dst: number, src: number, add = 0): Uint8Array {
  const move = insn(0xbf, dst, src, 0, 0);
  return add === 0 ? move : concat([move, insn(0x07, dst, 0, 0, add)]);
}
/** *(u64 *)(dst + off) = src. */
export function storeReg(dst: number, off: number, src: number): Uint8Array {
  return insn(0x7b, dst, src, off, 0);
}
export function call(helper: number): Uint8Array {
  return insn(0x85, 0, 0, 0, helper);
}
export function exit(): Uint8Array {
  return insn(0x95, 0, 0, 0, 0);
}
