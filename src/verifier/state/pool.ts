/**
 * Saved states, used again: a walk of a million instructions puts aside hundreds of thousands of states, but few at a
 * time. Who saves a state gives it back when nobody will look at it any more; what is forgotten is only garbage.
 */
import { Frame, lanesFor, sizeClass } from './frame.ts';
import { REGS } from './layout.ts';
import { Reg } from './reg.ts';
import { SavedState, type StateBase } from './state.ts';
import { PTR_STACK } from './types.ts';

/** Frames are cut from slabs: one allocation for many. Lanes; the first slabs of a walk are smaller. */
const FIRST_SLAB = 1 << 12;
const LARGEST_SLAB = 1 << 17;

/** What a state takes beside its frames, about. Bytes. */
const STATE_BYTES = 512;

export class StatePool {
  readonly #charge: (bytes: number) => void;
  #slab = new Int32Array(0);
  #used = 0;
  #nextSlab = FIRST_SLAB;
  readonly #states: SavedState[] = [];
  /** Free frames by the size of their stack. */
  readonly #frames: Frame[][] = [];

  /** `charge` is told what is taken from the machine's memory, and throws where that is too much. */
  constructor(charge: (bytes: number) => void) {
    this.#charge = charge;
  }

  /** A copy of `from`. */
  save(from: StateBase): SavedState {
    const saved = this.#states.pop() ?? this.#makeState();
    saved.copyMeta(from);
    for (let f = 0; f <= from.curframe; f++) {
      const frame = from.frames[f]!;
      const copy = this.#frames[sizeClass(frame.slots)]?.pop() ?? this.#makeFrame(frame.slots);
      copy.copyFrom(frame);
      saved.frames.push(copy);
    }
    return saved;
  }

  /** The start of a walk in function `subprog`: nothing is known, nothing held. */
  fresh(subprog: number): SavedState {
    const saved = this.#states.pop() ?? new SavedState();
    saved.copyMeta(new SavedState());
    saved.branches = 1;
    const frame = new Frame(0);
    for (let r = 0; r < REGS; r++) new Reg(frame.lanes, r).markNotInit();
    frame.subprog = subprog;
    new Reg(frame.lanes, REGS - 1).markPointer(PTR_STACK);
    saved.frames.push(frame);
    return saved;
  }

  #makeState(): SavedState {
    this.#charge(STATE_BYTES);
    return new SavedState();
  }

  #makeFrame(slots: number): Frame {
    const length = lanesFor(slots);
    if (this.#used + length > this.#slab.length) {
      const lanes = Math.max(this.#nextSlab, length);
      this.#charge(lanes * Int32Array.BYTES_PER_ELEMENT);
      this.#slab = new Int32Array(lanes);
      this.#used = 0;
      this.#nextSlab = Math.min(this.#nextSlab * 2, LARGEST_SLAB);
    }
    this.#used += length;
    return new Frame(slots, this.#slab.subarray(this.#used - length, this.#used));
  }

  /** `state` is not used any more. */
  release(state: SavedState): void {
    for (let frame = state.frames.pop(); frame; frame = state.frames.pop()) {
      const list = this.#frames[frame.sizeClass];
      if (list) list.push(frame);
      else this.#frames[frame.sizeClass] = [frame];
    }
    state.forget();
    this.#states.push(state);
  }
}
