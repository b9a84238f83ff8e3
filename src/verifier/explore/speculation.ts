/**
 * What a CPU may do that guesses wrong (Spectre), for programs that may not see addresses (no CAP_PERFMON).
 *
 * Besides the paths that can happen, those are walked that a mispredicted branch leads to, and those where pointer
 * arithmetic with an unknown number is masked down to nothing. A path of this kind that does something forbidden is no
 * reason to refuse: it is cut there, where the kernel puts a speculation barrier.
 *
 * A masked addition has one mask, so every path that comes by must move the pointer as far, in the same direction.
 * Linux: sanitize_ptr_alu(), sanitize_check_bounds(), sanitize_speculative_path().
 */
import { BPF_ADD, BPF_SUB, BPF_X, opOf, sourceOf } from '../../isa/index.ts';
import { type Env, Rejection } from '../env.ts';
import { tnumText } from '../log/state.ts';
import { checkMapValue } from '../pointer/map-value.ts';
import { Reg } from '../state/reg.ts';
import type { SavedState } from '../state/state.ts';
import { MAP_VALUE, PTR_STACK } from '../state/types.ts';

const STACK_SIZE = 512;
const PROHIBITED = 'pointer arithmetic with it prohibited for !root';

// What an addition or subtraction was seen to do; 0 is not seen yet.
const OF_NUMBERS = 1;
const OF_POINTER = 2;
const BY_CONSTANT = 4;
const BY_NEGATIVE = 8;
const TO_NUMBER = 16;

/** An addition to a pointer that is being looked at. */
export interface Move {
  readonly kind: number;
  /** Whether the pointer moves to lower addresses. */
  readonly down: boolean;
  /** Where it was, in bytes from the end that it could run over. */
  readonly from: number;
}

export class Speculation {
  readonly #env: Env;
  /** Instructions that are not reached by a wrong guess: a barrier stands before them. */
  readonly #barred: Uint8Array;
  /** Instructions with a barrier behind them: stores that a CPU may overtake. */
  readonly #barredAfter: Uint8Array;
  readonly #kind: Uint8Array;
  readonly #distance: Float64Array;
  /** Whether numbers must be alike for states to be: each may be another mask. */
  exactNumbers = false;

  constructor(env: Env) {
    const { length } = env.insns;
    this.#env = env;
    this.#barred = new Uint8Array(length);
    this.#barredAfter = new Uint8Array(length);
    this.#kind = new Uint8Array(length);
    this.#distance = new Float64Array(length);
  }

  isBarred(pc: number): boolean {
    return this.#barred[pc] === 1;
  }

  isBarredAfter(pc: number): boolean {
    return this.#barredAfter[pc] === 1;
  }

  /** What a wrong guess did at `pc` is forbidden: whether a barrier there is enough. */
  bar(pc: number, { errno }: Rejection): boolean {
    if (errno !== 'EACCES' && errno !== 'EINVAL' && errno !== 'EPERM') return false;
    this.#barred[pc] = 1;
    this.#kind[pc] = 0;
    return true;
  }

  /** A store whose slot may still be read as what it held before. */
  barAfter(pc: number): void {
    this.#barredAfter[pc] = 1;
  }

  /** A branch that is never taken, or always, guessed wrong: on to `pc`, where its operands could be anything. */
  guess(pc: number, dst: number, src: number): void {
    const { lanes } = this.#push(pc).frame;
    new Reg(lanes, dst).markUnknown();
    if (src >= 0) new Reg(lanes, src).markUnknown();
  }

