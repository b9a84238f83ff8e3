/**
 * Checkpoints: states kept at prune points, against which later arrivals are compared.
 *
 * When one is added, when it is dropped as useless, and when a comparison is made at all decides how many instructions
 * are walked, so the heuristics are Linux's. Linux: is_state_visited().
 */

import { isMayGoto } from '../../isa/index.ts';
import type { Checkpoint, Env } from '../env.ts';
import { KIND_LANES, LANES, REGS, TYPE } from '../state/layout.ts';
import { Reg } from '../state/reg.ts';
import type { SavedState, StateBase } from '../state/state.ts';
import { NOT_INIT, SLOT_ITER } from '../state/types.ts';
import { pushHistory } from './history.ts';
import type { Loops } from './loops.ts';
import { markAllImprecise } from './marks.ts';
import type { Precision } from './precision.ts';
import type { Likeness, Pruner } from './prune.ts';

const TEST_STATE_FREQ = 1 << 3;
/** Checkpoints that one position may have without CAP_BPF. */
const MAX_STATES = 64;

export class Checkpoints {
  readonly #env: Env;
  readonly #pruner: Pruner;
  readonly #precision: Precision;
  readonly #loops: Loops;

  constructor(env: Env, pruner: Pruner, precision: Precision, loops: Loops) {
    this.#env = env;
    this.#pruner = pruner;
    this.#precision = precision;
    this.#loops = loops;
    env.checkpoints = new Array<Checkpoint | null>(env.insns.length).fill(null);
  }

