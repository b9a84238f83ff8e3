/**
 * The engine's source of chance: a small counter-based generator (sfc32), whose state stands in the control block, since
 * compiled programs step it too (helpers/random.ts). Good enough for bpf_get_prandom_u32 and for hash seeds; nothing
 * secret depends on it.
 */
import type { Addr, Memory } from '../base/memory.ts';
import { RANDOM } from './control.ts';

/** Words of the state, in order: a, b, c, counter. */
const WORDS = [0, 4, 8, 12] as const;
/** Steps that spread the seed over the state. */
const FIRST_STEPS = 12;

/** A generator with its state in the control block at `control`: each call answers an unsigned 32-bit number. */
export function randomSource(mem: Memory, control: Addr, seed: number): () => number {
  const [a, b, c, counter] = WORDS.map((word) => control + RANDOM + word) as [Addr, Addr, Addr, Addr];
  mem.setU32(a, seed);
  mem.setU32(b, 0x9e3779b9);
  mem.setU32(c, 0x243f6a88);
  mem.setU32(counter, 1);
  const next = (): number => {
    const [wasB, wasC, wasCounter] = [mem.i32(b), mem.i32(c), mem.i32(counter)];
    const out = (mem.i32(a) + wasB + wasCounter) | 0;
    mem.setU32(counter, wasCounter + 1);
    mem.setU32(a, wasB ^ (wasB >>> 9));
    mem.setU32(b, wasC + (wasC << 3));
    mem.setU32(c, ((wasC << 21) | (wasC >>> 11)) + out);
    return out >>> 0;
  };
  for (let i = 0; i < FIRST_STEPS; i++) next();
  return next;
}
