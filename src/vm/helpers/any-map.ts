/**
 * Lookups in a map that is only known when the program runs, since it was found in another map: arrays, and hash tables
 * whose keys are a few whole words. All that is needed stands in the header of the map. Other maps are the helper's.
 */
import {
  MAP_HEADER_KEY_SIZE,
  MAP_HEADER_MAX_ENTRIES,
  MAP_HEADER_STORAGE,
  MAP_HEADER_STRIDE,
  MAP_HEADER_TYPE,
} from '../../base/map-header.ts';
import {
  ELEMENT_KEY,
  ELEMENT_NEXT,
  HASH_BLOCK_WORDS,
  HASH_MASK,
  HASH_MULTIPLIERS,
  HASH_MULTIPLIERS_BEFORE,
  HASH_VALUE_OFFSET,
} from '../../base/map-storage.ts';
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH } from '../../uapi/generated/constants.ts';
import {
  BLOCK,
  BR_IF,
  I32_ADD,
  I32_AND,
  I32_EQ,
  I32_EQZ,
  I32_GE_U,
  I32_GT_U,
  I32_LOAD,
  I32_LT_U,
  I32_MUL,
  I32_NE,
  I32_OR,
  I32_SHL,
  I32_WRAP_I64,
  I64,
  I64_ADD,
  I64_LOAD,
  I64_LOAD32_U,
  I64_MUL,
  I64_SHR_U,
  IF,
  LOOP,
  RETURN,
} from '../wasm/opcodes.ts';
import type { HelperFunction } from './helper-function.ts';

const MAP = 0;
const KEY = 1;
/** Longer keys have more than one block, or a word that is not whole. */
const LONGEST_KEY = 4 * HASH_BLOCK_WORDS;

/** (map, key) -> address of the value, or 0. */
export function writeAnyLookup(f: HelperFunction): void {
  const { code } = f;
  const type = f.local();
  code.get(MAP).memory(I32_LOAD, MAP_HEADER_TYPE).tee(type).i32(BPF_MAP_TYPE_ARRAY).op(I32_EQ).open(IF);
  writeArray(f);
  code.end();
  code.get(type).i32(BPF_MAP_TYPE_HASH).op(I32_EQ).open(IF);
  writeHashTable(f);
  code.end();
  f.handOver();
  code.i32(0);
}

function writeArray(f: HelperFunction): void {
  const { code } = f;
  const index = f.local();
  code.get(KEY).memory(I32_LOAD, 0).tee(index).get(MAP).memory(I32_LOAD, MAP_HEADER_MAX_ENTRIES).op(I32_GE_U).open(IF);
  f.answer(0);
  code.end();
  code.get(index).get(MAP).memory(I32_LOAD, MAP_HEADER_STRIDE).op(I32_MUL);
  code.get(MAP).memory(I32_LOAD, MAP_HEADER_STORAGE).op(I32_ADD).op(RETURN);
}

/** What hash-key.ts and hash-table.ts do, with loops in the place of constants. Goes on behind where it leaves the rest to the helper. */
function writeHashTable(f: HelperFunction): void {
  const { code } = f;
  const [size, at, factor, element] = [f.local(), f.local(), f.local(), f.local()];
  const sum = code.newLocal(I64);
  const notHere = code.open(BLOCK);
  code.get(MAP).memory(I32_LOAD, MAP_HEADER_KEY_SIZE).tee(size).i32(3).op(I32_AND);
  code.get(size).i32(LONGEST_KEY).op(I32_GT_U).op(I32_OR).branch(BR_IF, notHere);
  code.get(MAP).memory(I32_LOAD, HASH_MULTIPLIERS).tee(factor).memory(I64_LOAD, 0).set(sum);
  code.i32(0).set(at);
  const word = code.open(LOOP);
  code.get(KEY).get(at).op(I32_ADD).memory(I64_LOAD32_U, 0);
  code.get(factor).memory(I64_LOAD, 8 * HASH_MULTIPLIERS_BEFORE);
  code.op(I64_MUL).get(sum).op(I64_ADD).set(sum);
  code.get(factor).i32(8).op(I32_ADD).set(factor);
  code.get(at).i32(4).op(I32_ADD).tee(at).get(size).op(I32_LT_U).branch(BR_IF, word);
  code.end();
  code.get(sum).i64(32).op(I64_SHR_U).op(I32_WRAP_I64).get(MAP).memory(I32_LOAD, HASH_MASK).op(I32_AND);
  code.i32(2).op(I32_SHL).get(MAP).memory(I32_LOAD, MAP_HEADER_STORAGE).op(I32_ADD).set(element);
  // An element's link to the next is its first word, as a bucket is.
  const next = code.open(LOOP);
  code.get(element).memory(I32_LOAD, ELEMENT_NEXT).tee(element).op(I32_EQZ).open(IF);
  f.answer(0);
  code.end();
  code.i32(0).set(at);
  const same = code.open(LOOP);
  code.get(element).get(at).op(I32_ADD).memory(I32_LOAD, ELEMENT_KEY);
  code.get(KEY).get(at).op(I32_ADD).memory(I32_LOAD, 0).op(I32_NE).branch(BR_IF, next);
  code.get(at).i32(4).op(I32_ADD).tee(at).get(size).op(I32_LT_U).branch(BR_IF, same);
  code.end();
  code.get(element).get(MAP).memory(I32_LOAD, HASH_VALUE_OFFSET).op(I32_ADD).op(RETURN);
  code.end().end();
}