  /** Whether the current state is covered by an earlier one. Where not, it may become a checkpoint itself. */
  visit(pc: number): boolean {
    const env = this.#env;
    const { cur, aux } = env;
    const forced = aux.forceCheckpoint[pc] !== 0;
    const force = (env.input.flags & TEST_STATE_FREQ) !== 0 || forced || cur.history.count > 40;
    let addNew = force;
    if (env.jumps - env.jumpsAtCheckpoint >= 2 && env.processed - env.processedAtCheckpoint >= 8) addNew = true;
    const bucket = this.#bucket(pc, cur);
    this.#cleanAt(pc, bucket);
    let count = 0;
    let before: Checkpoint | null = null;
    // Of the last finished one that was looked at.
    let loop = false;
    for (let cp: Checkpoint | null = env.checkpoints[bucket] ?? null; cp; ) {
      const next: Checkpoint | null = cp.next;
      count++;
      if (cp.pc !== pc) {
        before = cp;
        cp = next;
        continue;
      }
      // Only finished ones have been found to differ.
      if (cp.difference < 0 && cp.state.branches > 0) {
        if (this.#meetsUnfinished(pc, cp, loop)) return true;
        if (!force && env.jumps - env.jumpsAtCheckpoint < 20 && env.processed - env.processedAtCheckpoint < 100) {
          addNew = false;
        }
      } else {
        loop = this.#loops.isIncomplete(cp.state);
        if (this.#covers(cp, loop ? 'within' : 'covers')) {
          this.#hit(pc, cp, loop);
          return true;
        }
      }
      if (addNew) cp.misses++;
      const patience = forced && cp.difference < 0 && cp.state.branches > 0 ? 64 : 3;
      if (cp.misses > cp.hits * patience + patience) {
        if (before) before.next = next;
        else env.checkpoints[bucket] = next;
        this.#evict(cp);
      } else {
        before = cp;
      }
      cp = next;
    }
    if (count > env.maxStatesPerInsn) env.maxStatesPerInsn = count;
    if (!env.caps.bpf && count > MAX_STATES) return false;
    if (addNew) this.#add(pc, bucket);
    return false;
  }

  #covers(cp: Checkpoint, likeness: Likeness): boolean {
    const { cur } = this.#env;
    const { difference } = cp;
    if (difference >= 0 && this.#pruner.stillDiffers(difference, cp.differs, cur, likeness)) return false;
    if (this.#pruner.equal(cp.state, cur, likeness)) return true;
    cp.difference = this.#pruner.difference;
    if (cp.difference >= 0) cp.differs = cp.state.frames[cp.difference >> 8]!;
    return false;
  }

  #mayLoop(cp: Checkpoint): boolean {
    const lane = this.#pruner.firstDifference(cp.lane, cp.state, this.#env.cur);
    if (lane < 0) return true;
    cp.lane = lane;
    cp.laneValue = cp.state.frame.i[lane]!;
    return false;
  }

  /**
   * The walk from `cp` on is not done: the same state again is a loop. True where that proves the loop to end. A call of
   * a callback is no loop by itself; for a back edge Linux goes by the finished state it looked at before, if any.
   */
  #meetsUnfinished(pc: number, cp: Checkpoint, loop: boolean): boolean {
    const env = this.#env;
    const { cur } = env;
    const old = cp.state;
    const { advancesIter, callsCallback } = env.aux;
    const isLoopEnd = advancesIter[pc] !== 0 || callsCallback[pc] !== 0 || isMayGoto(env.insns.code[pc]!);
    // Elsewhere only the same state again matters, and of nearly all states one number tells that this is another.
    if (!isLoopEnd && cur.frame.i[cp.lane] !== cp.laneValue) return false;
    const frame = old.frame;
    // Another entry into an asynchronous callback is no loop.
    if (frame.inAsyncCallback && frame.asyncEntries !== cur.frame.asyncEntries) return false;
    if (advancesIter[pc]) {
      if (this.#pruner.equal(old, cur, 'within') && this.#iterIsActive(old)) {
        this.#hit(pc, cp, true);
        return true;
      }
      return false;
    }
    if (isMayGoto(env.insns.code[pc]!)) {
      if (old.mayGotoDepth !== cur.mayGotoDepth && this.#pruner.equal(old, cur, 'within')) {
        this.#hit(pc, cp, true);
        return true;
      }
    }
    if (callsCallback[pc]) {
      if (this.#pruner.equal(old, cur, 'within')) {
        this.#hit(pc, cp, loop);
        return true;
      }
      return false;
    }
    if (
      this.#mayLoop(cp) &&
      this.#pruner.equal(old, cur, 'exact') &&
      !iterDepthsDiffer(old, cur) &&
      old.mayGotoDepth === cur.mayGotoDepth &&
      old.callbackUnroll === cur.callbackUnroll
    ) {
      env.printLine(pc, '; ');
      env.write(`infinite loop detected at insn ${pc}\n`);
      env.write('cur state:');
      env.printState(cur, cur.curframe);
      env.write('old state:');
      env.printState(old, cur.curframe);
      env.reject('EINVAL', '');
    }
    return false;
  }

