/**
 * Where on the stack an object of several slots lies: dynptrs, iterators. Linux: stack_slot_obj_get_spi().
 */
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';

/** The stack is not that deep yet. */
export const OUT_OF_STACK = -1;

/** The slot at its lowest address; null, with the reason in the log, where it cannot be one; OUT_OF_STACK. */
export function slotOfObject(env: Env, reg: Reg, what: string, slots: number): number | null {
  if (!reg.isConst) {
    env.write(`${what} has to be at a constant offset\n`);
    return null;
  }
  const off = reg.off + Number(BigInt.asIntN(64, reg.value));
  const n = (-off - 1) >> 3;
  // At the frame pointer itself: what makes an object there is refused as a write outside of the stack.
  if (off === 0 && slots === 1) return OUT_OF_STACK;
  if (off % 8 !== 0 || n + 1 < slots) {
    env.write(`cannot pass in ${what} at an offset=${off}\n`);
    return null;
  }
  return n < env.cur.frames[reg.frameno]!.slots ? n : OUT_OF_STACK;
}
