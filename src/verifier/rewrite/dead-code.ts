/**
 * Instructions that no path reached are taken out, jumps that only go one way are settled, and jumps to the next
 * instruction vanish. Positions in jumps, calls, func_info and line_info move along.
 *
 * Linux: opt_hard_wire_dead_code_branches(), opt_remove_dead_code(), opt_remove_nops().
 */
import { view } from '../../base/bytes.ts';
import {
  BPF_CALL,
  BPF_EXIT,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  CALL,
  Insns,
  isCondJump,
  isJmp,
  isMayGoto,
  jumpDistance,
  LD_IMM64,
  opOf,
  slotsOf,
} from '../../isa/index.ts';
import type { Env } from '../env.ts';

export interface Moved {
  readonly insns: Insns;
  /** Old slot -> new slot, -1 where it is gone. */
  readonly to: Int32Array;
  readonly subprogs: { start: number; name: string }[];
  readonly funcInfo: Uint8Array;
  readonly lineInfo: Uint8Array;
}

export function removeDeadCode(env: Env, insns: Insns): Moved {
  const { seen } = env.aux;
  const count = insns.length;
  const keep = new Uint8Array(count);
  for (let pc = 0; pc < count; pc += slotsOf(insns.code[pc]!)) {
    if (!seen[pc]) continue;
    keep[pc] = 1;
    if (insns.code[pc] === LD_IMM64) keep[pc + 1] = 1;
  }
  // A jump of which one side was never taken becomes a jump, or nothing at all.
  for (let pc = 0; pc < count; pc++) {
    if (!keep[pc] || !isCondJump(insns.code[pc]!)) continue;
    const target = pc + 1 + insns.off[pc]!;
    if (!seen[pc + 1]) setGoto(insns, pc, insns.off[pc]!);
    else if (!seen[target]) setGoto(insns, pc, 0);
  }
  const reached = keep.slice();
  // Jumps to what comes next do nothing; taking one out can make another one such.
  for (let changed = true; changed; ) {
    changed = false;
    for (let pc = 0; pc < count; pc++) {
      if (!keep[pc] || insns.code[pc] !== (BPF_JMP | BPF_JA)) continue;
      if (!isNext(keep, pc, pc + 1 + insns.off[pc]!)) continue;
      keep[pc] = 0;
      changed = true;
    }
  }
  return move(env, insns, keep, new Removals(reached, keep));
}

function setGoto(insns: Insns, pc: number, off: number): void {
  insns.code[pc] = BPF_JMP | BPF_JA;
  insns.dst[pc] = 0;
  insns.src[pc] = 0;
  insns.off[pc] = off;
  insns.imm[pc] = 0;
}

function isNext(keep: Uint8Array, pc: number, target: number): boolean {
  if (target <= pc) return false;
  for (let k = pc + 1; k < target; k++) if (keep[k]) return false;
  return true;
}

function positions(keep: Uint8Array): Int32Array {
  const to = new Int32Array(keep.length).fill(-1);
  let at = 0;
  for (let pc = 0; pc < keep.length; pc++) if (keep[pc]) to[pc] = at++;
  return to;
}

/** Runs of slots as they are taken out one after another, in the numbering of that moment. */
class Removals {
  readonly #runs: { at: number; count: number }[] = [];

  /** First all that no path reached, run by run; then what else is not kept, one by one. */
  constructor(reached: Uint8Array, keep: Uint8Array) {
    let at = 0;
    for (let pc = 0; pc < reached.length; pc++) {
      if (reached[pc]) at++;
      else if (pc > 0 && !reached[pc - 1]) this.#runs.at(-1)!.count++;
      else this.#runs.push({ at, count: 1 });
    }
    at = 0;
    for (let pc = 0; pc < reached.length; pc++) {
      if (keep[pc]) at++;
      else if (reached[pc]) this.#runs.push({ at, count: 1 });
    }
  }