  /** The iterator that this call advances, in `old`: the slot that r1 pointed to. */
  #iterIsActive(old: StateBase): boolean {
    const env = this.#env;
    const arg = env.reg(1);
    const frame = env.cur.frames[arg.frameno];
    if (!frame) return false;
    const slot = -(arg.off + Number(BigInt.asIntN(32, arg.value))) / 8 - 1;
    const spilled = frame.spilled[slot];
    void old;
    return spilled !== undefined && (spilled.aux3 & 3) === 1;
  }

  #hit(pc: number, cp: Checkpoint, loop: boolean): void {
    const env = this.#env;
    cp.hits++;
    if (env.aux.jmpPoint[pc]) pushHistory(env, 0);
    this.#precision.propagate(cp.state, env.cur);
    if (!loop) return;
    const edge = env.pool.save(env.cur);
    edge.insnIdx = pc;
    this.#loops.add(cp.state, edge);
  }

  #add(pc: number, bucket: number): void {
    const env = this.#env;
    const { cur } = env;
    env.totalStates++;
    env.liveStates++;
    this.#loops.updatePeak();
    env.jumpsAtCheckpoint = env.jumps;
    env.processedAtCheckpoint = env.processed;
    if (env.caps.bpf) markAllImprecise(cur);
    const state = env.pool.save(cur);
    state.insnIdx = pc;
    this.#loops.enter(state);
    cur.parent = state;
    cur.firstIdx = pc;
    cur.dfsDepth = state.dfsDepth + 1;
    cur.history.clear();
    const next = env.checkpoints[bucket] ?? null;
    const laneValue = state.frame.i[0]!;
    env.checkpoints[bucket] = {
      state,
      pc,
      next,
      hits: 0,
      misses: 0,
      difference: -1,
      differs: state.frame,
      lane: 0,
      laneValue,
      evicted: false,
      cleaned: false,
    };
  }

  #evict(cp: Checkpoint): void {
    const env = this.#env;
    env.liveStates--;
    cp.evicted = true;
    // Freed at once where no path from it is left, else when the last one ends; where back edges lead to, not at all.
    if (cp.state.branches === 0 && !this.#loops.isIncomplete(cp.state)) {
      if (this.#loops.backEdges === 0) env.pool.release(cp.state);
      return;
    }
    env.evictedStates++;
    cp.state.evicted = true;
  }

  /** Checkpoints are found by position and by who called the function they are in. */
  #bucket(pc: number, state: StateBase): number {
    return ((pc ^ state.frame.callsite) >>> 0) % this.#env.insns.length;
  }

  #cleanAt(pc: number, bucket: number): void {
    const env = this.#env;
    for (let cp: Checkpoint | null = env.checkpoints[bucket] ?? null; cp; cp = cp.next) {
      if (cp.cleaned || cp.pc !== pc) continue;
      const { state } = cp;
      if (state.branches > 0) continue;
      if (!sameCallsites(state, env.cur) || this.#loops.isIncomplete(state)) continue;
      this.#clean(state);
      cp.cleaned = true;
    }
  }

  /** Forgets registers and slots that nobody reads any more: of those the type says all. */
  #clean(state: SavedState): void {
    const env = this.#env;
    env.liveness.query(state);
    for (let f = 0; f <= state.curframe; f++) {
      const frame = state.frames[f]!;
      const { i } = frame;
      const pc = f === state.curframe ? state.insnIdx : state.frames[f + 1]!.callsite;
      const live = env.aux.liveRegs[pc]!;
      for (let r = 0; r < REGS - 1; r++) if (!(live & (1 << r))) i[r * LANES + TYPE] = NOT_INIT;
      env.liveness.queryFrame(f);
      const { aliveLo, aliveHi } = env.liveness;
      for (let n = 0; n < frame.slots; n++) {
        if ((n < 32 ? aliveLo : aliveHi) & (1 << (n & 31))) continue;
        i[(REGS + n) * LANES + TYPE] = NOT_INIT;
        const at = frame.kindsAt + n * KIND_LANES;
        i[at] = 0;
        i[at + 1] = 0;
      }
    }
  }
}

function sameCallsites(a: StateBase, b: StateBase): boolean {
  if (a.curframe !== b.curframe) return false;
  for (let f = a.curframe; f >= 0; f--) if (a.frames[f]!.callsite !== b.frames[f]!.callsite) return false;
  return true;
}

function iterDepthsDiffer(old: StateBase, cur: StateBase): boolean {
  for (let f = old.curframe; f >= 0; f--) {
    const frame = old.frames[f]!;
    const other = cur.frames[f]!;
    for (let n = 0; n < frame.slots; n++) {
      if (frame.kind(n, 0) !== SLOT_ITER) continue;
      const a = new Reg(frame.lanes, REGS + n);
      if ((a.aux3 & 3) !== 1) continue;
      if (a.aux3 >> 2 !== new Reg(other.lanes, REGS + n).aux3 >> 2) return true;
    }
  }
  return false;
}
