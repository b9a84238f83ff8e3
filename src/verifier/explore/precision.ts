/**
 * Precision: which scalars' exact values a verdict relied on.
 *
 * Pruning may treat other scalars as "any number". When a rule needs a value (a size, an offset, a branch that could go
 * only one way), the chain of instructions that made it is followed backwards, over parent states, and every register
 * and slot on the way is marked in them. Linux: __mark_chain_precision(), backtrack_insn().
 */
import {
  BPF_ABS,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_END,
  BPF_EXIT,
  BPF_IND,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MOV,
  BPF_NEG,
  BPF_ST,
  BPF_STX,
  BPF_X,
  classOf,
  FRAME_POINTER,
  modeOf,
  opOf,
  sourceOf,
} from '../../isa/index.ts';
import { memberAt, memberFrame, memberRecord } from '../branch/linked.ts';
import { callEffects } from '../call/effects.ts';
import type { Env } from '../env.ts';
import type { Frame } from '../state/frame.ts';
import {
  ENTRY,
  HIST_DST_STACK,
  HIST_FLAGS,
  HIST_IDX,
  HIST_LINKED,
  HIST_PREV,
  HIST_SRC_STACK,
  HIST_STACK_ACCESS,
  type History,
  histFrame,
  histSlot,
} from '../state/history.ts';
import { LANES, PRECISE, REGS, TYPE } from '../state/layout.ts';
import { MAX_FRAMES, type StateBase } from '../state/state.ts';
import { SCALAR } from '../state/types.ts';
import { isHelperCall, isKfuncCall, isPseudoCall, subprogAt } from '../structure/subprogs.ts';
import { slotsText } from './stack-liveness.ts';

const ARGS = 0x3e;

const OK = 0;
/** The code does something that cannot be followed backwards: everything becomes precise. */
const GIVE_UP = -1;
/** Nothing is followed any more. */
const NOTHING_LEFT = 1;

// Besides the registers that an instruction may change the following of:
/** Look at it in any case. */
const ALWAYS = 1 << 30;
/** A store: look at it where the slot that it wrote is followed. */
const STORES = 1 << 29;

function watchedRegs(env: Env): Int32Array {
  const out = new Int32Array(env.insns.length);
  for (let pc = 0; pc < out.length; pc++) out[pc] = watchedBy(env, pc);
  return out;
}

/** What `#backtrack` looks for: most instructions write one register, and say nothing about others. */
function watchedBy(env: Env, pc: number): number {
  const { insns } = env;
  const code = insns.code[pc]!;
  const dst = 1 << insns.dst[pc]!;
  if (code === 0) return 0;
  const fromReg = sourceOf(code) === BPF_X;
  switch (classOf(code)) {
    case BPF_ALU:
    case BPF_ALU64:
      // With a constant it goes on being the same number.
      return opOf(code) === BPF_MOV || (fromReg && opOf(code) !== BPF_END) ? dst : 0;
    case BPF_LDX:
    case BPF_LD:
      return dst;
    case BPF_ST:
    case BPF_STX:
      return dst | STORES;
    default:
      if (opOf(code) === BPF_CALL)
        return isHelperCall(env, pc) && !callEffects(env, pc).syncCallback ? 1 | ARGS : ALWAYS;
      if (opOf(code) === BPF_EXIT) return ALWAYS;
      return fromReg ? dst | (1 << insns.src[pc]!) : 0;
  }
}

/** Registers and slots being followed, by frame. */
class Wanted {
  frame = 0;
  readonly regs = new Int32Array(MAX_FRAMES);
  readonly lo = new Int32Array(MAX_FRAMES);
  readonly hi = new Int32Array(MAX_FRAMES);

