/**
 * Lookup, update and delete in hash tables of every kind: what maps/hash-table.ts, hash.ts and percpu-hash.ts do, on
 * the same memory and step by step the same. Left to the helper: a pool that has to grow, values with fields of the
 * kernel's own, flags beyond BPF_EXIST.
 */
import { E2BIG, EEXIST, ENOENT } from '../../base/errno.ts';
import {
  ELEMENT_HASH,
  ELEMENT_INDEX,
  ELEMENT_KEY,
  ELEMENT_NEXT,
  ELEMENT_REFERENCED,
  HASH_COUNT,
  HASH_ENTRIES,
  HASH_HAND,
  HASH_MASK,
  HASH_NEXT_INDEX,
  HASH_SPARE,
  HASH_VALUE_OFFSET,
  POOL_FREE,
  POOL_FRESH,
  POOL_FRESH_END,
} from '../../base/map-storage.ts';
import type { Addr } from '../../base/memory.ts';
import {
  BPF_EXIST,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_NOEXIST,
} from '../../uapi/generated/constants.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BLOCK,
  BR,
  BR_IF,
  ELSE,
  I32,
  I32_ADD,
  I32_AND,
  I32_EQ,
  I32_EQZ,
  I32_GT_U,
  I32_LOAD,
  I32_MUL,
  I32_OR,
  I32_REM_U,
  I32_SHL,
  I32_STORE,
  I32_SUB,
  IF,
  LOOP,
  RETURN,
} from '../wasm/opcodes.ts';
import { writeCopy } from './bytes.ts';
import { writeCpuPart } from './cpu.ts';
import type { MapFacts } from './facts.ts';
import { isShort, type Key, readKey, writeBucketOffset, writeHash, writeIsKey, writeKeyCopy } from './hash-key.ts';
import type { MapFunction } from './helper-function.ts';

const KEY = 1;
const VALUE = 2;
const FLAGS = 3;
const FLAGS_HIGH = 4;

export const HASH_TYPES: readonly number[] = [
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
];
/** Programs only look up in the last of these: what a value holds is a map. */
export const HASH_LOOKUP_TYPES: readonly number[] = [...HASH_TYPES, BPF_MAP_TYPE_HASH_OF_MAPS];

/** Locals that `writeFind` fills. */
interface Found {
  readonly key: Key;
  readonly hash: number;
  /** Address of the word that points to the element, and the element, 0 where the key is not there. */
  readonly link: number;
  readonly element: number;
}

