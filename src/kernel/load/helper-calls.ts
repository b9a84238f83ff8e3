/** Which helpers a program calls. */
import { view } from '../../base/bytes.ts';
import { CALL } from '../../isa/index.ts';

const SLOT_SIZE = 8;

/** Whether bytecode calls one of `helpers`. The second half of a 64-bit constant is no call: its opcode is 0. */
export function callsAny(bytecode: Uint8Array, helpers: ReadonlySet<number>): boolean {
  const words = view(bytecode);
  for (let at = 0; at + SLOT_SIZE <= bytecode.length; at += SLOT_SIZE) {
    if (bytecode[at] !== CALL || bytecode[at + 1]! >> 4 !== 0) continue;
    if (helpers.has(words.getInt32(at + 4, true))) return true;
  }
  return false;
}
