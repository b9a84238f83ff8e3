/** Push, pop and peek of queues and stacks: what maps/queue.ts does. Left to the helper: BPF_EXIST on a full one. */
import { E2BIG, ENOENT } from '../../base/errno.ts';
import { QUEUE_COUNT, QUEUE_OLDEST } from '../../base/map-storage.ts';
import { BPF_MAP_TYPE_STACK } from '../../uapi/generated/constants.ts';
import { I32_ADD, I32_EQ, I32_EQZ, I32_GE_U, I32_MUL, I32_OR, I32_SUB, IF } from '../wasm/opcodes.ts';
import { writeCopy } from './bytes.ts';
import type { MapFunction } from './helper-function.ts';

const VALUE = 1;
const FLAGS = 2;
const FLAGS_HIGH = 3;

/** (map, value, flags, flags high) -> 0 or -errno. */
export function writePush(f: MapFunction): void {
  const { code, map } = f;
  const at = f.local();
  code.get(FLAGS).get(FLAGS_HIGH).op(I32_OR).open(IF);
  f.handOver();
  code.end();
  f.word(QUEUE_COUNT).tee(at).i32(map.maxEntries).op(I32_EQ).open(IF);
  f.answer(-E2BIG);
  code.end();
  f.setWord(QUEUE_COUNT, () => code.get(at).i32(1).op(I32_ADD));
  writeNth(f, at);
  writeCopy(code, at, 0, VALUE, map.valueSize);
  code.i32(0);
}

/** (map, value) -> 0 or -ENOENT: the value whose turn it is leaves the map. */
export function writePop(f: MapFunction): void {
  writeGive(f, true);
}

/** (map, value) -> 0 or -ENOENT: it stays. */
export function writePeek(f: MapFunction): void {
  writeGive(f, false);
}

function writeGive(f: MapFunction, take: boolean): void {
  const { code, map } = f;
  const isStack = map.type === BPF_MAP_TYPE_STACK;
  const count = f.local();
  const at = f.local();
  f.word(QUEUE_COUNT).tee(count).op(I32_EQZ).open(IF);
  code.get(VALUE).i32(0).i32(map.valueSize).fillMemory();
  f.answer(-ENOENT);
  code.end();
  if (isStack) code.get(count).i32(1).op(I32_SUB).set(at);
  else code.i32(0).set(at);
  writeNth(f, at);
  writeCopy(code, VALUE, 0, at, map.valueSize);
  if (take) {
    f.setWord(QUEUE_COUNT, () => code.get(count).i32(1).op(I32_SUB));
    if (!isStack) {
      f.word(QUEUE_OLDEST).i32(1).op(I32_ADD).set(at);
      writeWrap(f, at);
      f.setWord(QUEUE_OLDEST, () => code.get(at));
    }
  }
  code.i32(0);
}

/** Turns a number counted from the oldest value into the address of that value. */
function writeNth(f: MapFunction, at: number): void {
  const { code, map } = f;
  code.get(at);
  f.word(QUEUE_OLDEST).op(I32_ADD).set(at);
  writeWrap(f, at);
  code.get(at).i32(map.stride).op(I32_MUL).i32(map.storage).op(I32_ADD).set(at);
}

/** Both parts of the sum are below max_entries: once round the ring at most. */
function writeWrap(f: MapFunction, at: number): void {
  const { code, map } = f;
  code.get(at).i32(map.maxEntries).op(I32_GE_U).open(IF);
  code.get(at).i32(map.maxEntries).op(I32_SUB).set(at);
  code.end();
}
