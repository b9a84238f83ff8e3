/** Code that computes the hash of a key as maps/hash-function.ts does. */
import { HASH_C1, HASH_C2, HASH_C3, HASH_C4 } from '../../base/map-storage.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BR_IF,
  I32,
  I32_ADD,
  I32_LOAD,
  I32_LOAD8_U,
  I32_LOAD16_U,
  I32_LT_U,
  I32_MUL,
  I32_OR,
  I32_ROTL,
  I32_SHL,
  I32_SHR_U,
  I32_XOR,
  LOOP,
} from '../wasm/opcodes.ts';

/** Keys up to here are hashed without a loop. */
const FEW = 64;

/** Puts the hash of the `size` bytes at the address in local `key` into local `hash`. */
export function writeHash(code: CodeWriter, key: number, size: number, seed: number, hash: number): void {
  const words = size & ~3;
  code.i32(seed ^ size);
  if (words <= FEW) {
    for (let at = 0; at < words; at += 4) mix(code, () => code.get(key).memory(I32_LOAD, at));
  } else {
    const at = code.newLocal(I32);
    code.set(hash);
    code.i32(0).set(at);
    const again = code.open(LOOP);
    code.get(hash);
    mix(code, () => code.get(key).get(at).op(I32_ADD).memory(I32_LOAD, 0));
    code.set(hash);
    code.get(at).i32(4).op(I32_ADD).set(at);
    code.get(at).i32(words).op(I32_LT_U).branch(BR_IF, again);
    code.end();
    code.get(hash);
  }
  if (words < size) mix(code, () => tail(code, key, words, size - words));
  code.set(hash);
  finalStep(code, hash, 16, HASH_C3);
  finalStep(code, hash, 13, HASH_C4);
  code.get(hash).get(hash).i32(16).op(I32_SHR_U).op(I32_XOR).set(hash);
}

/** The last one to three bytes as a word. */
function tail(code: CodeWriter, key: number, at: number, size: number): void {
  code.get(key).memory(size === 1 ? I32_LOAD8_U : I32_LOAD16_U, at);
  if (size < 3) return;
  code
    .get(key)
    .memory(I32_LOAD8_U, at + 2)
    .i32(16)
    .op(I32_SHL)
    .op(I32_OR);
}

/** The hash so far is on the stack; `word` puts the next word there. */
function mix(code: CodeWriter, word: () => void): void {
  word();
  code.i32(HASH_C1).op(I32_MUL).op(I32_XOR).i32(13).op(I32_ROTL).i32(5).op(I32_MUL).i32(HASH_C2).op(I32_ADD);
}

function finalStep(code: CodeWriter, hash: number, shift: number, factor: number): void {
  code.get(hash).get(hash).i32(shift).op(I32_SHR_U).op(I32_XOR).i32(factor).op(I32_MUL).set(hash);
}
