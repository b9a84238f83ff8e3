/** Programs of any size whose loading is measured. */
import { assemble, encode } from '../../src/isa/index.ts';

/** A program of about `size` instructions: a branch over one instruction, again and again. `salt` makes it another. */
export function programOf(size: number, salt: number): Uint8Array {
  const lines = ['r6 = *(u32 *)(r1 +0)', `r0 = ${salt}`];
  for (let i = 0; lines.length + 1 < size; i++) {
    lines.push(`r0 += ${i + 1}`, 'r6 >>= 1', `r7 = r6`, `r7 &= ${(i % 7) + 1}`);
    lines.push(`if r7 == 3 goto l${i}`, 'r0 ^= r6', `l${i}: r0 *= 3`);
  }
  return encode(assemble([...lines, 'exit'].join('\n')));
}