function isLru({ type }: MapFacts): boolean {
  return type === BPF_MAP_TYPE_LRU_HASH || type === BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

function isPercpu({ type }: MapFacts): boolean {
  return type === BPF_MAP_TYPE_PERCPU_HASH || type === BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/** (map, key) -> address of the value, or 0. */
export function writeHashLookup(f: MapFunction): void {
  const { code } = f;
  const { element } = writeFind(f);
  code.get(element).op(I32_EQZ).open(IF);
  f.answer(0);
  code.end();
  writeUse(code, f.map, f.control, element);
}

/** Whether `writeHashProbe` can stand for a lookup in a map. */
export function hasHashProbe(map: MapFacts): boolean {
  return HASH_LOOKUP_TYPES.includes(map.type) && isShort(map.keySize);
}

/**
 * The same in the place of the call, as far as it mostly goes: the key at the address in local `at` is compared with the
 * first element of its chain. Function `rest` looks at the others. Puts the address of the value, or 0, on the stack.
 * `known`: as for `readKey`.
 */
export function writeHashProbe(
  code: CodeWriter,
  map: MapFacts,
  control: Addr,
  at: number,
  known: (offset: number) => boolean,
  rest: number,
): void {
  const element = code.newLocal(I32);
  const key = readKey(code, at, map.keySize, known);
  writeBucketOffset(code, key, map);
  code.memory(I32_LOAD, map.storage);
  code.tee(element).open(IF, I32);
  writeIsKey(code, key, element, ELEMENT_KEY);
  code.open(IF, I32);
  writeUse(code, map, control, element);
  code.else(ELSE).get(element).get(at).call(rest).end();
  code.else(ELSE).i32(0).end();
}

/** (element, key) -> address of the value of the element for the key behind the one given in its chain, or 0. */
export function writeHashRest(code: CodeWriter, map: MapFacts, control: Addr): void {
  const [element, at] = [0, 1];
  const key = readKey(code, at, map.keySize);
  const again = code.open(LOOP);
  code.get(element).memory(I32_LOAD, ELEMENT_NEXT).tee(element).op(I32_EQZ).open(IF);
  code.i32(0).op(RETURN).end();
  writeIsKey(code, key, element, ELEMENT_KEY);
  code.op(I32_EQZ).branch(BR_IF, again);
  code.end();
  writeUse(code, map, control, element);
}

/** (map, key, value, flags, flags high) -> 0 or -errno. */
export function writeHashUpdate(f: MapFunction): void {
  const { code } = f;
  const { valueSize } = f.map;
  code.get(FLAGS).i32(BPF_EXIST).op(I32_GT_U).get(FLAGS_HIGH).op(I32_OR).open(IF);
  f.handOver();
  code.end();
  const found = writeFind(f);
  const to = f.local();
  code.get(found.element).open(IF);
  code.get(FLAGS).i32(BPF_NOEXIST).op(I32_EQ).open(IF);
  f.answer(-EEXIST);
  code.end();
  if (isPercpu(f.map)) {
    if (isLru(f.map)) code.get(found.element).i32(1).memory(I32_STORE, ELEMENT_REFERENCED);
    code.get(found.element).set(to);
  } else {
    writeReplace(f, found, to);
  }
  code.else(ELSE);
  code.get(FLAGS).i32(BPF_EXIST).op(I32_EQ).open(IF);
  f.answer(-ENOENT);
  code.end();
  writeInsert(f, found, to);
  code.end();
  writeValueAddress(f, to);
  code.set(to);
  writeCopy(code, to, 0, VALUE, valueSize);
  code.i32(0);
}

/** (map, key) -> 0 or -ENOENT. */
export function writeHashDelete(f: MapFunction): void {
  const { code } = f;
  const { link, element } = writeFind(f);
  code.get(element).op(I32_EQZ).open(IF);
  f.answer(-ENOENT);
  code.end();
  writeRemove(f, link, element);
  code.i32(0);
}

function writeFind(f: MapFunction): Found {
  const { code, map } = f;
  const key = readKey(code, KEY, map.keySize);
  const found = { key, hash: f.local(), link: f.local(), element: f.local() };
  const { hash, link, element } = found;
  writeHash(code, key, map);
  code.set(hash);
  writeBucket(f, hash);
  code.set(link);
  const out = code.open(BLOCK);
  const again = code.open(LOOP);
  code.get(link).memory(I32_LOAD, 0).tee(element).op(I32_EQZ).branch(BR_IF, out);
  // A short key costs no more to compare than its hash, and that is a word less to read.
  if (!isShort(map.keySize)) code.get(element).memory(I32_LOAD, ELEMENT_HASH).get(hash).op(I32_EQ).open(IF);
  writeIsKey(code, key, element, ELEMENT_KEY);
  code.branch(BR_IF, out);
  if (!isShort(map.keySize)) code.end();
  code.get(element).i32(ELEMENT_NEXT).op(I32_ADD).set(link);
  code.branch(BR, again);
  code.end().end();
  return found;
}

/** A program has found an element: puts the address of the value that it sees on the stack. */
function writeUse(code: CodeWriter, map: MapFacts, control: Addr, element: number): void {
  if (isLru(map)) {
    // Mostly it is marked already, and a store would cost more than a look.
    code.get(element).memory(I32_LOAD, ELEMENT_REFERENCED).op(I32_EQZ).open(IF);
    code.get(element).i32(1).memory(I32_STORE, ELEMENT_REFERENCED).end();
  }
  code.get(element).i32(map.word(HASH_VALUE_OFFSET)).op(I32_ADD);
  if (isPercpu(map)) writeCpuPart(code, control, map.valueSize);
  if (map.type === BPF_MAP_TYPE_HASH_OF_MAPS) code.memory(I32_LOAD, 0);
}

/** Puts the address of the bucket for a hash on the stack. */
function writeBucket(f: MapFunction, hash: number): void {
  f.code.get(hash).i32(f.map.word(HASH_MASK)).op(I32_AND).i32(2).op(I32_SHL).i32(f.map.storage).op(I32_ADD);
}

/** Puts the address of the value of an element that a program sees on the stack. */
function writeValueAddress(f: MapFunction, element: number): void {
  f.code.get(element).i32(f.map.word(HASH_VALUE_OFFSET)).op(I32_ADD);
  if (isPercpu(f.map)) f.addCpu();
}

/** Puts the spare in the place of the element that was found, and its address into `to`. */
function writeReplace(f: MapFunction, { key, hash, link, element }: Found, to: number): void {
  const { code } = f;
  f.word(HASH_SPARE).tee(to).op(I32_EQZ).open(IF);
  writeTakeFresh(f, to);
  code.end();
  code.get(link).get(element).memory(I32_LOAD, ELEMENT_NEXT).memory(I32_STORE, 0);
  code.get(to).get(element).memory(I32_LOAD, ELEMENT_INDEX).memory(I32_STORE, ELEMENT_INDEX);
  writeLink(f, key, hash, to, isLru(f.map) ? 1 : 0);
  writeSetEntry(f, to, () => code.get(to));
  f.setWord(HASH_SPARE, () => code.get(element));
}

/** Puts a new element into the table, and its address into `to`. */
function writeInsert(f: MapFunction, { key, hash, link, element }: Found, to: number): void {
  const { code, map } = f;
  f.word(HASH_COUNT).i32(map.maxEntries).op(I32_EQ).open(IF);
  if (isLru(f.map)) {
    writeOldest(f, element);
    writeFindLink(f, link, element);
    writeRemove(f, link, element);
  } else {
    f.answer(-E2BIG);
  }
  code.end();
  f.word(POOL_FREE).tee(to).open(IF);
  f.setWord(POOL_FREE, () => code.get(to).memory(I32_LOAD, 0));
  code.else(ELSE);
  writeTakeFresh(f, to);
  code.end();
  code.get(to).memory(I32_LOAD, ELEMENT_INDEX).op(I32_EQZ).open(IF);
  f.setWord(HASH_NEXT_INDEX, () => f.word(HASH_NEXT_INDEX).i32(1).op(I32_ADD));
  code.get(to);
  f.word(HASH_NEXT_INDEX).memory(I32_STORE, ELEMENT_INDEX);
  code.end();
  writeLink(f, key, hash, to, 0);
  writeSetEntry(f, to, () => code.get(to));
  f.setWord(HASH_COUNT, () => f.word(HASH_COUNT).i32(1).op(I32_ADD));
  if (isPercpu(f.map)) {
    const offset = map.word(HASH_VALUE_OFFSET);
    code.get(to).i32(offset).op(I32_ADD).i32(0);
    code.i32(map.stride - offset).fillMemory();
  }
}

/** Takes the element that `link` points to out of the table. */
function writeRemove(f: MapFunction, link: number, element: number): void {
  const { code } = f;
  code.get(link).get(element).memory(I32_LOAD, ELEMENT_NEXT).memory(I32_STORE, 0);
  writeSetEntry(f, element, () => code.i32(0));
  code.get(element);
  f.word(POOL_FREE).memory(I32_STORE, 0);
  f.setWord(POOL_FREE, () => code.get(element));
  f.setWord(HASH_COUNT, () => f.word(HASH_COUNT).i32(1).op(I32_SUB));
}

/** An element that was never used, into `to`; where the pool has to grow for it the helper does the whole. */
function writeTakeFresh(f: MapFunction, to: number): void {
  const { code, map } = f;
  f.word(POOL_FRESH).tee(to);
  f.word(POOL_FRESH_END).op(I32_EQ).open(IF);
  f.handOver();
  code.end();
  f.setWord(POOL_FRESH, () => code.get(to).i32(map.stride).op(I32_ADD));
}

/** Puts an element with the key looked for at the head of its chain. */
function writeLink(f: MapFunction, key: Key, hash: number, element: number, referenced: number): void {
  const { code } = f;
  const bucket = f.local();
  writeBucket(f, hash);
  code.set(bucket);
  code.get(element).get(bucket).memory(I32_LOAD, 0).memory(I32_STORE, ELEMENT_NEXT);
  code.get(element).get(hash).memory(I32_STORE, ELEMENT_HASH);
  code.get(element).i32(referenced).memory(I32_STORE, ELEMENT_REFERENCED);
  writeKeyCopy(code, key, element, ELEMENT_KEY);
  code.get(bucket).get(element).memory(I32_STORE, 0);
}

/** Sets the entry of an element's index. */
function writeSetEntry(f: MapFunction, element: number, value: () => void): void {
  const { code, map } = f;
  code.get(element).memory(I32_LOAD, ELEMENT_INDEX).i32(2).op(I32_SHL);
  value();
  // Indexes in elements count from 1. The first entry is not at address 0, so this does not wrap.
  code.memory(I32_STORE, map.word(HASH_ENTRIES) - 4);
}

/** The element that an LRU map gives up: `oldest` of maps/hash-table.ts. */
function writeOldest(f: MapFunction, element: number): void {
  const { code, map } = f;
  const index = f.local();
  const out = code.open(BLOCK);
  const again = code.open(LOOP);
  f.word(HASH_HAND);
  f.word(HASH_NEXT_INDEX).op(I32_REM_U).set(index);
  f.setWord(HASH_HAND, () => code.get(index).i32(1).op(I32_ADD));
  code.get(index).i32(4).op(I32_MUL).memory(I32_LOAD, map.word(HASH_ENTRIES)).tee(element);
  code.op(I32_EQZ).branch(BR_IF, again);
  code.get(element).memory(I32_LOAD, ELEMENT_REFERENCED).op(I32_EQZ).branch(BR_IF, out);
  code.get(element).i32(0).memory(I32_STORE, ELEMENT_REFERENCED);
  code.branch(BR, again);
  code.end().end();
}

/** The link to an element, from the head of its chain on. */
function writeFindLink(f: MapFunction, link: number, element: number): void {
  const { code } = f;
  code.get(element).memory(I32_LOAD, ELEMENT_HASH).set(link);
  writeBucket(f, link);
  code.set(link);
  const out = code.open(BLOCK);
  const again = code.open(LOOP);
  code.get(link).memory(I32_LOAD, 0).get(element).op(I32_EQ).branch(BR_IF, out);
  code.get(link).memory(I32_LOAD, 0).i32(ELEMENT_NEXT).op(I32_ADD).set(link);
  code.branch(BR, again);
  code.end().end();
}
