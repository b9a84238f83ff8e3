/**
 * Writes the value of a relocation into its instruction: into imm, off, or both halves of a 64-bit load. A load or
 * store also changes its width where the field is wider or narrower in the target.
 */
import { BtfError } from '../../base/errors.ts';
import type { CoreValue } from './value.ts';

/** imm of the call that stands for an access to what does not exist: no helper has this number. */
export const POISON = 195_896_080;

const CALL = 0x85;
const LD_IMM64 = 0x18;

/** Low three bits of an opcode. */
const CLASS_LD = 0;
const CLASS_LDX = 1;
const CLASS_ST = 2;
const CLASS_STX = 3;
const CLASS_ALU = 4;
const CLASS_ALU64 = 7;

/** Bits 3 and 4 of a load's or store's opcode, by bytes. */
const WIDTHS: Record<number, number> = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 };
const WIDTH_MASK = 0x18;

/** Whether the width of an access may follow the field's: pointers, and integers without a sign. */
export type Resize = 'same' | 'allowed' | 'refused';

/**
 * Patches the instruction at `pc`. `local` is the value that the compiler put there, `target` the one to put.
 * Answers false where it had to poison instead. Throws BtfError where the instruction is not what it should be.
 */
export function patch(dv: DataView, pc: number, local: CoreValue, target: CoreValue, resize: Resize): boolean {
  const at = pc * 8;
  const code = dv.getUint8(at);
  const expect = (found: bigint) => {
    if (local.checked && found !== local.value) fail(pc, `holds ${found}, and its relocation expects ${local.value}`);
  };
  switch (code & 7) {
    case CLASS_ALU:
    case CLASS_ALU64:
      if ((code & 8) !== 0) fail(pc, 'takes no immediate');
      expect(BigInt(dv.getInt32(at + 4, true)));
      dv.setInt32(at + 4, Number(BigInt.asIntN(32, target.value)), true);
      return true;
    case CLASS_LDX:
    case CLASS_ST:
    case CLASS_STX:
      expect(BigInt(dv.getInt16(at + 2, true)));
      if (target.value > 0x7fffn) fail(pc, `would need the offset ${target.value}, more than 32767`);
      if (resize === 'refused') {
        poison(dv, pc);
        return false;
      }
      dv.setInt16(at + 2, Number(target.value), true);
      if (resize === 'allowed') setWidth(dv, pc, local.size, target.size);
      return true;
    case CLASS_LD: {
      if (code !== LD_IMM64 || at + 16 > dv.byteLength || dv.getUint8(at + 1) >> 4 !== 0)
        fail(pc, 'cannot be relocated');
      expect((BigInt(dv.getInt32(at + 12, true)) << 32n) | BigInt(dv.getUint32(at + 4, true)));
      dv.setUint32(at + 4, Number(target.value & 0xffff_ffffn), true);
      dv.setUint32(at + 12, Number((target.value >> 32n) & 0xffff_ffffn), true);
      return true;
    }
    default:
      return fail(pc, `(opcode 0x${code.toString(16)}) cannot be relocated`);
  }
}

/** Puts a call that no verifier takes where an access would be: fine in dead code, an error in live code. */
export function poison(dv: DataView, pc: number): void {
  const slots = dv.getUint8(pc * 8) === LD_IMM64 && (pc + 2) * 8 <= dv.byteLength ? 2 : 1;
  for (let slot = pc; slot < pc + slots; slot++) {
    dv.setUint32(slot * 8, CALL, true);
    dv.setInt32(slot * 8 + 4, POISON, true);
  }
}

function setWidth(dv: DataView, pc: number, from: number, to: number): void {
  const code = dv.getUint8(pc * 8);
  if (WIDTHS[from] !== (code & WIDTH_MASK)) fail(pc, `does not access the ${from} bytes that its relocation speaks of`);
  const width = WIDTHS[to];
  if (width === undefined) fail(pc, `cannot access ${to} bytes`);
  dv.setUint8(pc * 8, (code & ~WIDTH_MASK) | width);
}

function fail(pc: number, what: string): never {
  throw new BtfError(`cannot relocate: the instruction ${what}`, `instruction ${pc}`);
}