  reset(frame: number): void {
    this.frame = frame;
    this.regs.fill(0);
    this.lo.fill(0);
    this.hi.fill(0);
  }
  get isEmpty(): boolean {
    let any = this.regs[this.frame]! | this.lo[this.frame]! | this.hi[this.frame]!;
    if (any !== 0) return false;
    for (let f = 0; f <= this.frame; f++) any |= this.regs[f]! | this.lo[f]! | this.hi[f]!;
    return any === 0;
  }
  get regMask(): number {
    return this.regs[this.frame]!;
  }
  hasReg(r: number): boolean {
    return (this.regs[this.frame]! & (1 << r)) !== 0;
  }
  setReg(r: number): void {
    this.regs[this.frame]! |= 1 << r;
  }
  clearReg(r: number): void {
    this.regs[this.frame]! &= ~(1 << r);
  }
  hasSlot(f: number, n: number): boolean {
    return ((n < 32 ? this.lo : this.hi)[f]! & (1 << (n & 31))) !== 0;
  }
  setSlot(f: number, n: number): void {
    (n < 32 ? this.lo : this.hi)[f]! |= 1 << (n & 31);
  }
  clearSlot(f: number, n: number): void {
    (n < 32 ? this.lo : this.hi)[f]! &= ~(1 << (n & 31));
  }
  hasRecord(f: number, record: number): boolean {
    return record < REGS ? (this.regs[f]! & (1 << record)) !== 0 : this.hasSlot(f, record - REGS);
  }
  setRecord(f: number, record: number): void {
    if (record < REGS) this.regs[f]! |= 1 << record;
    else this.setSlot(f, record - REGS);
  }
  get hasStack(): boolean {
    return (this.lo[this.frame]! | this.hi[this.frame]!) !== 0;
  }
}

function regsText(mask: number): string {
  const out: string[] = [];
  for (let r = 0; r < 32; r++) if (mask & (1 << r)) out.push(`r${r}`);
  return out.join(',');
}

export class Precision {
  readonly #env: Env;
  readonly #bt = new Wanted();
  /** Of each instruction: the registers for which it matters when they are followed, ALWAYS, STORES. */
  readonly #watched: Int32Array;
  /** Whether the last call marked something that was not marked. */
  changed = false;

  constructor(env: Env) {
    this.#env = env;
    this.#watched = watchedRegs(env);
  }

  /** The value of register `r` of the current frame matters. */
  markReg(r: number): void {
    // A helper may take a pointer where it wants a number, as bpf_loop does: Linux calls that a mistake of its own.
    if (!this.#env.reg(r).isScalar) this.#env.reject('EFAULT', 'verifier bug: backtracking misuse');
    this.#markChain(this.#env.cur, r);
  }

  /** The value that slot `n` of frame `frame` holds matters. */
  markSlot(frame: number, n: number): void {
    const { cur } = this.#env;
    this.#bt.reset(cur.curframe);
    this.#bt.setSlot(frame, n);
    this.#follow(cur);
  }

  /** What an equivalent state relied on matters in `state` too. True where something changed. */
  propagate(old: StateBase, state: StateBase): boolean {
    const env = this.#env;
    const bt = this.#bt;
    bt.reset(old.curframe);
    this.changed = false;
    for (let f = old.curframe; f >= 0; f--) {
      const frame = old.frames[f]!;
      const i = frame.i;
      let first = true;
      let said = '';
      for (let r = 0; r < 10; r++) {
        if (i[r * LANES + TYPE] !== SCALAR || i[r * LANES + PRECISE] === 0) continue;
        if (env.log.level2) said += first ? `frame ${f}: propagating r${r}` : `,r${r}`;
        bt.regs[f]! |= 1 << r;
        first = false;
      }
      for (let n = 0; n < frame.slots; n++) {
        if (!frame.isSpilledScalar(n) || i[(REGS + n) * LANES + PRECISE] === 0) continue;
        if (env.log.level2) said += first ? `frame ${f}: propagating fp${-(n + 1) * 8}` : `,fp${-(n + 1) * 8}`;
        bt.setSlot(f, n);
        first = false;
      }
      if (said) env.write(`${said}\n`);
    }
    this.#follow(state);
    return this.changed;
  }

  #markChain(state: StateBase, r: number): void {
    if (!this.#env.caps.bpf) return;
    this.#bt.reset(state.curframe);
    this.#bt.setReg(r);
    this.#follow(state);
  }

  #follow(start: StateBase): void {
    const env = this.#env;
    const bt = this.#bt;
    if (!env.caps.bpf || bt.isEmpty) return;
    let state: StateBase | null = start;
    let firstIdx = start.firstIdx;
    let lastIdx = start.insnIdx;
    let laterIdx = -1;
    let skipFirst = true;
    for (;;) {
      if (env.log.level2) {
        env.write(
          `mark_precise: frame${bt.frame}: last_idx ${lastIdx} first_idx ${firstIdx} subseq_idx ${laterIdx} \n`,
        );
      }
      if (lastIdx < 0) {
        this.#atEntry(state);
        return;
      }
      const end = this.#undo(state, lastIdx, laterIdx, skipFirst);
      if (end === GIVE_UP) {
        this.#markAll(start);
        return;
      }
      if (end === NOTHING_LEFT) return;
      skipFirst = false;
      const parent: StateBase | null = state.parent;
      if (!parent) break;
      state = parent;
      this.#markParent(state);
      if (bt.isEmpty) return;
      laterIdx = firstIdx;
      lastIdx = state.lastIdx;
      firstIdx = state.firstIdx;
    }
    if (!bt.isEmpty) this.#markAll(start);
  }

