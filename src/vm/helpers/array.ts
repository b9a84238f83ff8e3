/** Updates of arrays: what maps/array.ts does. Lookups stand in the program itself (jit/calls.ts). */
import { E2BIG, EEXIST } from '../../base/errno.ts';
import { BPF_EXIST, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_NOEXIST } from '../../uapi/generated/constants.ts';
import { I32_ADD, I32_EQ, I32_GE_U, I32_GT_U, I32_LOAD, I32_MUL, I32_OR, IF } from '../wasm/opcodes.ts';
import { writeCopy } from './bytes.ts';
import type { MapFunction } from './helper-function.ts';

const KEY = 1;
const VALUE = 2;
const FLAGS = 3;
const FLAGS_HIGH = 4;

/** (map, key, value, flags, flags high) -> 0 or -errno. */
export function writeArrayUpdate(f: MapFunction): void {
  const { code, map } = f;
  code.get(FLAGS).i32(BPF_EXIST).op(I32_GT_U).get(FLAGS_HIGH).op(I32_OR).open(IF);
  f.handOver();
  code.end();
  const index = f.local();
  code.get(KEY).memory(I32_LOAD, 0).set(index);
  code.get(index).i32(map.maxEntries).op(I32_GE_U).open(IF);
  f.answer(-E2BIG);
  code.end();
  code.get(FLAGS).i32(BPF_NOEXIST).op(I32_EQ).open(IF);
  f.answer(-EEXIST);
  code.end();
  code.get(index).i32(map.stride).op(I32_MUL).i32(map.storage).op(I32_ADD);
  if (map.type === BPF_MAP_TYPE_PERCPU_ARRAY) f.addCpu();
  code.set(index);
  writeCopy(code, index, 0, VALUE, map.valueSize);
  code.i32(0);
}
