/**
 * What is known inside one call frame: r0..r10 and the stack slots that were touched.
 *
 * Byte `b` of slot `n` is the byte at fp - 8 n - 1 - b: kinds are indexed downwards, as addresses are.
 */
import { KIND_LANES, LANES, PRECISE, REGS, SLOTS, TYPE } from './layout.ts';
import { Lanes, Reg } from './reg.ts';
import { SCALAR, SLOT_SPILL } from './types.ts';

/** Frames come in sizes of four slots, so that they can be used again for other states. */
const SLOTS_PER_CLASS = 4;
export const sizeClass = (slots: number): number => (slots + SLOTS_PER_CLASS - 1) >> 2;

/** Lanes of a frame with `slots` stack slots. */
export const lanesFor = (slots: number): number =>
  REGS * LANES + sizeClass(slots) * SLOTS_PER_CLASS * (LANES + KIND_LANES);

export class Frame {
  readonly lanes: Lanes;
  /** `lanes.i`: states are compared lane by lane, far apart in memory, so each step on the way counts. */
  readonly i: Int32Array;
  readonly sizeClass: number;
  /** Records of registers and slots; behind them, at this lane, the kinds of the slots' bytes. */
  readonly records: number;
  readonly kindsAt: number;
  /** Stack slots in use, from the top. */
  slots = 0;
  /** Instruction that called this frame; -1 for the main frame. */
  callsite = -1;
  /** Depth of calls, 0 for the main frame. */
  frameno = 0;
  subprog = 0;
  asyncEntries = 0;
  /** How many times the callback of this frame's callee has been walked into. */
  callbackDepth = 0;
  inCallback = false;
  /** The callback that orders a tree, under its lock. */
  inRbtreeLess = false;
  inAsyncCallback = false;
  /** Nobody looks at what the asynchronous callback answers. */
  anyReturn = false;
  inExceptionCallback = false;
  /** What a callback may return. */
  retMin = 0;
  retMax = 0;

  /** Room for `slots` stack slots, and for some more. `i`: memory of `lanesFor(slots)` lanes to use. */
  constructor(slots: number, i: Int32Array = new Int32Array(lanesFor(slots))) {
    this.sizeClass = sizeClass(slots);
    this.records = REGS + this.sizeClass * SLOTS_PER_CLASS;
    this.kindsAt = this.records * LANES;
    this.lanes = new Lanes(i);
    this.i = i;
  }

  kind(slot: number, byte: number): number {
    const word = this.i[this.kindsAt + slot * KIND_LANES + (byte >> 2)]!;
    return (word >>> ((byte & 3) * 8)) & 0xff;
  }

  setKind(slot: number, byte: number, kind: number): void {
    const at = this.kindsAt + slot * KIND_LANES + (byte >> 2);
    const shift = (byte & 3) * 8;
    this.i[at] = (this.i[at]! & ~(0xff << shift)) | (kind << shift);
  }

  setKinds(slot: number, kind: number): void {
    const at = this.kindsAt + slot * KIND_LANES;
    const word = Math.imul(kind, 0x01010101);
    this.i[at] = word;
    this.i[at + 1] = word;
  }

  /** Whether the slot holds a whole or partial spilled register: its lowest byte says. */
  isSpill(slot: number): boolean {
    return this.kind(slot, 7) === SLOT_SPILL;
  }

  /** A spilled register of all 8 bytes. */
  isSpill64(slot: number): boolean {
    return this.kind(slot, 0) === SLOT_SPILL;
  }

  isSpilledScalar(slot: number): boolean {
    return this.isSpill(slot) && this.i[(REGS + slot) * LANES + TYPE] === SCALAR;
  }

  isSpilledScalar64(slot: number): boolean {
    return this.isSpill64(slot) && this.i[(REGS + slot) * LANES + TYPE] === SCALAR;
  }

  isPrecise(record: number): boolean {
    return this.i[record * LANES + PRECISE] !== 0;
  }

  /** Everything but registers and stack. */
  copyMeta(from: Frame): void {
    this.slots = from.slots;
    this.callsite = from.callsite;
    this.frameno = from.frameno;
    this.subprog = from.subprog;
    this.asyncEntries = from.asyncEntries;
    this.callbackDepth = from.callbackDepth;
    this.inCallback = from.inCallback;
    this.inRbtreeLess = from.inRbtreeLess;
    this.inAsyncCallback = from.inAsyncCallback;
    this.anyReturn = from.anyReturn;
    this.inExceptionCallback = from.inExceptionCallback;
    this.retMin = from.retMin;
    this.retMax = from.retMax;
  }

  /** Registers, slots and the rest of `from`; this frame's lanes must have room for its slots. */
  copyFrom(from: Frame): void {
    this.copyMeta(from);
    const to = this.i;
    const source = from.i;
    // Of a smaller frame everything, kinds and all: those land where this frame has no slots, or are overwritten.
    to.set(from.records > this.records ? from.lanes.first(this.records) : source);
    const end = from.slots * KIND_LANES;
    for (let k = 0; k < end; k++) to[this.kindsAt + k] = source[from.kindsAt + k]!;
  }
}

/** A frame of the state being walked: room for the whole stack, and a window on each register and slot in use. */
export class LiveFrame extends Frame {
  readonly regs: Reg[] = [];
  readonly spilled: Reg[] = [];

  constructor() {
    super(SLOTS);
    for (let r = 0; r < REGS; r++) this.regs.push(new Reg(this.lanes, r));
  }

  override copyFrom(from: Frame): void {
    super.copyFrom(from);
    this.#openWindows();
  }

  #openWindows(): void {
    for (let n = this.spilled.length; n < this.slots; n++) this.spilled.push(new Reg(this.lanes, REGS + n));
  }

  /** Makes slots 0..count-1 exist. New ones hold nothing. */
  growStack(count: number): void {
    if (count <= this.slots) return;
    this.i.fill(0, (REGS + this.slots) * LANES, (REGS + count) * LANES);
    this.i.fill(0, this.kindsAt + this.slots * KIND_LANES, this.kindsAt + count * KIND_LANES);
    this.slots = count;
    this.#openWindows();
  }

  /** A fresh frame: nothing is in the registers, no stack. */
  reset(callsite: number, frameno: number, subprog: number): void {
    this.slots = 0;
    this.callsite = callsite;
    this.frameno = frameno;
    this.subprog = subprog;
    this.asyncEntries = 0;
    this.callbackDepth = 0;
    this.inCallback = false;
    this.inRbtreeLess = false;
    this.inAsyncCallback = false;
    this.anyReturn = false;
    this.inExceptionCallback = false;
    this.retMin = 0;
    this.retMax = 0;
    for (const r of this.regs) r.markNotInit();
  }
}
