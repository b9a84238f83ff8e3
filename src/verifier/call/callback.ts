/**
 * Helpers that call functions of the program: bpf_loop, bpf_for_each_map_elem. The callback is a branch of its own,
 * which returns to the call, until the states at the call repeat. Linux: push_callback_call().
 */

import * as c from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import { setNonOwning } from '../resource/graph.ts';
import { Frame } from '../state/frame.ts';
import { copyRecord, Reg } from '../state/reg.ts';
import { MAX_FRAMES, type SavedState } from '../state/state.ts';
import { ALLOC, BTF_PTR, MAP_KEY, MAP_PTR, MAP_VALUE, SCALAR } from '../state/types.ts';
import type { GraphRoot } from '../structure/map-record.ts';

/** callback_fn(u64 index, void *ctx) */
export function pushLoopCallback(env: Env, subprog: number): void {
  env.walk.precision.markReg(1);
  const frame = env.frame;
  if (BigInt(frame.callbackDepth) >= env.reg(1).umax) {
    frame.callbackDepth = 0;
    if (env.log.level2) env.write(`frame${env.cur.curframe} bpf_loop iteration limit reached\n`);
    return;
  }
  pushCallback(env, subprog, (callee) => {
    callee(1).type = SCALAR;
    copyArg(env, callee, 2, 3);
  });
}

/** callback_fn(struct bpf_map *map, const void *key, void *value, void *ctx) */
export function pushForEachCallback(env: Env, subprog: number): void {
  const map = env.reg(1).aux;
  if (!EACH.has(env.maps[map]!.type)) env.reject('ENOTSUPP', 'callback function not allowed for map');
  pushCallback(env, subprog, (callee) => {
    for (const [r, type] of [
      [1, MAP_PTR],
      [2, MAP_KEY],
      [3, MAP_VALUE],
    ] as const) {
      callee(r).markPointer(type);
      callee(r).aux = map;
    }
    copyArg(env, callee, 4, 3);
  });
}

/** bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) */
export function pushTreeCallback(env: Env, subprog: number, root: GraphRoot): void {
  pushCallback(env, subprog, (callee) => {
    for (const r of [1, 2]) {
      const node = callee(r);
      node.markPointer(BTF_PTR | ALLOC);
      node.aux = root.typeId;
      node.aux2 = 1;
      node.off = root.nodeOffset;
      setNonOwning(env, node);
    }
  }).inRbtreeLess = true;
}

const EACH = new Set<number>([
  c.BPF_MAP_TYPE_HASH,
  c.BPF_MAP_TYPE_LRU_HASH,
  c.BPF_MAP_TYPE_PERCPU_HASH,
  c.BPF_MAP_TYPE_LRU_PERCPU_HASH,
  c.BPF_MAP_TYPE_ARRAY,
  c.BPF_MAP_TYPE_PERCPU_ARRAY,
]);

function copyArg(env: Env, callee: (r: number) => Reg, to: number, from: number): void {
  const reg = callee(to);
  copyRecord(reg.i, to, env.frame.lanes.i, from);
}

function pushCallback(env: Env, subprog: number, setArgs: (callee: (r: number) => Reg) => void): Frame {
  env.subprogs[subprog]!.isCallback = true;
  const state = env.walk.push(env.subprogs[subprog]!.start, env.pc);
  const frame = addFrame(env, state, subprog);
  frame.inCallback = true;
  frame.retMin = 0;
  frame.retMax = 1;
  setArgs((r) => new Reg(frame.lanes, r));
  state.callbackUnroll++;
  state.frames[state.curframe - 1]!.callbackDepth++;
  env.frame.callbackDepth = 0;
  return frame;
}

function addFrame(env: Env, state: SavedState, subprog: number): Frame {
  if (state.curframe + 1 >= MAX_FRAMES) {
    env.reject('E2BIG', `the call stack of ${state.curframe + 2} frames is too deep`);
  }
  const frame = new Frame(0);
  for (let r = 0; r <= 10; r++) new Reg(frame.lanes, r).markNotInit();
  frame.callsite = env.pc;
  frame.frameno = state.curframe + 1;
  frame.subprog = subprog;
  const fp = new Reg(frame.lanes, 10);
  fp.markPointer(6);
  fp.frameno = frame.frameno;
  state.frames.push(frame);
  state.curframe++;
  return frame;
}
