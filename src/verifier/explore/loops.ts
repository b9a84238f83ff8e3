/**
 * Loops whose end is found by comparing states: open-coded iterators, callbacks, may_goto.
 *
 * Inside a strongly connected component a state may be pruned against one whose own marks are not complete yet. Such a
 * back edge is kept, and precision is carried over all of them until nothing changes, when the walk leaves the
 * component. Linux: maybe_enter_scc(), add_scc_backedge(), propagate_backedges().
 */
import type { Env } from '../env.ts';
import { SavedState, type StateBase } from '../state/state.ts';
import { markAllPrecise } from './marks.ts';
import type { Precision } from './precision.ts';

const MAX_ROUNDS = 64;

interface Visit {
  entry: StateBase | null;
  backEdges: SavedState[];
  readonly label: string;
}

export class Loops {
  readonly #env: Env;
  readonly #visits = new Map<string, Visit>();
  /** States that are kept for back edges. */
  backEdges = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  /** A checkpoint was made: it may be the first one inside a loop. */
  enter(state: SavedState): void {
    const key = this.#key(state);
    if (key === null) return;
    let visit = this.#visits.get(key);
    if (!visit) {
      visit = { entry: null, backEdges: [], label: labelOf(key) };
      this.#visits.set(key, visit);
    }
    if (visit.entry) return;
    visit.entry = state;
    state.entersLoop = true;
    if (this.#env.log.level2) this.#env.write(`SCC enter ${visit.label}\n`);
  }

  /** All paths from `state` are done: `precision` is carried over its back edges. */
  exit(state: StateBase, precision: Precision): void {
    if (!(state instanceof SavedState) || !state.entersLoop) return;
    state.entersLoop = false;
    const key = this.#key(state);
    if (key === null) return;
    const visit = this.#visits.get(key);
    if (!visit || visit.entry !== state) return;
    if (this.#env.log.level2) this.#env.write(`SCC exit ${visit.label}\n`);
    visit.entry = null;
    this.backEdges -= visit.backEdges.length;
    const edges = visit.backEdges;
    for (let round = 1, changed = true; changed; round++) {
      changed = false;
      if (round > MAX_ROUNDS) {
        for (const edge of edges) markAllPrecise(edge);
        break;
      }
      // The latest first, as Linux.
      for (let k = edges.length - 1; k >= 0; k--) {
        if (precision.propagate(edges[k]!.equalState!, edges[k]!)) changed = true;
      }
    }
    for (const edge of edges) this.#env.pool.release(edge);
    visit.backEdges = [];
  }

  /** Whether what `state` relied on may not be known yet. */
  isIncomplete(state: StateBase): boolean {
    if (this.backEdges === 0) return false;
    const key = this.#key(state);
    return key !== null && (this.#visits.get(key)?.backEdges.length ?? 0) > 0;
  }

  add(checkpoint: SavedState, edge: SavedState): void {
    const visit = this.#visits.get(this.#key(checkpoint) ?? '');
    if (!visit)
      this.#env.reject('EFAULT', `verifier bug: add backedge: no SCC in verification path, insn_idx ${this.#env.pc}`);
    if (this.#env.log.level2) this.#env.write(`SCC backedge ${visit.label}\n`);
    edge.equalState = checkpoint;
    visit.backEdges.push(edge);
    this.backEdges++;
    this.updatePeak();
  }

  /** States that are kept at the moment, where they are more than ever before. */
  updatePeak(): void {
    const env = this.#env;
    env.peakStates = Math.max(env.peakStates, env.liveStates + env.evictedStates + this.backEdges);
  }

  /** Call sites down to the first frame that is in a loop, and the loop; null where none is. */
  #key(state: StateBase): string | null {
    const { scc } = this.#env.aux;
    let key = '';
    for (let f = 0; f <= state.curframe; f++) {
      const pc = f === state.curframe ? state.insnIdx : state.frames[f + 1]!.callsite;
      const component = scc[pc];
      if (component) return `${key}${component}`;
      key += `${pc},`;
    }
    return null;
  }
}

/** As Linux writes it: up to the first call at instruction 0, which it takes for the end of the list. */
function labelOf(key: string): string {
  const numbers = key.split(',');
  const callsites = numbers.slice(0, -1);
  const end = callsites.indexOf('0');
  return `(${[...callsites.slice(0, end < 0 ? undefined : end), numbers.at(-1)].join(',')})`;
}