  /** Numbers are added or subtracted here. */
  numbers(op: number): void {
    if (this.#isMasked(op)) this.#note(OF_NUMBERS, 0);
  }

  /** Before `ptr op off`, where the result goes to the register of `ptr`, or that of `off` (`toNumber`). */
  begin(op: number, ptr: Reg, off: Reg, toNumber: boolean): Move | null {
    if (!this.#isMasked(op)) return null;
    const { cur, insns, pc } = this.#env;
    const known = off.isConst;
    if (cur.speculative) {
      if (!known) this.#stay(ptr, toNumber);
      return null;
    }
    const down = (op === BPF_SUB) !== off.smin < 0n;
    if (!known && off.smin < 0n !== off.smax < 0n) {
      const regno = toNumber ? insns.dst[pc] : insns.src[pc];
      this.#refuse(`R${regno} has unknown scalar with mixed signed bounds`);
    }
    const kind =
      OF_POINTER | (known ? BY_CONSTANT : 0) | (off.smin < 0n ? BY_NEGATIVE : 0) | (toNumber ? TO_NUMBER : 0);
    const move = { kind, down, from: this.#room(ptr, down, toNumber) };
    if (!known) {
      this.exactNumbers = true;
      this.#stay(ptr, toNumber);
    }
    return move;
  }

  /** After it: `to` is where the pointer went. */
  end(move: Move | null, to: Reg, regno: number): void {
    this.#checkBounds(to, regno);
    if (move) this.#note(move.kind, Math.abs(this.#room(to, move.down, false) - move.from));
  }

  /** Only additions and subtractions of registers are masked. */
  #isMasked(op: number): boolean {
    const { insns, pc } = this.#env;
    return (op === BPF_ADD || op === BPF_SUB) && sourceOf(insns.code[pc]!) === BPF_X;
  }

  #note(kind: number, distance: number): void {
    const { insns, pc } = this.#env;
    const before = this.#kind[pc];
    if (before !== 0 && (before !== kind || this.#distance[pc] !== distance)) {
      this.#refuse(`R${insns.dst[pc]} tried to ${this.#verb()} from different maps, paths or scalars`);
    }
    this.#kind[pc] = kind;
    this.#distance[pc] = distance;
  }

  /** Bytes between the pointer and an end of what it points to. */
  #room(ptr: Reg, down: boolean, toNumber: boolean): number {
    const { insns, maps, pc } = this.#env;
    let room: number;
    let most: number;
    if (ptr.type === PTR_STACK) {
      most = STACK_SIZE + (down ? 1 : 0);
      room = -(Number(BigInt.asIntN(64, ptr.value)) + ptr.off);
    } else if (ptr.type === MAP_VALUE) {
      most = maps[ptr.aux]!.valueSize;
      room = Number(down ? ptr.smin : ptr.umax) + ptr.off;
    } else {
      const regno = toNumber ? insns.src[pc] : insns.dst[pc];
      this.#refuse(`R${regno} has pointer with unsupported alu operation`);
    }
    if (room >= most) this.#refuse(`R${insns.dst[pc]} tried to ${this.#verb()} beyond pointer bounds`);
    return room;
  }

  #checkBounds(to: Reg, regno: number): void {
    const env = this.#env;
    if (to.type === PTR_STACK) {
      const off = to.off + Number(BigInt.asIntN(32, to.value));
      if (!to.isConst) {
        env.reject(
          'EACCES',
          `R${regno} variable stack access prohibited for !root, var_off=${tnumText(to.value, to.mask)} off=${off}`,
        );
      }
      if (off >= 0 || off < -STACK_SIZE) {
        env.reject('EACCES', `R${regno} stack pointer arithmetic goes out of range, prohibited for !root; off=${off}`);
      }
    } else if (to.type === MAP_VALUE) {
      try {
        checkMapValue(env, to, regno, to.off, 1, false, false);
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        env.reject('EACCES', `R${regno} pointer arithmetic of map value goes out of range, prohibited for !root`);
      }
    }
  }

  /** The path on which the mask lets nothing of the number through. */
  #stay(ptr: Reg, toNumber: boolean): void {
    const { insns, pc } = this.#env;
    const to = new Reg(this.#push(pc + 1).frame.lanes, insns.dst[pc]!);
    to.copyFrom(ptr);
    // The pointer's own register is in the middle of being changed.
    if (!toNumber) to.setUnbounded32();
  }

  #push(pc: number): SavedState {
    const state = this.#env.walk.push(pc, this.#env.pc);
    state.speculative = true;
    return state;
  }

  #verb(): string {
    const { insns, pc } = this.#env;
    return opOf(insns.code[pc]!) === BPF_ADD ? 'add' : 'sub';
  }

  #refuse(why: string): never {
    this.#env.reject('EACCES', `${why}, ${PROHIBITED}`);
  }
}
