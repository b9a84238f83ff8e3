/** Lookups in LPM tries: what maps/lpm-trie.ts does, four bytes of the key at a time. */
import { alignUp } from '../../base/bytes.ts';
import {
  LPM_CHILDREN,
  LPM_KEY,
  LPM_LENGTH_MASK,
  LPM_PREFIX_SIZE,
  LPM_STEM,
  LPM_STEM_BITS,
  LPM_STEM_ENTRY,
  LPM_STEM_NODE,
  LPM_STEM_SLOT,
} from '../../base/map-storage.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BLOCK,
  BR,
  BR_IF,
  ELSE,
  I32_ADD,
  I32_AND,
  I32_CLZ,
  I32_EQ,
  I32_EQZ,
  I32_GE_U,
  I32_GT_U,
  I32_LOAD,
  I32_LOAD8_U,
  I32_LT_S,
  I32_LT_U,
  I32_OR,
  I32_ROTL,
  I32_SHL,
  I32_SHR_U,
  I32_SUB,
  I32_WRAP_I64,
  I32_XOR,
  I64_EXTEND_I32_U,
  I64_SHR_U,
  IF,
  LOOP,
  SELECT,
} from '../wasm/opcodes.ts';
import type { MapFunction } from './helper-function.ts';

const KEY = 1;

/** Locals of a lookup. */
interface Walk {
  /** Bits of the key. */
  readonly bits: number;
  /** The node that the walk is at, or 0, the first word of its key, and how many bits it stands for. */
  readonly node: number;
  readonly head: number;
  readonly length: number;
  /** Address of the value of the longest entry so far, or 0. */
  readonly best: number;
}

/** (map, key) -> address of the value of the longest entry that the key begins with, or 0. */
export function writeLpmLookup(f: MapFunction): void {
  const { code, map } = f;
  const walk = { bits: f.local(), node: f.local(), head: f.local(), length: f.local(), best: f.local() };
  const maxBits = (map.keySize - LPM_PREFIX_SIZE) * 8;
  code.get(KEY).memory(I32_LOAD, 0).tee(walk.bits).i32(maxBits).op(I32_GT_U).open(IF);
  f.answer(0);
  code.end();
  if (maxBits === 32) writeWalkOfWord(f, walk);
  else writeWalk(f, walk, maxBits);
  code.get(walk.best);
}

/** Where the walk begins: at the slot of the stem where there is one and the key is long enough, else at the root. */
function writeStart(f: MapFunction, { bits, node, best }: Walk, head: () => void): void {
  const { code, map } = f;
  const [slot, stemBits] = [f.local(), f.local()];
  f.word(LPM_STEM).tee(slot).op(I32_EQZ);
  code.get(bits);
  f.word(LPM_STEM_BITS).tee(stemBits).op(I32_LT_U).op(I32_OR).open(IF);
  code.i32(0).memory(I32_LOAD, map.storage).set(node);
  code.else(ELSE);
  head();
  code.i32(32).get(stemBits).op(I32_SUB).op(I32_SHR_U).i32(Math.log2(LPM_STEM_SLOT)).op(I32_SHL);
  code.get(slot).op(I32_ADD).tee(slot).memory(I32_LOAD, LPM_STEM_NODE).set(node);
  code.get(slot).memory(I32_LOAD, LPM_STEM_ENTRY).set(best);
  code.end();
}

/** Keys whose data are one word: a node and the key differ in it or they do not. */
function writeWalkOfWord(f: MapFunction, walk: Walk): void {
  const { code } = f;
  const { bits, node, length } = walk;
  const [word, difference] = [f.local(), f.local()];
  code.get(KEY).memory(I32_LOAD, LPM_PREFIX_SIZE).set(word);
  const swapped = f.local();
  writeSwap(code, word);
  code.set(swapped);
  writeStart(f, walk, () => code.get(swapped));
  const out = code.open(BLOCK);
  const again = code.open(LOOP);
  code.get(node).op(I32_EQZ).branch(BR_IF, out);
  writeLength(code, walk);
  code.get(length).get(bits).op(I32_GT_U);
  code
    .get(node)
    .memory(I32_LOAD, LPM_KEY + LPM_PREFIX_SIZE)
    .get(word)
    .op(I32_XOR)
    .set(difference);
  // As 64 bits: 32 less a length of 0 is a shift too.
  writeSwap(code, difference);
  code.op(I64_EXTEND_I32_U);
  code.i32(32).get(length).op(I32_SUB).op(I64_EXTEND_I32_U).op(I64_SHR_U).op(I32_WRAP_I64);
  code.op(I32_OR).branch(BR_IF, out);
  writeNote(f, walk);
  // Below a node of 32 bits there is nothing, whatever its shift by -1 chooses.
  code.get(node).get(swapped).i32(31).get(length).op(I32_SUB).op(I32_SHR_U).i32(1).op(I32_AND);
  code.i32(2).op(I32_SHL).op(I32_ADD).memory(I32_LOAD, LPM_CHILDREN).set(node);
  code.branch(BR, again);
  code.end().end();
}

