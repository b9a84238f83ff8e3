/** bpf_get_prandom_u32: a step of the engine's generator, as vm/random.ts takes it. */
import { RANDOM } from '../control.ts';
import { I32_ADD, I32_LOAD, I32_ROTL, I32_SHL, I32_SHR_U, I32_STORE, I32_XOR } from '../wasm/opcodes.ts';
import type { HelperFunction } from './helper-function.ts';

/** () -> a number of 32 bits. */
export function writeRandom(f: HelperFunction): void {
  const { code, control } = f;
  const [a, b, c, counter] = [0, 4, 8, 12].map((word) => control + RANDOM + word) as [number, number, number, number];
  const [out, wasB, wasC, wasCounter] = [f.local(), f.local(), f.local(), f.local()];
  const load = (word: number) => code.i32(0).memory(I32_LOAD, word);
  load(b).set(wasB);
  load(c).set(wasC);
  load(counter).set(wasCounter);
  load(a).get(wasB).op(I32_ADD).get(wasCounter).op(I32_ADD).set(out);
  code.i32(0).get(wasCounter).i32(1).op(I32_ADD).memory(I32_STORE, counter);
  code.i32(0).get(wasB).get(wasB).i32(9).op(I32_SHR_U).op(I32_XOR).memory(I32_STORE, a);
  code.i32(0).get(wasC).get(wasC).i32(3).op(I32_SHL).op(I32_ADD).memory(I32_STORE, b);
  code.i32(0).get(wasC).i32(21).op(I32_ROTL).get(out).op(I32_ADD).memory(I32_STORE, c);
  code.get(out);
}
