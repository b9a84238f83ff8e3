/**
 * Pruning: a state that is covered by one already proven safe need not be walked.
 *
 * `old` covers `cur` where everything that could happen from `cur` could happen from `old`: each register of `old` that
 * is still read is as general. Ids need not be equal, but a one-to-one renaming must carry those of `old` to those of
 * `cur`. Linux: states_equal(), func_states_equal(), regsafe(), stacksafe().
 */
import type { Env } from '../env.ts';
import { ADD_CONST } from '../log/state.ts';
import type { Frame } from '../state/frame.ts';
import {
  AUX,
  AUX3,
  EXACT_LANES,
  FRAMENO,
  ID,
  KIND_LANES,
  LANES,
  OFF,
  PRECISE,
  REF_ID,
  REGS,
  S32MAX,
  S32MIN,
  TYPE,
  U32MAX,
  U32MIN,
} from '../state/layout.ts';
import type { StateBase } from '../state/state.ts';
import {
  ARENA,
  BASE_MASK,
  BUF,
  MAP_KEY,
  MAP_VALUE,
  MEM,
  NOT_INIT,
  PKT,
  PKT_META,
  PTR_STACK,
  SCALAR,
  SLOT_DYNPTR,
  SLOT_INVALID,
  SLOT_IRQ,
  SLOT_ITER,
  SLOT_MISC,
  SLOT_SPILL,
  SLOT_ZERO,
  TP_BUFFER,
} from '../state/types.ts';

/** How alike states must be: `covers` for pruning, `exact` to detect a loop that changes nothing, `within` in loops. */
export type Likeness = 'covers' | 'exact' | 'within';

