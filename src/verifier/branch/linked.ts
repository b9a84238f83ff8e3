/**
 * Linked scalars: copies of one number, and copies with a constant added, share an id. What a comparison teaches about
 * one of them holds for all.
 */
import { addNumbers } from '../domain/alu.ts';
import { syncBounds, zeroExtend32 } from '../domain/bounds.ts';
import type { Env } from '../env.ts';
import { ADD_CONST, ADD_CONST32 } from '../log/state.ts';
import { REGS } from '../state/layout.ts';
import type { Reg } from '../state/reg.ts';
import type { StateBase } from '../state/state.ts';
import { SCALAR } from '../state/types.ts';

/** As many as one history entry holds. */
const MAX_LINKED = 6;
/** Members of a set that fit one lane, and the bits of each; 0 is no member. */
const PER_LANE = MAX_LINKED / 2;
const MEMBER_BITS = 10;
const MEMBER_MASK = (1 << MEMBER_BITS) - 1;
const RECORD_BITS = 7;

const memberOf = (frame: number, record: number): number => ((frame << RECORD_BITS) | record) + 1;
/** Where a linked number is: a frame and one of its records (r0..r9, then slots). */
export const memberFrame = (member: number): number => (member - 1) >> RECORD_BITS;
export const memberRecord = (member: number): number => (member - 1) & ((1 << RECORD_BITS) - 1);

/** Numbers that are linked. */
export class LinkedSet {
  readonly members = new Int32Array(MAX_LINKED);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  /** False where the set is full. */
  add(frame: number, record: number): boolean {
    if (this.count === MAX_LINKED) return false;
    this.members[this.count++] = memberOf(frame, record);
    return true;
  }

  /** One of the two lanes that hold the set in a history entry; `memberAt` takes them apart again. */
  packed(lane: number): number {
    let bits = 0;
    for (let k = 0; k < PER_LANE && lane * PER_LANE + k < this.count; k++) {
      bits |= this.members[lane * PER_LANE + k]! << (k * MEMBER_BITS);
    }
    return bits;
  }
}

/** Member `k` of a set packed into two lanes of `lanes`, 0 where it has no more. */
export function memberAt(lanes: Int32Array, at: number, k: number): number {
  if (k >= MAX_LINKED) return 0;
  return k < PER_LANE
    ? (lanes[at]! >>> (k * MEMBER_BITS)) & MEMBER_MASK
    : (lanes[at + 1]! >>> ((k - PER_LANE) * MEMBER_BITS)) & MEMBER_MASK;
}

/** A scalar that gets copied needs an id, unless it is known anyway. */
export function assignScalarId(env: Env, src: Reg): void {
  if (src.type !== SCALAR) return;
  // Linked by a constant so far: the copy starts a new group.
  if (src.id & ADD_CONST) {
    src.id = 0;
    src.off = 0;
  }
  if (!src.id && !src.isConst) src.id = env.newId();
}

/** Registers and spilled registers of all frames that share `id`, the first ones of them; `set` collects. */
export function collectLinked(env: Env, set: LinkedSet, id: number): void {
  const group = id & ~ADD_CONST;
  const { cur, aux } = env;
  for (let f = cur.curframe; f >= 0; f--) {
    const frame = cur.frames[f]!;
    const live = aux.liveRegs[f === cur.curframe ? env.pc : cur.frames[f + 1]!.callsite]!;
    for (let r = 0; r < 10; r++) if (live & (1 << r)) add(set, frame.regs[r]!, group, f, r);
    for (let n = 0; n < frame.slots; n++) {
      if (frame.isSpill(n)) add(set, frame.spilled[n]!, group, f, REGS + n);
    }
  }
}

function add(set: LinkedSet, reg: Reg, group: number, frame: number, record: number): void {
  if (reg.type !== SCALAR || (reg.id & ~ADD_CONST) !== group) return;
  if (!set.add(frame, record)) reg.id = 0;
}

/** What is now known of `known`, a register of `state`, is copied to those linked to it. */
export function syncLinked(env: Env, state: StateBase, set: LinkedSet, known: Reg): void {
  const offset = env.temp[5]!;
  const reg = env.linkedReg;
  for (let k = 0; k < set.count; k++) {
    const member = set.members[k]!;
    reg.point(state.frames[memberFrame(member)]!.lanes, memberRecord(member));
    if (reg.i === known.i && reg.at === known.at) continue;
    if (reg.type !== SCALAR || (reg.id & ~ADD_CONST) !== (known.id & ~ADD_CONST)) continue;
    // Sums in 32 and in 64 bits have no known difference.
    if (((reg.id ^ known.id) & ADD_CONST) === ADD_CONST) continue;
    const { off, id, subregDef } = reg;
    const plain = !(id & ADD_CONST) && !(known.id & ADD_CONST);
    if (plain || off === known.off) {
      reg.copyFrom(known);
    } else {
      offset.markKnown(BigInt.asUintN(64, BigInt(off) - BigInt(known.off)));
      reg.copyFrom(known);
      reg.off = off;
      reg.id = id;
      addNumbers(reg, offset);
      if ((id | known.id) & ADD_CONST32) zeroExtend32(reg);
      syncBounds(reg);
    }
    reg.subregDef = subregDef;
  }
}
