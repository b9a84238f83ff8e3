/**
 * Saved states, used again: a walk of a million instructions puts aside hundreds of thousands of states, but few at a
 * time. Who saves a state gives it back when nobody will look at it any more; what is forgotten comes back with the end
 * of the verification, whose memory the next one starts with.
 */
import { Frame, lanesFor, sizeClass } from './frame.ts';
import { REGS, SLOTS } from './layout.ts';
import { Reg } from './reg.ts';
import { type LiveState, SavedState, type StateBase } from './state.ts';
import { PTR_STACK } from './types.ts';

/** Frames are cut from slabs: one allocation for many. Lanes; the first slabs of a walk are smaller. */
const FIRST_SLAB = 1 << 12;
const LARGEST_SLAB = 1 << 17;

/** What a state takes beside its frames, about. Bytes. */
const STATE_BYTES = 512;
/** Kept for the next verification. Bytes, about. */
const KEPT_BYTES = 1 << 25;

function emptyFrame(): Frame {
  const frame = new Frame(0);
  for (let r = 0; r < REGS; r++) new Reg(frame.lanes, r).markNotInit();
  return frame;
}

export class StatePool {
  #charge: (bytes: number) => void = () => {};
  #slab = new Int32Array(0);
  #used = 0;
  #nextSlab = FIRST_SLAB;
  /** Bytes of all frames, those that are in use and those that are free, by the size of their stack. */
  #made = 0;
  readonly #frames: Frame[][] = Array.from({ length: sizeClass(SLOTS) + 1 }, () => []);
  readonly #empty = emptyFrame();
  /** Free states, and those in use: each knows its place. */
  readonly #states: SavedState[] = [];
  readonly #inUse: SavedState[] = [];

  /** A verification starts. `charge` is told what it takes from the machine's memory, and throws where that is too much. */
  begin(charge: (bytes: number) => void): void {
    this.#charge = charge;
  }

  /** Nobody looks at any state any more. */
  end(): void {
    this.#charge = () => {};
    while (this.#inUse.length > 0) this.release(this.#inUse.at(-1)!);
    if (this.#made <= KEPT_BYTES) return;
    this.#made = 0;
    this.#states.length = 0;
    for (const list of this.#frames) list.length = 0;
  }

  /** A copy of `from`, to be kept. */
  save(from: StateBase): SavedState {
    const saved = this.#copy(from);
    saved.history.copyFrom(from.history);
    return saved;
  }

  /** A copy of the state being walked, as a branch to be walked when all that is put aside later is done. */
  putAside(from: LiveState): SavedState {
    const saved = this.#copy(from);
    from.history.share(saved.history);
    return saved;
  }

  #copy(from: StateBase): SavedState {
    const saved = this.#take();
    saved.copyMeta(from);
    for (let f = 0; f <= from.curframe; f++) {
      const frame = from.frames[f]!;
      const copy = this.#takeFrame(frame.slots);
      copy.copyFrom(frame);
      saved.frames.push(copy);
    }
    return saved;
  }

  /** As putAside, the start of a walk in function `subprog`: nothing is known, nothing held. */
  fresh(from: LiveState, subprog: number): SavedState {
    const saved = this.#take();
    saved.copyMeta(new SavedState());
    from.history.shareNothing(saved.history);
    saved.branches = 1;
    const frame = this.emptyFrame();
    frame.subprog = subprog;
    new Reg(frame.lanes, REGS - 1).markPointer(PTR_STACK);
    saved.frames.push(frame);
    return saved;
  }

  /** A frame in which nothing is known. */
  emptyFrame(): Frame {
    const frame = this.#takeFrame(0);
    frame.copyFrom(this.#empty);
    return frame;
  }

  #take(): SavedState {
    const state = this.#states.pop() ?? this.#makeState();
    state.place = this.#inUse.length;
    this.#inUse.push(state);
    return state;
  }

  #makeState(): SavedState {
    this.#charge(STATE_BYTES);
    return new SavedState();
  }

  #takeFrame(slots: number): Frame {
    return this.#frames[sizeClass(slots)]!.pop() ?? this.#makeFrame(slots);
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
    this.#made += length * Int32Array.BYTES_PER_ELEMENT;
    return new Frame(slots, this.#slab.subarray(this.#used - length, this.#used));
  }

  /** `state` is not used any more. */
  release(state: SavedState): void {
    for (let frame = state.frames.pop(); frame; frame = state.frames.pop()) this.#frames[frame.sizeClass]!.push(frame);
    state.forget();
    const last = this.#inUse.pop()!;
    if (last !== state) {
      this.#inUse[state.place] = last;
      last.place = state.place;
    }
    this.#states.push(state);
  }
}