  /** Where a reference to slot `pc` leads in the end: one into a run that goes keeps its number. */
  follow(pc: number): number {
    for (const { at, count } of this.#runs) if (pc >= at + count) pc -= count;
    return pc;
  }
}

function move(env: Env, insns: Insns, keep: Uint8Array, removals: Removals): Moved {
  const to = positions(keep);
  // Where something that is gone was, the next thing is now.
  const ceil = new Int32Array(keep.length + 1);
  let kept = 0;
  for (const k of keep) kept += k;
  ceil[keep.length] = kept;
  for (let pc = keep.length - 1; pc >= 0; pc--) ceil[pc] = keep[pc] ? to[pc]! : ceil[pc + 1]!;
  const live = env.subprogs
    .map((s, k) => ({ s, k }))
    .filter(({ s }) => ceil[s.start] !== ceil[s.end] && hasKept(keep, s));
  return {
    insns: kept === insns.length ? insns : compact(insns, to, ceil, kept, removals),
    to,
    subprogs: live.map(({ s }) => ({ start: ceil[s.start]!, name: s.name })),
    funcInfo: moveFuncInfo(
      env,
      ceil,
      live.map(({ k }) => k),
    ),
    lineInfo: moveLineInfo(env, keep, ceil, kept),
  };
}

/** The instructions that are kept, `kept` of them, and where they refer to each other now. */
function compact(insns: Insns, to: Int32Array, ceil: Int32Array, kept: number, removals: Removals): Insns {
  const out = new Insns(kept);
  for (let pc = 0; pc < insns.length; pc++) {
    const at = to[pc]!;
    if (at < 0) continue;
    const code = insns.code[pc]!;
    out.code[at] = code;
    out.dst[at] = insns.dst[pc]!;
    out.src[at] = insns.src[pc]!;
    out.off[at] = insns.off[pc]!;
    out.imm[at] = insns.imm[pc]!;
    const op = opOf(code);
    const isCall = code === CALL && insns.src[pc] === BPF_PSEUDO_CALL;
    const isFunc = code === LD_IMM64 && insns.src[pc] === BPF_PSEUDO_FUNC;
    if (isCall || isFunc) {
      out.imm[at] = removals.follow(pc + 1 + insns.imm[pc]!) - at - 1;
    } else if ((isJmp(code) && op !== BPF_CALL && op !== BPF_EXIT) || isMayGoto(code)) {
      const distance = ceil[pc + 1 + jumpDistance(code, insns.off[pc]!, insns.imm[pc]!)]! - at - 1;
      if (code === BPF_JMP32) out.imm[at] = distance;
      else out.off[at] = distance;
    }
    if (code === LD_IMM64) {
      pc++;
      out.imm[at + 1] = insns.imm[pc]!;
    }
  }
  return out;
}

function hasKept(keep: Uint8Array, s: { start: number; end: number }): boolean {
  for (let pc = s.start; pc < s.end; pc++) if (keep[pc]) return true;
  return false;
}

function moveFuncInfo(env: Env, ceil: Int32Array, live: readonly number[]): Uint8Array {
  const { funcInfo } = env.input;
  if (!funcInfo || funcInfo.length < 8 * env.subprogs.length) return new Uint8Array();
  const out = new Uint8Array(live.length * 8);
  const dv = view(out);
  live.forEach((k, n) => {
    out.set(funcInfo.subarray(k * 8, k * 8 + 8), n * 8);
    dv.setUint32(n * 8, ceil[env.subprogs[k]!.start]!, true);
  });
  return out;
}

/** A line whose instructions are all gone goes with them; one whose first is gone moves to the next that is left. */
function moveLineInfo(env: Env, keep: Uint8Array, ceil: Int32Array, kept: number): Uint8Array {
  const { lineInfo } = env.input;
  if (!lineInfo) return new Uint8Array();
  const dv = view(lineInfo);
  const count = Math.floor(lineInfo.length / 16);
  const records: Uint8Array[] = [];
  for (let k = 0; k < count; k++) {
    const from = dv.getUint32(k * 16, true);
    const end = k + 1 < count ? dv.getUint32((k + 1) * 16, true) : keep.length;
    let any = false;
    for (let pc = from; pc < end && pc < keep.length; pc++) if (keep[pc]) any = true;
    if (!any || ceil[from]! >= kept) continue;
    const record = lineInfo.slice(k * 16, k * 16 + 16);
    view(record).setUint32(0, ceil[from]!, true);
    records.push(record);
  }
  const out = new Uint8Array(records.length * 16);
  records.forEach((r, k) => {
    out.set(r, k * 16);
  });
  return out;
}
