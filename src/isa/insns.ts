/**
 * Instructions as parallel arrays: one entry per 8-byte slot, the form that verifier, interpreter and JIT walk.
 *
 * An instruction is `opcode:8 dst:4 src:4 off:16 imm:32`, little-endian (RFC 9669 section 3). A 64-bit immediate
 * load takes two slots; the second has opcode 0 and carries the upper half in its `imm`. A `pc` counts slots.
 */

import { view } from '../base/bytes.ts';
import { AsmError } from '../base/errors.ts';

/** Bytes of one slot. */
export const SLOT_SIZE = 8;

export class Insns {
  /** Slots. */
  readonly length: number;
  readonly code: Uint8Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly off: Int16Array;
  readonly imm: Int32Array;

  constructor(length: number) {
    this.length = length;
    this.code = new Uint8Array(length);
    this.dst = new Uint8Array(length);
    this.src = new Uint8Array(length);
    this.off = new Int16Array(length);
    this.imm = new Int32Array(length);
  }
}

/** The slots of `bytes`. Any bytes decode; a length that is no multiple of 8 is an AsmError. */
export function decode(bytes: Uint8Array): Insns {
  if (bytes.length % SLOT_SIZE !== 0) {
    throw new AsmError(
      `instructions take 8 bytes each, and ${bytes.length} bytes are no multiple of that`,
      `byte ${bytes.length & ~7}`,
    );
  }
  const insns = new Insns(bytes.length / SLOT_SIZE);
  const dv = view(bytes);
  for (let pc = 0; pc < insns.length; pc++) {
    const at = pc * SLOT_SIZE;
    const regs = dv.getUint8(at + 1);
    insns.code[pc] = dv.getUint8(at);
    insns.dst[pc] = regs & 15;
    insns.src[pc] = regs >> 4;
    insns.off[pc] = dv.getInt16(at + 2, true);
    insns.imm[pc] = dv.getInt32(at + 4, true);
  }
  return insns;
}

/** The bytes of `insns`: `encode(decode(x))` equals `x`. */
export function encode(insns: Insns): Uint8Array {
  const out = new Uint8Array(insns.length * SLOT_SIZE);
  const dv = view(out);
  for (let pc = 0; pc < insns.length; pc++) {
    const at = pc * SLOT_SIZE;
    dv.setUint8(at, insns.code[pc]!);
    dv.setUint8(at + 1, insns.dst[pc]! | (insns.src[pc]! << 4));
    dv.setInt16(at + 2, insns.off[pc]!, true);
    dv.setInt32(at + 4, insns.imm[pc]!, true);
  }
  return out;
}