  /**
   * Undoes what happened from the parent of `state` up to the instruction at `last`, which itself is left out where
   * `skipLast`. `laterPc`: the one after it.
   */
  #undo(state: StateBase, last: number, laterPc: number, skipLast: boolean): typeof OK | -1 | typeof NOTHING_LEFT {
    const env = this.#env;
    const bt = this.#bt;
    const watched = this.#watched;
    const { history, firstIdx } = state;
    const { lanes } = history;
    // Entry n - 1 of the history starts at this lane + n * ENTRY.
    const before = history.start - ENTRY;
    const all = env.log.level2;
    let left = history.count;
    let noted = left > 0 ? lanes[before + left * ENTRY + HIST_IDX]! : -1;
    let wanted = bt.regMask | ALWAYS;
    let later = laterPc;
    for (let at = last; ; ) {
      // Straight on to the next instruction that may matter, or that something is noted about.
      if (!skipLast && !all) {
        while (at > 0 && at !== firstIdx && at !== noted && (watched[at]! & wanted) === 0) later = at--;
      }
      const isNoted = noted === at;
      if (skipLast) {
        skipLast = false;
      } else if (
        (watched[at]! & wanted) !== 0 ||
        (isNoted && this.#isNoteFollowed(at, lanes, before + left * ENTRY)) ||
        all
      ) {
        if (this.#backtrack(at, later, history, isNoted ? before + left * ENTRY : -1) === GIVE_UP) return GIVE_UP;
        if (bt.isEmpty) return NOTHING_LEFT;
        wanted = bt.regMask | ALWAYS;
      }
      later = at;
      if (at === firstIdx && (left === 0 || (left === 1 && isNoted))) return OK;
      if (isNoted) {
        at = lanes[before + left * ENTRY + HIST_PREV]!;
        left--;
        noted = left > 0 ? lanes[before + left * ENTRY + HIST_IDX]! : -1;
      } else {
        at--;
      }
      if (at < 0 || at >= watched.length) this.#bug('history leads out of the program');
    }
  }

  /** Before the first instruction of a global function only its arguments can matter. */
  #atEntry(state: StateBase): void {
    const bt = this.#bt;
    const frame = state.frames[0]!;
    if (state.curframe !== 0 || frame.subprog === 0 || bt.hasStack || bt.regMask & ~ARGS) {
      this.#bug('precision went past the entry of the program');
    }
    const i = frame.i;
    for (let r = 1; r <= 5; r++) {
      if (!bt.hasReg(r)) continue;
      bt.clearReg(r);
      if (i[r * LANES + TYPE] !== SCALAR) continue;
      i[r * LANES + PRECISE] = 1;
      this.changed = true;
    }
  }

