/** Code that computes the hash of a key as maps/hash-function.ts does, with the multipliers of one map as constants. */
import { HASH_BLOCK_WORDS, HASH_MASK, HASH_MULTIPLIERS, HASH_MULTIPLIERS_BEFORE } from '../../base/map-storage.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BR_IF,
  I32,
  I32_ADD,
  I32_AND,
  I32_EQ,
  I32_EQZ,
  I32_LOAD,
  I32_LT_U,
  I32_OR,
  I32_STORE,
  I32_WRAP_I64,
  I32_XOR,
  I64,
  I64_ADD,
  I64_EXTEND_I32_U,
  I64_LOAD8_U,
  I64_LOAD16_U,
  I64_LOAD32_U,
  I64_MUL,
  I64_OR,
  I64_SHL,
  I64_SHR_U,
  LOOP,
} from '../wasm/opcodes.ts';
import { writeCopy, writeSameBytes } from './bytes.ts';
import type { MapFacts } from './facts.ts';

/**
 * Up to so many bytes the words of a key are read once and kept in locals. Four bytes each: a program has often just
 * written them so, and a load of eight bytes waits until both stores have left the processor's store buffer.
 */
const SHORT_KEY = 32;
const BLOCK_BYTES = 4 * HASH_BLOCK_WORDS;

/** A key that is looked for: at an address, and where it is short also in locals, a word each. */
export interface Key {
  /** Local with its address. */
  readonly at: number;
  readonly size: number;
  /** i64 locals with its words, the last one filled up with zeros. */
  readonly words: readonly number[];
}

export function isShort(keySize: number): boolean {
  return keySize <= SHORT_KEY;
}

/**
 * Reads the key of `size` bytes at the address in local `at`. `known` puts the word at an offset of it on the stack, as an i64, and
 * answers true where it need not be read.
 */
export function readKey(
  code: CodeWriter,
  at: number,
  size: number,
  known: (offset: number) => boolean = () => false,
): Key {
  const words: number[] = [];
  for (let offset = 0; isShort(size) && offset < size; offset += 4) {
    const word = code.newLocal(I64);
    if (size - offset < 4 || !known(offset)) writeWord(code, at, offset, size);
    code.set(word);
    words.push(word);
  }
  return { at, size, words };
}

/** Puts the offset of a short key's bucket on the stack, as an i32. */
export function writeBucketOffset(code: CodeWriter, { size, words }: Key, map: MapFacts): void {
  writeSum(code, map, size, (offset) => code.get(words[offset / 4]!));
  // The hash is the upper half; buckets are a word each.
  code
    .i64(32 - 2)
    .op(I64_SHR_U)
    .op(I32_WRAP_I64)
    .i32(map.word(HASH_MASK) << 2)
    .op(I32_AND);
}

/** Puts the hash of a key on the stack, as an i32. */
export function writeHash(code: CodeWriter, key: Key, map: MapFacts): void {
  const { at, size, words } = key;
  if (size <= BLOCK_BYTES) {
    writeBlock(code, map, size, (offset) => {
      if (words.length > 0) code.get(words[offset / 4]!);
      else writeWord(code, at, offset, size);
    });
    return;
  }
  const [hash, block, last] = [code.newLocal(I32), code.newLocal(I32), code.newLocal(I32)];
  const whole = Math.floor(size / BLOCK_BYTES) * BLOCK_BYTES;
  const before = () => code.get(hash).op(I64_EXTEND_I32_U);
  code.i32(0).set(hash);
  code.get(at).tee(block).i32(whole).op(I32_ADD).set(last);
  const again = code.open(LOOP);
  writeBlock(code, map, BLOCK_BYTES, (offset) => writeWord(code, block, offset, BLOCK_BYTES), before);
  code.set(hash);
  code.get(block).i32(BLOCK_BYTES).op(I32_ADD).tee(block).get(last).op(I32_LT_U).branch(BR_IF, again);
  code.end();
  if (whole === size) code.get(hash);
  else writeBlock(code, map, size - whole, (offset) => writeWord(code, last, offset, size - whole), before);
}

/** Puts an i32 on the stack: 1 where the key that stands at local `base` + offset, filled up with zeros, is this one. */
export function writeIsKey(code: CodeWriter, key: Key, base: number, offset: number): void {
  const { words } = key;
  if (words.length === 0) {
    writeSameBytes(code, base, offset, key.at, key.size);
    return;
  }
  words.forEach((word, i) => {
    code
      .get(word)
      .op(I32_WRAP_I64)
      .get(base)
      .memory(I32_LOAD, offset + 4 * i);
    if (words.length === 1) code.op(I32_EQ);
    else code.op(I32_XOR);
    if (i > 0) code.op(I32_OR);
  });
  if (words.length > 1) code.op(I32_EQZ);
}

/** Copies a key to local `to` + offset. */
export function writeKeyCopy(code: CodeWriter, key: Key, to: number, offset: number): void {
  if (key.words.length === 0) writeCopy(code, to, offset, key.at, key.size);
  key.words.forEach((word, i) => {
    code
      .get(to)
      .get(word)
      .op(I32_WRAP_I64)
      .memory(I32_STORE, offset + 4 * i);
  });
}

/** Puts the hash of `size` bytes, one block at most, on the stack; `before` what the blocks before it came to, as an i64. */
function writeBlock(
  code: CodeWriter,
  map: MapFacts,
  size: number,
  word: (offset: number) => void,
  before?: () => void,
): void {
  writeSum(code, map, size, word, before);
  code.i64(32).op(I64_SHR_U).op(I32_WRAP_I64);
}

/** The sum whose upper half is that hash. */
function writeSum(
  code: CodeWriter,
  map: MapFacts,
  size: number,
  word: (offset: number) => void,
  before?: () => void,
): void {
  const multiplier = (i: number): CodeWriter => {
    const at = map.word(HASH_MULTIPLIERS) + 8 * i;
    return code.i64(map.mem.i32(at), map.mem.i32(at + 4));
  };
  multiplier(0);
  if (before) {
    before();
    multiplier(1).op(I64_MUL).op(I64_ADD);
  }
  for (let offset = 0; offset < size; offset += 4) {
    word(offset);
    multiplier(HASH_MULTIPLIERS_BEFORE + offset / 4)
      .op(I64_MUL)
      .op(I64_ADD);
  }
}

/** Puts the word at local `at` + offset of `size` bytes on the stack, as an i64. */
function writeWord(code: CodeWriter, at: number, offset: number, size: number): void {
  const left = size - offset;
  code.get(at);
  if (left >= 4) code.memory(I64_LOAD32_U, offset);
  else if (left === 1) code.memory(I64_LOAD8_U, offset);
  else code.memory(I64_LOAD16_U, offset);
  if (left !== 3) return;
  code
    .get(at)
    .memory(I64_LOAD8_U, offset + 2)
    .i64(16)
    .op(I64_SHL)
    .op(I64_OR);
}