/** Keys of any length, compared four bytes at a time. */
function writeWalk(f: MapFunction, walk: Walk, maxBits: number): void {
  const { code } = f;
  const { bits, node, length } = walk;
  const [same, difference] = [f.local(), f.local()];
  writeStart(f, walk, () => {
    for (let byte = 0; byte < 4 && 8 * byte < maxBits; byte++) {
      code.get(KEY).memory(I32_LOAD8_U, LPM_PREFIX_SIZE + byte);
      code.i32(24 - 8 * byte).op(I32_SHL);
      if (byte > 0) code.op(I32_OR);
    }
  });
  const out = code.open(BLOCK);
  const again = code.open(LOOP);
  code.get(node).op(I32_EQZ).branch(BR_IF, out);
  writeLength(code, walk);
  code.get(length).get(bits).op(I32_GT_U).branch(BR_IF, out);
  // `same` is a multiple of 32 here: the bits before it are those of the nodes above, which the key has.
  const equal = code.open(BLOCK);
  const compare = code.open(LOOP);
  code.get(same).get(length).op(I32_GE_U).branch(BR_IF, equal);
  writeWord(f, code, node, LPM_KEY, same);
  writeWord(f, code, KEY, 0, same);
  code.op(I32_XOR).tee(difference).open(IF);
  writeSwap(code, difference);
  code.op(I32_CLZ).get(same).op(I32_ADD).get(length).op(I32_LT_U).branch(BR_IF, out);
  code.branch(BR, equal);
  code.end();
  code.get(same).i32(32).op(I32_ADD).set(same);
  code.branch(BR, compare);
  code.end().end();
  writeNote(f, walk);
  code.get(length).i32(maxBits).op(I32_EQ).branch(BR_IF, out);
  code.get(length).i32(~31).op(I32_AND).set(same);
  writeChild(code, node, length);
  code.branch(BR, again);
  code.end().end();
}

/** Reads what the node is, and how many bits it stands for. */
function writeLength(code: CodeWriter, { node, head, length }: Walk): void {
  code.get(node).memory(I32_LOAD, LPM_KEY).tee(head).i32(LPM_LENGTH_MASK).op(I32_AND).set(length);
}

/** Where the node is an entry, it is the longest so far: then its head is below zero. */
function writeNote(f: MapFunction, { node, head, best }: Walk): void {
  const { code, map } = f;
  code
    .get(node)
    .i32(LPM_KEY + alignUp(map.keySize, 8))
    .op(I32_ADD);
  code.get(best).get(head).i32(0).op(I32_LT_S).op(SELECT).set(best);
}

/** Puts four bytes of data from bit `at` (a multiple of 32) of a key on the stack; the last ones one by one. */
function writeWord(f: MapFunction, code: CodeWriter, base: number, offset: number, at: number): void {
  const size = f.map.keySize - LPM_PREFIX_SIZE;
  const data = offset + LPM_PREFIX_SIZE;
  const address = () => code.get(base).get(at).i32(3).op(I32_SHR_U).op(I32_ADD);
  if (size % 4 === 0) {
    address().memory(I32_LOAD, data);
    return;
  }
  const whole = size & ~3;
  const word = f.local();
  code
    .get(at)
    .i32(whole * 8)
    .op(I32_LT_U)
    .open(IF);
  address().memory(I32_LOAD, data).set(word);
  code.else(ELSE);
  for (let byte = whole; byte < size; byte++) {
    code
      .get(base)
      .memory(I32_LOAD8_U, data + byte)
      .i32((byte - whole) * 8)
      .op(I32_SHL);
    if (byte > whole) code.op(I32_OR);
  }
  code.set(word);
  code.end();
  code.get(word);
}

/** Puts the bytes of a word on the stack the other way round: the first byte of a key counts most. */
function writeSwap(code: CodeWriter, word: number): void {
  code.get(word).i32(8).op(I32_ROTL).i32(0x00ff00ff).op(I32_AND);
  code.get(word).i32(24).op(I32_ROTL).i32(0xff00ff00).op(I32_AND).op(I32_OR);
}

/** Goes from a node to its child for bit `length` of the key. */
function writeChild(code: CodeWriter, node: number, length: number): void {
  code.get(node);
  code.get(KEY).get(length).i32(3).op(I32_SHR_U).op(I32_ADD).memory(I32_LOAD8_U, LPM_PREFIX_SIZE);
  code.i32(7).get(length).i32(7).op(I32_AND).op(I32_SUB).op(I32_SHR_U).i32(1).op(I32_AND);
  code.i32(2).op(I32_SHL).op(I32_ADD).memory(I32_LOAD, LPM_CHILDREN).set(node);
}