  #markParent(state: StateBase): void {
    const env = this.#env;
    const bt = this.#bt;
    for (let f = bt.frame; f >= 0; f--) {
      const frame: Frame | undefined = state.frames[f];
      if (!frame) this.#bug('precision in a frame that the parent does not have');
      const i = frame.i;
      for (let r = 0, left = bt.regs[f]!; left !== 0; r++, left >>>= 1) {
        if (!(left & 1)) continue;
        if (i[r * LANES + TYPE] !== SCALAR || i[r * LANES + PRECISE] !== 0) {
          bt.regs[f]! &= ~(1 << r);
        } else {
          i[r * LANES + PRECISE] = 1;
          this.changed = true;
        }
      }
      for (let n = 0; n < 64; n++) {
        // On to the next slot that is followed.
        const left = (n < 32 ? bt.lo[f]! : bt.hi[f]!) >>> (n & 31);
        if (left === 0) {
          n |= 31;
          continue;
        }
        n += 31 - Math.clz32(left & -left);
        const at = (REGS + n) * LANES + PRECISE;
        if (n >= frame.slots || !frame.isSpilledScalar(n) || i[at] !== 0) {
          bt.clearSlot(f, n);
        } else {
          i[at] = 1;
          this.changed = true;
        }
      }
      if (env.log.level2) {
        env.write(
          `mark_precise: frame${f}: parent state regs=${regsText(bt.regs[f]!)} stack=${slotsText(bt.lo[f]!, bt.hi[f]!)}: `,
        );
        env.printState(state, f);
      }
    }
  }

  /** Every scalar of all parent states. */
  #markAll(start: StateBase): void {
    const env = this.#env;
    this.#bt.reset(0);
    if (env.log.level2) {
      env.write(`mark_precise: frame${start.curframe}: falling back to forcing all scalars precise\n`);
    }
    for (let st: StateBase | null = start.parent; st; st = st.parent) {
      for (let f = 0; f <= st.curframe; f++) {
        const frame: Frame = st.frames[f]!;
        const i = frame.i;
        for (let r = 0; r < 10; r++) {
          const at = r * LANES;
          if (i[at + TYPE] !== SCALAR || i[at + PRECISE] !== 0) continue;
          i[at + PRECISE] = 1;
          if (env.log.level2) env.write(`force_precise: frame${f}: forcing r${r} to be precise\n`);
        }
        for (let n = 0; n < frame.slots; n++) {
          if (!frame.isSpilledScalar(n)) continue;
          const at = (REGS + n) * LANES + PRECISE;
          if (i[at] !== 0) continue;
          i[at] = 1;
          if (env.log.level2) env.write(`force_precise: frame${f}: forcing fp${-(n + 1) * 8} to be precise\n`);
        }
      }
    }
  }

  /** Whether what the history's entry at lane `at` says about the instruction at `pc` may matter. */
  #isNoteFollowed(pc: number, lanes: Int32Array, at: number): boolean {
    if (lanes[at + HIST_LINKED] !== 0) return true;
    const flags = lanes[at + HIST_FLAGS]!;
    if ((flags & HIST_STACK_ACCESS) === 0 || (this.#watched[pc]! & STORES) === 0) return false;
    return this.#bt.hasSlot(histFrame(flags), histSlot(flags));
  }

  /** Registers that gained knowledge together with a followed one are followed, too. `hist`: their entry, -1 for none. */
  #syncLinked(history: History, hist: number): void {
    if (hist < 0) return;
    const { lanes } = history;
    const at = hist + HIST_LINKED;
    const bt = this.#bt;
    let wanted = false;
    for (let k = 0, member = memberAt(lanes, at, 0); member !== 0 && !wanted; member = memberAt(lanes, at, ++k)) {
      wanted = bt.hasRecord(memberFrame(member), memberRecord(member));
    }
    if (!wanted) return;
    for (let k = 0, member = memberAt(lanes, at, 0); member !== 0; member = memberAt(lanes, at, ++k)) {
      bt.setRecord(memberFrame(member), memberRecord(member));
    }
  }

  /** Undoes the instruction at `pc`: what its inputs are takes the place of what it made. */
  #backtrack(pc: number, laterPc: number, history: History, hist: number): number {
    const env = this.#env;
    const bt = this.#bt;
    const { insns } = env;
    const code = insns.code[pc]!;
    if (code === 0) return OK;
    const cls = classOf(code);
    const op = opOf(code);
    const dst = insns.dst[pc]!;
    const src = insns.src[pc]!;
    if (env.log.level2) {
      env.write(
        `mark_precise: frame${bt.frame}: regs=${regsText(bt.regMask)} stack=${slotsText(bt.lo[bt.frame]!, bt.hi[bt.frame]!)} before ${pc}: ${env.insnText(pc)}`,
      );
    }
    this.#syncLinked(history, hist);
    const flags = hist >= 0 ? history.lanes[hist + HIST_FLAGS]! : 0;
    switch (cls) {
      case BPF_ALU:
      case BPF_ALU64: {
        if (!bt.hasReg(dst)) return OK;
        if (op === BPF_END || op === BPF_NEG) return OK;
        if (op === BPF_MOV) {
          bt.clearReg(dst);
          if (sourceOf(code) === BPF_X && src !== FRAME_POINTER) bt.setReg(src);
        } else if (sourceOf(code) === BPF_X && src !== FRAME_POINTER) {
          bt.setReg(src);
        }
        this.#syncLinked(history, hist);
        return OK;
      }
      case BPF_LDX:
        return this.#backtrackLoad(dst, flags);
      case BPF_STX:
        if (modeOf(code) === BPF_ATOMIC) {
          const imm = insns.imm[pc]!;
          if (imm === BPF_LOAD_ACQ) return this.#backtrackLoad(dst, flags);
        }
        return this.#backtrackStore(dst, src, true, flags);
      case BPF_ST:
        return this.#backtrackStore(dst, src, false, flags);
      case BPF_JMP:
      case BPF_JMP32:
        if (op === BPF_CALL) return this.#backtrackCall(pc, laterPc);
        if (op === BPF_EXIT) return this.#backtrackExit(laterPc);
        if (op === BPF_JA || op === BPF_JCOND) return OK;
        if (sourceOf(code) === BPF_X) {
          if (!bt.hasReg(dst) && !bt.hasReg(src)) return OK;
          // A comparison of two numbers ties them together.
          if (!(flags & HIST_DST_STACK)) bt.setReg(dst);
          if (!(flags & HIST_SRC_STACK)) bt.setReg(src);
        }
        this.#syncLinked(history, hist);
        return OK;
      case BPF_LD:
        if (!bt.hasReg(dst)) return OK;
        bt.clearReg(dst);
        // Packet loads answer in r0, from who knows where.
        return modeOf(code) === BPF_IND || modeOf(code) === BPF_ABS ? GIVE_UP : OK;
      default:
        return OK;
    }
  }

  #backtrackLoad(dst: number, flags: number): number {
    const bt = this.#bt;
    if (!bt.hasReg(dst)) return OK;
    bt.clearReg(dst);
    // Not from the stack: nothing before it decides the value.
    if (!(flags & HIST_STACK_ACCESS)) return OK;
    bt.setSlot(histFrame(flags), histSlot(flags));
    return OK;
  }

  #backtrackStore(dst: number, src: number, fromReg: boolean, flags: number): number {
    const bt = this.#bt;
    // A pointer is being followed: that cannot be right.
    if (bt.hasReg(dst)) return GIVE_UP;
    if (!(flags & HIST_STACK_ACCESS)) return OK;
    const frame = histFrame(flags);
    const slot = histSlot(flags);
    if (!bt.hasSlot(frame, slot)) return OK;
    bt.clearSlot(frame, slot);
    if (fromReg) bt.setReg(src);
    return OK;
  }

  #backtrackCall(pc: number, laterPc: number): number {
    const env = this.#env;
    const bt = this.#bt;
    if (isPseudoCall(env, pc)) {
      const subprog = subprogAt(env, pc + env.insns.imm[pc]! + 1);
      if (env.subprogs[subprog]?.isGlobal) {
        // Global functions answer any number and keep r6 to r9.
        if (bt.regMask & ARGS) this.#bug('arguments of a global function are followed');
        bt.clearReg(0);
        return OK;
      }
      // From the callee's first instruction back to the call: arguments are the caller's.
      const mask = bt.regMask & ARGS;
      this.#leave();
      bt.regs[bt.frame]! |= mask;
      return OK;
    }
    if (this.#isSyncCallbackCall(pc) && laterPc !== pc + 1) {
      // From the callback's first instruction back to the helper: what the callback got is not the caller's.
      this.#leave();
      return OK;
    }
    if (isKfuncCall(env, pc) && env.insns.imm[pc] === 0) return GIVE_UP;
    bt.clearReg(0);
    if (bt.regMask & ARGS) this.#bug('argument registers are followed past a call');
    return OK;
  }

  #isSyncCallbackCall(pc: number): boolean {
    const env = this.#env;
    return (isHelperCall(env, pc) || isKfuncCall(env, pc)) && callEffects(env, pc).syncCallback;
  }

  /** Into the function whose exit this is: `laterPc` is where its caller went on. */
  #backtrackExit(laterPc: number): number {
    const env = this.#env;
    const bt = this.#bt;
    // A helper that calls a callback sets r1 to r5 for it again, so its caller may still follow its own.
    if (laterPc >= 0 && this.#isSyncCallbackCall(laterPc)) bt.regs[bt.frame]! &= ~ARGS;
    if (bt.regMask & ARGS) this.#bug('argument registers are followed past a return');
    const answer = laterPc >= 1 && isPseudoCall(env, laterPc - 1) && bt.hasReg(0);
    bt.clearReg(0);
    if (bt.frame + 1 >= MAX_FRAMES) this.#bug('too many frames');
    bt.frame++;
    if (answer) bt.setReg(0);
    return OK;
  }

  /** Back to the frame above. Nothing but arguments may still be followed. */
  #leave(): void {
    const bt = this.#bt;
    if (bt.regMask & ~ARGS || bt.hasStack || bt.frame === 0) this.#bug('a function reads what it was not given');
    bt.regs[bt.frame] = 0;
    bt.frame--;
  }

  #bug(what: string): never {
    this.#env.reject('EFAULT', `verifier bug: backtracking: ${what}`);
  }
}
