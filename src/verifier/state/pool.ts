/**
 * Saved states, used again: a walk of a million instructions puts aside hundreds of thousands of states, but few at a
 * time. Who saves a state gives it back when nobody will look at it any more; what is forgotten is only garbage.
 */
import { Frame, sizeClass } from './frame.ts';
import { SavedState, type StateBase } from './state.ts';

export class StatePool {
  readonly #states: SavedState[] = [];
  /** Free frames by the size of their stack. */
  readonly #frames: Frame[][] = [];

  /** A copy of `from`. */
  save(from: StateBase): SavedState {
    const saved = this.#states.pop() ?? new SavedState();
    saved.copyMeta(from);
    for (let f = 0; f <= from.curframe; f++) {
      const frame = from.frames[f]!;
      const copy = this.#frames[sizeClass(frame.slots)]?.pop() ?? new Frame(frame.slots);
      copy.copyFrom(frame);
      saved.frames.push(copy);
    }
    return saved;
  }

  /** `state` is not used any more. */
  release(state: SavedState): void {
    for (let f = 0; f < state.frames.length; f++) {
      const frame = state.frames[f]!;
      const list = this.#frames[frame.sizeClass];
      if (list) list.push(frame);
      else this.#frames[frame.sizeClass] = [frame];
    }
    state.frames.length = 0;
    state.forget();
    this.#states.push(state);
  }
}
