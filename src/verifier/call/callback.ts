/**
 * Helpers and kernel functions that call functions of the program: bpf_loop, bpf_for_each_map_elem. The callback is a
 * branch of its own, which returns to the call, until the states at the call repeat; callbacks of timers and the like
 * return to nobody. Linux: push_callback_call().
 */

import * as c from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import { DYNPTR_KINDS } from '../resource/dynptr.ts';
import { type Root, setNonOwning } from '../resource/graph.ts';
import type { Frame } from '../state/frame.ts';
import { copyRecord, Reg } from '../state/reg.ts';
import { MAX_FRAMES, type SavedState } from '../state/state.ts';
import { ALLOC, BTF_PTR, DYNPTR, MAP_KEY, MAP_PTR, MAP_VALUE, SCALAR } from '../state/types.ts';
import { checkStaticArgs } from './global.ts';

/** callback_fn(u64 index, void *ctx) */
export function pushLoopCallback(env: Env, subprog: number): void {
  noteInline(env, subprog);
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

/** Linux builds the loop in where every path calls the same function with flags 0: then the flags are part of the verdict. */
function noteInline(env: Env, subprog: number): void {
  const { loopCallback } = env.aux;
  const known = loopCallback[env.pc]!;
  if (known < 0) return;
  const { isNull } = env.reg(4);
  if (isNull) env.walk.precision.markReg(4);
  loopCallback[env.pc] = isNull && (known === 0 || known === subprog + 1) ? subprog + 1 : -1;
}

/** callback_fn(struct bpf_map *map, const void *key, void *value, void *ctx) */
export function pushForEachCallback(env: Env, subprog: number): void {
  const map = env.reg(1).aux;
  if (!EACH.has(env.maps[map]!.type)) env.reject('ENOTSUPP', 'callback function not allowed for map');
  pushCallback(env, subprog, (callee) => {
    setMapArgs(callee, map);
    copyArg(env, callee, 4, 3);
  });
}

/** callback_fn(struct bpf_dynptr *dynptr, void *ctx) */
export function pushDrainCallback(env: Env, subprog: number): void {
  pushCallback(env, subprog, (callee) => {
    const record = callee(1);
    record.markPointer(DYNPTR);
    record.aux = DYNPTR_KINDS.local;
    record.aux2 = 1;
    record.id = env.newId();
    copyArg(env, callee, 2, 3);
  });
}

/** callback_fn(struct task_struct *task, struct vm_area_struct *vma, void *ctx) */
export function pushVmaCallback(env: Env, subprog: number): void {
  const vma = env.kernelBtf.find('vm_area_struct', 'struct');
  pushCallback(env, subprog, (callee) => {
    copyArg(env, callee, 1, 1);
    callee(2).markPointer(BTF_PTR);
    callee(2).aux = vma;
    copyArg(env, callee, 3, 4);
  });
}

/**
 * callback_fn(struct bpf_map *map, void *key, void *value), called later by nobody that is known: it is a walk of its
 * own, which starts from nothing. Linux: push_async_cb().
 */
export function pushAsyncCallback(env: Env, subprog: number, map: number, how: AsyncCallback): void {
  const sub = env.subprogs[subprog]!;
  checkStaticArgs(env, subprog);
  sub.isAsyncCallback = true;
  sub.asyncEntries++;
  const state = env.walk.pushState(env.pool.fresh(env.cur, subprog), sub.start, env.pc);
  state.inSleepable = how.sleepable;
  const { frame } = state;
  frame.asyncEntries = sub.asyncEntries;
  frame.inAsyncCallback = true;
  frame.anyReturn = how.anyReturn;
  setMapArgs((r) => new Reg(frame.lanes, r), map);
  env.scratchAll();
}

/** Whether the callback may sleep, and whether anybody looks at what it answers. */
export interface AsyncCallback {
  readonly sleepable: boolean;
  readonly anyReturn: boolean;
}

export const TIMER: AsyncCallback = { sleepable: false, anyReturn: false };
export const WORKQUEUE: AsyncCallback = { sleepable: true, anyReturn: false };
export const TASK_WORK: AsyncCallback = { sleepable: true, anyReturn: true };

/** r1 is the map, r2 a key of it, r3 a value. */
function setMapArgs(callee: (r: number) => Reg, map: number): void {
  for (const [r, type] of [
    [1, MAP_PTR],
    [2, MAP_KEY],
    [3, MAP_VALUE],
  ] as const) {
    callee(r).markPointer(type);
    callee(r).aux = map;
  }
}

/** bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) */
export function pushTreeCallback(env: Env, subprog: number, root: Root): void {
  pushCallback(env, subprog, (callee) => {
    for (const r of [1, 2]) {
      const node = callee(r);
      node.markPointer(BTF_PTR | ALLOC);
      node.aux = root.typeId;
      node.aux2 = root.btf;
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
  checkStaticArgs(env, subprog);
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
  const frame = env.pool.emptyFrame();
  frame.callsite = env.pc;
  frame.frameno = state.curframe + 1;
  frame.subprog = subprog;
  const fp = new Reg(frame.lanes, 10);
  fp.markPointer(6);
  fp.frameno = frame.frameno;
  state.frames.push(frame);
  state.curframe++;
  env.scratchAll();
  return frame;
}
