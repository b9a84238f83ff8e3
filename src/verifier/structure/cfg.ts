/**
 * The flow graph: every instruction can be reached, and where states are worth keeping.
 *
 * A depth-first walk in Linux's order, since which edge is seen first decides where prune points fall.
 */
import {
  BPF_CALL,
  BPF_EXIT,
  BPF_JA,
  BPF_LD,
  BPF_MAY_GOTO,
  BPF_PSEUDO_CALL,
  classOf,
  isJmp,
  isMayGoto,
  jumpDistance,
  LD_IMM64,
  opOf,
} from '../../isa/index.ts';
import { isFoundBeforeWalk } from '../call/allowed.ts';
import { callEffects } from '../call/effects.ts';
import type { Env } from '../env.ts';
import { isHelperCall, isPseudoFunc, subprogAt, subprogOf } from './subprogs.ts';

const DISCOVERED = 0x10;
const EXPLORED = 0x20;
const FALLTHROUGH = 1;
const BRANCH = 2;

export function checkCfg(env: Env): void {
  const walk = new CfgWalk(env);
  walk.from(0);
  if (env.exceptionCallback) walk.from(env.subprogs[env.exceptionCallback]!.start);
  walk.checkAllReached();
}

class CfgWalk {
  readonly #env: Env;
  readonly #state: Uint8Array;
  readonly #stack: number[] = [];

  constructor(env: Env) {
    this.#env = env;
    this.#state = new Uint8Array(env.insns.length);
  }

  from(start: number): void {
    if (this.#state[start] === EXPLORED) return;
    const state = this.#state;
    const stack = this.#stack;
    const { code } = this.#env.insns;
    state[start] = DISCOVERED;
    stack.push(start);
    while (stack.length > 0) {
      const at = stack[stack.length - 1]!;
      // What only goes on to the next instruction has been there.
      const isDone = state[at] === (DISCOVERED | FALLTHROUGH) && classOf(code[at]!) !== BPF_LD && !isJmp(code[at]!);
      if (!isDone && this.#visit(at)) continue;
      state[at] = EXPLORED;
      stack.pop();
    }
  }

  checkAllReached(): void {
    const { insns } = this.#env;
    for (let pc = 0; pc < insns.length; pc++) {
      if (this.#state[pc] !== EXPLORED) this.#env.reject('EINVAL', `unreachable insn ${pc}`);
      if (insns.code[pc] !== LD_IMM64) continue;
      if (this.#state[pc + 1] !== 0) this.#env.reject('EINVAL', `jump into the middle of ldimm64 insn ${pc}`);
      pc++;
    }
  }

  /** Follows the next edge of `at` that was not followed; false where there is none. */
  #visit(at: number): boolean {
    const env = this.#env;
    const { insns, aux } = env;
    if (isPseudoFunc(env, at)) return this.#call(at, true);
    const code = insns.code[at]!;
    if (!isJmp(code)) return this.#edge(at, at + (code === LD_IMM64 ? 2 : 1), FALLTHROUGH);
    switch (opOf(code)) {
      case BPF_EXIT:
        return false;
      case BPF_CALL: {
        const effects = callEffects(env, at);
        const sub = env.subprogs[subprogOf(env, at)]!;
        if (effects.asyncCallback) aux.prunePoint[at] = 1;
        if (effects.syncCallback) {
          aux.callsCallback[at] = 1;
          aux.forceCheckpoint[at] = 1;
          aux.prunePoint[at] = 1;
          aux.jmpPoint[at] = 1;
        }
        if (effects.iterNext) {
          aux.prunePoint[at] = 1;
          aux.forceCheckpoint[at] = 1;
          aux.advancesIter[at] = 1;
        }
        if (effects.mightSleep && (!isHelperCall(env, at) || isFoundBeforeWalk(env, insns.imm[at]!)))
          sub.mightSleep = true;
        if (effects.changesPktData) sub.changesPktData = true;
        return this.#call(at, insns.src[at] === BPF_PSEUDO_CALL);
      }
      case BPF_JA: {
        const to = at + 1 + jumpDistance(code, insns.off[at]!, insns.imm[at]!);
        const more = this.#edge(at, to, FALLTHROUGH);
        aux.prunePoint[to] = 1;
        aux.jmpPoint[to] = 1;
        return more;
      }
      default:
        aux.prunePoint[at] = 1;
        if (isMayGoto(code) && insns.src[at] === BPF_MAY_GOTO) aux.forceCheckpoint[at] = 1;
        if (this.#edge(at, at + 1, FALLTHROUGH)) return true;
        return this.#edge(at, at + 1 + insns.off[at]!, BRANCH);
    }
  }

  #call(at: number, intoCallee: boolean): boolean {
    const env = this.#env;
    const next = at + (env.insns.code[at] === LD_IMM64 ? 2 : 1);
    if (this.#edge(at, next, FALLTHROUGH)) return true;
    env.aux.prunePoint[next] = 1;
    env.aux.jmpPoint[next] = 1;
    if (!intoCallee) return false;
    const callee = at + env.insns.imm[at]! + 1;
    env.aux.prunePoint[at] = 1;
    const caller = env.subprogs[subprogOf(env, at)]!;
    const target = env.subprogs[subprogAt(env, callee)];
    if (target) {
      caller.changesPktData ||= target.changesPktData;
      caller.mightSleep ||= target.mightSleep;
    }
    return this.#edge(at, callee, BRANCH);
  }

  /** Whether the walk goes on to `to`. */
  #edge(at: number, to: number, kind: 1 | 2): boolean {
    const state = this.#state;
    if (state[at]! >= (DISCOVERED | kind) && state[at]! < EXPLORED) return false;
    const env = this.#env;
    if (to < 0 || to >= state.length) {
      env.printLine(at, `${at}: `);
      env.reject('EINVAL', `jump out of range from insn ${at} to ${to}`);
    }
    if (kind === BRANCH) {
      env.aux.prunePoint[to] = 1;
      env.aux.jmpPoint[to] = 1;
    }
    if (state[to] === 0) {
      state[at] = DISCOVERED | kind;
      state[to] = DISCOVERED;
      this.#stack.push(to);
      return true;
    }
    if ((state[to]! & 0xf0) === DISCOVERED) {
      if (env.caps.bpf) return false;
      env.printLine(at, `${at}: `);
      env.printLine(to, `${to}: `);
      env.reject('EINVAL', `back-edge from insn ${at} to ${to}`);
    }
    state[at] = DISCOVERED | kind;
    return false;
  }
}