export class Pruner {
  readonly #env: Env;
  /** Pairs old id -> cur id, and those of this comparison only. */
  #oldIds = new Int32Array(32);
  #curIds = new Int32Array(32);
  #pairs = 0;
  #freshIds = 0;
  /** Where `equal` found its two states to differ: a frame and a record of it, -1 where elsewhere. */
  difference = -1;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Whether `old` stands for `cur`. */
  equal(old: StateBase, cur: StateBase, likeness: Likeness): boolean {
    this.difference = -1;
    if (old.curframe !== cur.curframe) return false;
    this.#pairs = 0;
    this.#freshIds = this.#env.lastId;
    // A speculative path proves nothing about a real one.
    if (old.speculative && !cur.speculative) return false;
    if (old.inSleepable !== cur.inSleepable) return false;
    if (!this.#refsEqual(old, cur)) return false;
    for (let f = 0; f <= old.curframe; f++) {
      const a = old.frames[f]!;
      const b = cur.frames[f]!;
      if (a.callsite !== b.callsite) return false;
      const site = f === cur.curframe ? cur.insnIdx : cur.frames[f + 1]!.callsite;
      if (!this.#framesEqual(f, a, b, site, likeness)) return false;
    }
    return true;
  }

  /** Remembers where a comparison failed. */
  #differ(frame: number, record: number): false {
    this.difference = (frame << 8) | record;
    return false;
  }

  /**
   * Whether states of one position differ in a record in which `old` differed from another state before: where they do,
   * `equal` is false, and this is the cheaper way to know. Ids are left to `equal`. `a`: the frame of `old` with the record.
   */
  stillDiffers(difference: number, a: Frame, cur: StateBase, likeness: Likeness): boolean {
    const f = difference >> 8;
    const record = difference & 0xff;
    if (f > cur.curframe) return true;
    this.#pairs = 0;
    const b = cur.frames[f]!;
    if (record >= REGS) return !this.#slotSafe(a, b, record - REGS, likeness);
    const site = f === cur.curframe ? cur.insnIdx : cur.frames[f + 1]!.callsite;
    if ((this.#env.aux.liveRegs[site]! & (1 << record)) === 0) return false;
    return !this.#regSafe(a.i, record, b.i, record, likeness);
  }

  /**
   * Cheap test before an exact comparison: the first lane in which registers of the innermost frame differ, -1 where
   * they are alike. `guess`: the lane to look at first.
   */
  firstDifference(guess: number, old: StateBase, cur: StateBase): number {
    if (old.curframe !== cur.curframe) return 0;
    const a = old.frame.i;
    const b = cur.frame.i;
    if (a[guess] !== b[guess]) return guess;
    // Lanes up to the parent link in Linux: type, offset, what it points to, numbers, ids.
    for (let r = 0; r < REGS; r++) {
      const at = r * LANES;
      for (let k = 0; k < FRAMENO; k++) if (a[at + k] !== b[at + k]) return at + k;
    }
    return -1;
  }

  #refsEqual(old: StateBase, cur: StateBase): boolean {
    if (old.refs.length !== cur.refs.length) return false;
    if (old.activeLocks !== cur.activeLocks) return false;
    if (old.activePreempt !== cur.activePreempt) return false;
    if (old.activeRcu !== cur.activeRcu) return false;
    if (!this.#ids(old.activeIrqId, cur.activeIrqId)) return false;
    if (!this.#ids(old.activeLockId, cur.activeLockId) || old.activeLockOwner !== cur.activeLockOwner) return false;
    for (let k = 0; k < old.refs.length; k++) {
      const a = old.refs[k]!;
      const b = cur.refs[k]!;
      if (a.kind !== b.kind || !this.#ids(a.id, b.id)) return false;
      if (a.owner !== b.owner) return false;
    }
    return true;
  }

  #framesEqual(f: number, old: Frame, cur: Frame, insnIdx: number, likeness: Likeness): boolean {
    if (old.callbackDepth > cur.callbackDepth) return false;
    const live = this.#env.aux.liveRegs[insnIdx]!;
    const a = old.i;
    const b = cur.i;
    for (let r = 0; r < REGS - 1; r++) {
      if (live & (1 << r) && !this.#regSafe(a, r, b, r, likeness)) return this.#differ(f, r);
    }
    return this.#stackSafe(f, old, cur, likeness);
  }

  /** Ids of one value in both states: zero only matches zero, others must map one to one. */
  #ids(oldId: number, curId: number): boolean {
    if ((oldId === 0) !== (curId === 0)) return false;
    if (oldId === 0) return true;
    const n = this.#pairs;
    for (let k = 0; k < n; k++) {
      if (this.#oldIds[k] === oldId) return this.#curIds[k] === curId;
      if (this.#curIds[k] === curId) return false;
    }
    if (n === MAX_PAIRS) return false;
    if (n === this.#oldIds.length) {
      this.#oldIds = doubled(this.#oldIds);
      this.#curIds = doubled(this.#curIds);
    }
    this.#oldIds[n] = oldId;
    this.#curIds[n] = curId;
    this.#pairs = n + 1;
    return true;
  }

  /** As #ids for numbers. One that was linked to nothing stands for one that is. */
  #scalarIds(oldId: number, curId: number): boolean {
    return oldId === 0 || this.#ids(oldId, curId || ++this.#freshIds);
  }

  #exact(a: Int32Array, ra: number, b: Int32Array, rb: number): boolean {
    const x = ra * LANES;
    const y = rb * LANES;
    for (let k = 0; k < EXACT_LANES; k++) if (a[x + k] !== b[y + k]) return false;
    return this.#ids(a[x + ID]!, b[y + ID]!) && this.#ids(a[x + REF_ID]!, b[y + REF_ID]!);
  }

  #regSafe(a: Int32Array, ra: number, b: Int32Array, rb: number, likeness: Likeness): boolean {
    const x = ra * LANES;
    const y = rb * LANES;
    const oldType = a[x + TYPE]!;
    if (likeness === 'exact') return this.#exact(a, ra, b, rb);
    // What was not there was not used; in a loop that is not walked to its end yet, it still may be.
    if (oldType === NOT_INIT) return likeness === 'covers' || b[y + TYPE] === NOT_INIT;
    if (oldType !== b[y + TYPE]) return false;
    switch (oldType & BASE_MASK) {
      case SCALAR:
        return this.#scalarSafe(a, x, ra, b, y, rb, likeness);
      case MAP_KEY:
      case MAP_VALUE:
      case MEM:
      case BUF:
      case TP_BUFFER:
        return (
          lanesEqual(a, x, b, y, OFF, ID) &&
          isWithin(a, x, b, y) &&
          isTnumIn(a, x, b, y) &&
          this.#ids(a[x + ID]!, b[y + ID]!) &&
          this.#ids(a[x + REF_ID]!, b[y + REF_ID]!)
        );
      case PKT_META:
      case PKT:
        if (!isRangeSafe(a[x + AUX]!, b[y + AUX]!)) return false;
        if (a[x + OFF] !== b[y + OFF]) return false;
        if (!this.#ids(a[x + ID]!, b[y + ID]!)) return false;
        return isWithin(a, x, b, y) && isTnumIn(a, x, b, y);
      case PTR_STACK:
        // Which frame it points into matters, not only where.
        return this.#exact(a, ra, b, rb) && a[x + FRAMENO] === b[y + FRAMENO];
      case ARENA:
        return true;
      default:
        return this.#exact(a, ra, b, rb);
    }
  }

  #scalarSafe(a: Int32Array, x: number, ra: number, b: Int32Array, y: number, rb: number, likeness: Likeness): boolean {
    if (this.#env.speculation?.exactNumbers) {
      return lanesEqual(a, x, b, y, 0, EXACT_LANES) && this.#scalarIds(a[x + ID]!, b[y + ID]!);
    }
    if (!a[x + PRECISE] && likeness === 'covers') return true;
    if (likeness === 'covers' || likeness === 'within') {
      const oldId = a[x + ID]!;
      const curId = b[y + ID]!;
      // A linked number must be linked in the same way: with a constant between it and others, with the same one.
      if (oldId !== 0 && (oldId ^ curId) & ADD_CONST) return false;
      if (oldId & ADD_CONST && a[x + OFF] !== b[y + OFF]) return false;
      return isWithin(a, x, b, y) && isTnumIn(a, x, b, y) && this.#scalarIds(oldId, curId);
    }
    return this.#exact(a, ra, b, rb);
  }

  #stackSafe(f: number, old: Frame, cur: Frame, likeness: Likeness): boolean {
    const a = old.i;
    const uninit = this.#env.allowUninitStack;
    const covers = likeness === 'covers';
    const end = old.kindsAt + old.slots * KIND_LANES;
    for (let at = old.kindsAt, n = 0; at < end; at += KIND_LANES, n++) {
      const lo = a[at]!;
      const hi = a[at + 1]!;
      // What is not there, or may be anything, covers all.
      if (covers && (uninit ? isInvalidOrMisc(lo) && isInvalidOrMisc(hi) : (lo | hi) === 0)) continue;
      if (!this.#slotSafe(old, cur, n, likeness)) return this.#differ(f, REGS + n);
    }
    return true;
  }

  #slotSafe(old: Frame, cur: Frame, n: number, likeness: Likeness): boolean {
    const a = old.i;
    const b = cur.i;
    const uninit = this.#env.allowUninitStack;
    const exists = n < cur.slots;
    const oldLo = a[old.kindsAt + n * KIND_LANES]!;
    const oldHi = a[old.kindsAt + n * KIND_LANES + 1]!;
    const curLo = exists ? b[cur.kindsAt + n * KIND_LANES]! : 0;
    const curHi = exists ? b[cur.kindsAt + n * KIND_LANES + 1]! : 0;
    if (likeness !== 'covers' && (!exists || oldLo !== curLo || oldHi !== curHi)) return false;
    if (oldLo === 0 && oldHi === 0) return true;
    if (uninit && isInvalidOrMisc(oldLo) && isInvalidOrMisc(oldHi)) return true;
    if (!exists) return false;
    // Most slots are whole spilled registers.
    if (oldLo === ALL_SPILL && oldHi === ALL_SPILL && curLo === ALL_SPILL && curHi === ALL_SPILL) {
      return this.#regSafe(a, REGS + n, b, REGS + n, likeness);
    }
    // A slot that can be read as any number stands for one, however it came to be.
    const oldScalar = this.#asScalar(old, n);
    const curScalar = this.#asScalar(cur, n);
    if (oldScalar !== NOT_SCALAR && curScalar !== NOT_SCALAR) {
      return this.#scalarSlotSafe(a, n, oldScalar, b, curScalar, likeness);
    }
    for (let k = 0; k < 8; k++) {
      const ok = old.kind(n, k);
      const ck = cur.kind(n, k);
      if (ok === SLOT_INVALID) continue;
      if (uninit && ok === SLOT_MISC) continue;
      // Zero is one of the things that a misc byte may be.
      if (ok === SLOT_MISC && ck === SLOT_ZERO) continue;
      if (ok !== ck) return false;
    }
    if (old.kind(n, 7) !== cur.kind(n, 7)) return true;
    const r = REGS + n;
    const x = r * LANES;
    switch (old.kind(n, 7)) {
      case SLOT_SPILL:
        return this.#regSafe(a, r, b, r, likeness);
      case SLOT_DYNPTR:
        return lanesEqual(a, x, b, x, AUX, AUX3) && this.#ids(a[x + REF_ID]!, b[x + REF_ID]!);
      case SLOT_ITER:
        // Depth is left out: how often the iterator went round says nothing.
        if (!lanesEqual(a, x, b, x, AUX, AUX3) || (a[x + AUX3]! & 3) !== (b[x + AUX3]! & 3)) return false;
        return this.#ids(a[x + REF_ID]!, b[x + REF_ID]!);
      case SLOT_IRQ:
        return this.#ids(a[x + REF_ID]!, b[x + REF_ID]!) && a[x + AUX] === b[x + AUX];
      default:
        return true;
    }
  }

  /** SPILLED: a whole spilled scalar. UNBOUND: bytes that read as any number. */
  #asScalar(frame: Frame, n: number): number {
    if (frame.kind(n, 7) === SLOT_SPILL) {
      return frame.kind(n, 0) === SLOT_SPILL && frame.i[(REGS + n) * LANES + TYPE] === SCALAR ? SPILLED : NOT_SCALAR;
    }
    for (let k = 0; k < 8; k++) {
      const kind = frame.kind(n, k);
      if (kind === SLOT_MISC || (kind === SLOT_INVALID && this.#env.allowUninitStack)) continue;
      return NOT_SCALAR;
    }
    return UNBOUND;
  }

  #scalarSlotSafe(
    a: Int32Array,
    n: number,
    oldKind: number,
    b: Int32Array,
    curKind: number,
    likeness: Likeness,
  ): boolean {
    const any = UNBOUND_LANES;
    const old = oldKind === SPILLED ? a : any;
    const cur = curKind === SPILLED ? b : any;
    return this.#regSafe(old, oldKind === SPILLED ? REGS + n : 0, cur, curKind === SPILLED ? REGS + n : 0, likeness);
  }
}

/** Ids that two states are compared by. */
const MAX_PAIRS = 1024;

function doubled(ids: Int32Array): Int32Array<ArrayBuffer> {
  const out = new Int32Array(ids.length * 2);
  out.set(ids);
  return out;
}

/** SLOT_SPILL four times. */
const ALL_SPILL = 0x01010101;

const NOT_SCALAR = 0;
const SPILLED = 1;
const UNBOUND = 2;

/** Whether four kinds are each 0 or SLOT_MISC (2). */
const isInvalidOrMisc = (kinds: number): boolean => (kinds & ~0x02020202) === 0;

/** Any number, as a record. */
const UNBOUND_LANES = unboundRecord();

function unboundRecord(): Int32Array {
  const i = new Int32Array(LANES);
  i[2] = -1;
  i[3] = -1;
  i[5] = -0x8000_0000;
  i[6] = -1;
  i[7] = 0x7fff_ffff;
  i[10] = -1;
  i[11] = -1;
  i[S32MIN] = -0x8000_0000;
  i[S32MAX] = 0x7fff_ffff;
  i[U32MIN] = 0;
  i[U32MAX] = -1;
  i[TYPE] = SCALAR;
  return i;
}

/** The old pointer must not have been proven to reach further; at and beyond the end (negative) only match themselves. */
function isRangeSafe(old: number, cur: number): boolean {
  return old < 0 || cur < 0 ? old === cur : old <= cur;
}

function lanesEqual(a: Int32Array, x: number, b: Int32Array, y: number, from: number, to: number): boolean {
  for (let k = from; k < to; k++) if (a[x + k] !== b[y + k]) return false;
  return true;
}

/** Whether `a`'s 64-bit number at lane `k` is at most `b`'s, signed. */
function atMostSigned(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  const hi = a[x + 1]! - b[y + 1]!;
  return hi < 0 || (hi === 0 && a[x]! >>> 0 <= b[y]! >>> 0);
}

function atMostUnsigned(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  const hi = (a[x + 1]! >>> 0) - (b[y + 1]! >>> 0);
  return hi < 0 || (hi === 0 && a[x]! >>> 0 <= b[y]! >>> 0);
}

/** Whether every range of `b` lies in that of `a`. */
function isWithin(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  return (
    atMostUnsigned(a, x + 8, b, y + 8) &&
    atMostUnsigned(b, y + 10, a, x + 10) &&
    atMostSigned(a, x + 4, b, y + 4) &&
    atMostSigned(b, y + 6, a, x + 6) &&
    a[x + U32MIN]! >>> 0 <= b[y + U32MIN]! >>> 0 &&
    a[x + U32MAX]! >>> 0 >= b[y + U32MAX]! >>> 0 &&
    a[x + S32MIN]! <= b[y + S32MIN]! &&
    a[x + S32MAX]! >= b[y + S32MAX]!
  );
}

/** Whether every number that `b`'s bits allow, `a`'s do. */
function isTnumIn(a: Int32Array, x: number, b: Int32Array, y: number): boolean {
  for (let k = 0; k < 2; k++) {
    const open = a[x + 2 + k]!;
    if (b[y + 2 + k]! & ~open) return false;
    if (a[x + k] !== (b[y + k]! & ~open)) return false;
  }
  return true;
}
