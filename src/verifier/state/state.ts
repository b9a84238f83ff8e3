/**
 * A state of the walk: frames, held resources, and where in the tree of states it stands.
 *
 * There is one live state, whose frames have room for everything; saved states (branches still to walk, checkpoints
 * for pruning) hold compact copies. Linux: struct bpf_verifier_state.
 */

import { type Frame, LiveFrame } from './frame.ts';
import { History } from './history.ts';

const NO_REFS: readonly Ref[] = [];

/** Frames of nested calls. */
export const MAX_FRAMES = 8;

export const REF_PTR = 1;
export const REF_IRQ = 2;
export const REF_LOCK = 4;
export const REF_RES_LOCK = 8;
export const REF_RES_LOCK_IRQ = 16;
export const isLock = (kind: number): boolean => kind >= REF_LOCK;

/** Something acquired that must be given back. Values do not change once made. */
export interface Ref {
  readonly kind: number;
  readonly id: number;
  /** Where it was acquired. */
  readonly insnIdx: number;
  /** What a lock belongs to: map or BTF object. */
  readonly owner: number;
}

export abstract class StateBase {
  abstract frames: Frame[];
  curframe = 0;
  refs: readonly Ref[] = [];
  activeLocks = 0;
  activeLockId = 0;
  activeLockOwner = 0;
  activePreempt = 0;
  activeIrqId = 0;
  activeRcu = 0;
  inSleepable = false;
  speculative = false;
  parent: SavedState | null = null;
  /** Paths that go on from here and are not done yet. */
  branches = 0;
  insnIdx = 0;
  firstIdx = 0;
  lastIdx = 0;
  readonly history = new History();
  dfsDepth = 0;
  callbackUnroll = 0;
  mayGotoDepth = 0;

  /** Everything but the frames and the history. */
  copyMeta(from: StateBase): void {
    this.curframe = from.curframe;
    this.refs = from.refs;
    this.activeLocks = from.activeLocks;
    this.activeLockId = from.activeLockId;
    this.activeLockOwner = from.activeLockOwner;
    this.activePreempt = from.activePreempt;
    this.activeIrqId = from.activeIrqId;
    this.activeRcu = from.activeRcu;
    this.inSleepable = from.inSleepable;
    this.speculative = from.speculative;
    this.parent = from.parent;
    this.branches = from.branches;
    this.insnIdx = from.insnIdx;
    this.firstIdx = from.firstIdx;
    this.lastIdx = from.lastIdx;
    this.dfsDepth = from.dfsDepth;
    this.callbackUnroll = from.callbackUnroll;
    this.mayGotoDepth = from.mayGotoDepth;
  }

  get frame(): Frame {
    return this.frames[this.curframe]!;
  }
}

/** A compact copy, for the stack of branches and for pruning. `StatePool` makes them. */
export class SavedState extends StateBase {
  override readonly frames: Frame[] = [];
  /** No checkpoint any more, but paths that started from it are still walked. */
  evicted = false;
  /** The first checkpoint inside a loop (explore/loops.ts). */
  entersLoop = false;
  /** Where `StatePool` keeps it. */
  place = 0;
  /** For back edges: the checkpoint this state was found to be covered by. */
  equalState: SavedState | null = null;

  /** Nothing is kept alive by a state that waits to be used again. */
  forget(): void {
    this.evicted = false;
    this.entersLoop = false;
    this.equalState = null;
    this.parent = null;
    this.refs = NO_REFS;
    this.history.forget();
  }
}

/** The state being walked. */
export class LiveState extends StateBase {
  /** As many as were in use so far; those behind `curframe` hold nothing. */
  override readonly frames: LiveFrame[] = [new LiveFrame()];
  /** The registers of the innermost frame, which every rule asks for. */
  regs = this.frames[0]!.regs;

  override get frame(): LiveFrame {
    return this.frames[this.curframe]!;
  }

  /** Frame `f` becomes the innermost. */
  enter(f: number): void {
    this.curframe = f;
    this.regs = this.frames[f]!.regs;
  }

  /** Frame `f`, at most one after those that there are. */
  frameAt(f: number): LiveFrame {
    return (this.frames[f] ??= new LiveFrame());
  }

  /** Goes on where `from`, a branch, was put aside; `below`: the one before it that still waits. */
  load(from: SavedState, below: SavedState | undefined): void {
    this.copyMeta(from);
    this.history.resume(from.history, below?.history);
    for (let f = 0; f <= from.curframe; f++) this.frameAt(f).copyFrom(from.frames[f]!);
    this.enter(from.curframe);
  }

  /** The start of a walk: one frame, nothing held. */
  reset(subprog: number): void {
    this.copyMeta(new SavedState());
    this.history.reset();
    this.enter(0);
    this.frames[0]!.reset(-1, 0, subprog);
    this.branches = 1;
  }
}
