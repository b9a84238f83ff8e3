/**
 * Linked scalars: copies of one number, and copies with a constant added, share an id. What a comparison teaches about
 * one of them holds for all.
 */
import { addNumbers } from '../domain/alu.ts';
import { syncBounds, zeroExtend32 } from '../domain/bounds.ts';
import type { Env } from '../env.ts';
import { ADD_CONST, ADD_CONST32 } from '../log/state.ts';
import { REGS } from '../state/layout.ts';
import { Reg } from '../state/reg.ts';
import type { StateBase } from '../state/state.ts';
import { SCALAR } from '../state/types.ts';

/** Where a linked number is: record of a frame (r0..r9, then slots). */
export interface LinkedReg {
  readonly frame: number;
  readonly record: number;
}

/** As many as one history entry holds. */
const MAX_LINKED = 6;

/** A scalar that gets copied needs an id, unless it is known anyway. */
export function assignScalarId(env: Env, src: Reg): void {
  if (src.type !== SCALAR || src.isConst) return;
  // Linked by a constant so far: the copy starts a new group.
  if (src.id & ADD_CONST) {
    src.id = 0;
    src.off = 0;
  }
  if (!src.id) src.id = env.newId();
}

/** Registers and spilled registers of all frames that share `id`, the first ones of them; `set` collects. */
export function collectLinked(env: Env, set: LinkedReg[], id: number): void {
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

function add(set: LinkedReg[], reg: Reg, group: number, frame: number, record: number): void {
  if (reg.type !== SCALAR || (reg.id & ~ADD_CONST) !== group) return;
  if (set.length < MAX_LINKED) set.push({ frame, record });
  else reg.id = 0;
}

/** What is now known of `known`, a register of `state`, is copied to those linked to it. */
export function syncLinked(env: Env, state: StateBase, set: readonly LinkedReg[], known: Reg): void {
  const offset = env.temp[5]!;
  const reg = new Reg(state.frames[0]!.lanes, 0);
  for (const l of set) {
    const { lanes } = state.frames[l.frame]!;
    reg.point(lanes, l.record);
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
