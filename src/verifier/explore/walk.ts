/**
 * The walk: every path through the program, one instruction at a time, until all of them ended or one was refused.
 *
 * Linux: do_check(), do_check_common(), push_stack(), pop_stack().
 */

import { type Env, type Pending, Rejection } from '../env.ts';
import { doInsn } from '../insn/index.ts';
import { SavedState, type StateBase } from '../state/state.ts';
import { Checkpoints } from './checkpoints.ts';
import { pushHistory } from './history.ts';
import { Loops } from './loops.ts';
import { ENDED, NEXT, type Outcome, RETURNED } from './outcome.ts';
import { Precision } from './precision.ts';
import { Pruner } from './prune.ts';
import { Speculation } from './speculation.ts';

/** Instructions that may be looked at. */
const MAX_PROCESSED = 1_000_000;
/** Branches that may wait. */
const MAX_PENDING = 8192;

export class Walk {
  readonly env: Env;
  readonly precision: Precision;
  readonly #loops: Loops;
  readonly #checkpoints: Checkpoints;

  constructor(env: Env) {
    this.env = env;
    this.precision = new Precision(env);
    this.#loops = new Loops(env);
    this.#checkpoints = new Checkpoints(env, new Pruner(env), this.precision, this.#loops);
    env.walk = this;
    if (!env.caps.perfmon) env.speculation = new Speculation(env);
  }

  /** Walks from the start of a function whose state is set up in `env.cur`. */
  run(): void {
    const { env } = this;
    const { aux, insns } = env;
    const level2 = env.log.level2;
    let showState = false;
    let prev = -1;
    for (;;) {
      env.noted = false;
      env.prevPc = prev;
      const pc = env.pc;
      if (pc >= insns.length) env.reject('EFAULT', `invalid insn idx ${pc} insn_cnt ${insns.length}`);
      if (++env.processed > MAX_PROCESSED) {
        env.reject('E2BIG', `BPF program is too large. Processed ${env.processed} insn`);
      }
      const { cur } = env;
      cur.lastIdx = prev;
      cur.insnIdx = pc;
      let outcome: Outcome = NEXT;
      if (aux.prunePoint[pc] && this.#checkpoints.visit(pc)) {
        if (env.log.on) {
          env.write(
            showState
              ? `\nfrom ${prev} to ${pc}${cur.speculative ? ' (speculative execution)' : ''}: safe\n`
              : `${pc}: safe\n`,
          );
        }
        outcome = ENDED;
      } else {
        if (aux.jmpPoint[pc]) pushHistory(env, 0);
        if (env.log.on) {
          if (level2 && showState) {
            env.write(`\nfrom ${prev} to ${pc}${cur.speculative ? ' (speculative execution)' : ''}:`);
            env.printState(cur, cur.curframe);
            showState = false;
          }
          env.printInsn();
        } else if (env.isScratched) {
          env.cleanScratch();
        }
        aux.seen[pc] = 1;
        prev = pc;
        if (env.speculation !== null && cur.speculative) {
          outcome = this.#guess(env.speculation, pc);
        } else {
          env.liveness.begin(pc);
          outcome = doInsn(env);
          env.liveness.commit();
        }
      }
      if (outcome === NEXT) {
        env.pc++;
      } else if (outcome === ENDED) {
        env.scratchAll();
        this.#finish(cur);
        env.liveness.update();
        const next = this.#pop();
        if (!next) return;
        prev = next.prevPc;
        showState = true;
      } else if (outcome === RETURNED) {
        showState = true;
      }
    }
  }

  /** An instruction on a path that was guessed wrong: at barriers it ends. */
  #guess(speculation: Speculation, pc: number): Outcome {
    const { env } = this;
    if (speculation.isBarred(pc)) return ENDED;
    env.liveness.begin(pc);
    let outcome: Outcome;
    try {
      outcome = doInsn(env);
    } catch (error) {
      if (error instanceof Rejection && speculation.bar(pc, error)) return ENDED;
      throw error;
    }
    env.liveness.commit();
    return speculation.isBarredAfter(pc) ? ENDED : outcome;
  }

  /** A branch to be walked later: a copy of the current state that goes on at `pc`. */
  push(pc: number, prevPc: number): SavedState {
    return this.pushState(this.env.pool.putAside(this.env.cur), pc, prevPc);
  }

  /** As push, of another state than the current one. */
  pushState(state: SavedState, pc: number, prevPc: number): SavedState {
    const { env } = this;
    env.pending.push({ state, pc, prevPc, logEnd: env.log.end });
    if (env.pending.length > MAX_PENDING) {
      env.reject('EFAULT', `The sequence of ${env.pending.length} jumps is too complex.`);
    }
    if (state.parent) state.parent.branches++;
    return state;
  }

  #pop(): Pending | null {
    const { env } = this;
    const next = env.pending.pop();
    if (!next) return null;
    env.cur.load(next.state, env.pending.at(-1)?.state);
    env.pool.release(next.state);
    env.liveness.leave();
    if (!env.log.level2) env.log.truncate(next.logEnd);
    env.pc = next.pc;
    return next;
  }

  /** One path from `state` and its parents ended. */
  #finish(from: StateBase): void {
    let parent: StateBase | null;
    for (let st: StateBase | null = from; st; st = parent) {
      parent = st.parent;
      st.branches--;
      if (st.branches > 0) return;
      this.#loops.exit(st, this.precision);
      if (st instanceof SavedState && st.evicted && !this.#loops.isIncomplete(st)) {
        this.env.evictedStates--;
        st.evicted = false;
        // Paths that end in back edges may have passed here.
        if (this.#loops.backEdges === 0) this.env.pool.release(st);
      }
    }
  }
}
