/**
 * Functions of the program: where they start, that jumps stay inside them, that none runs into the next.
 */
import {
  BPF_ABS,
  BPF_CALL,
  BPF_EXIT,
  BPF_IND,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  CALL,
  classOf,
  isJmp,
  jumpDistance,
  LD_IMM64,
  modeOf,
  opOf,
} from '../../isa/index.ts';
import { BPF_FUNC_tail_call } from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import { findExceptionCallback } from './exception.ts';

const MAX_SUBPROGS = 256;

export interface Subprog {
  readonly start: number;
  /** First slot after it. */
  end: number;
  name: string;
  /** Bytes of stack it uses itself. */
  stackDepth: number;
  hasTailCall: boolean;
  tailCallReachable: boolean;
  hasLdAbs: boolean;
  changesPktData: boolean;
  mightSleep: boolean;
  isCallback: boolean;
  isAsyncCallback: boolean;
  /** How many walks were begun in it as an asynchronous callback. */
  asyncEntries: number;
  isExceptionCallback: boolean;
  isGlobal: boolean;
  /** A global function that the main walk called: it is verified on its own. */
  called: boolean;
  verified: boolean;
  /** The lowest stack offset that code outside fastcall patterns uses. */
  fastcallStackOff: number;
  keepFastcallStack: boolean;
  args: SubprogArg[] | null;
  /** BTF says nothing that can be relied on. */
  unreliable: boolean;
}

/** `size` in bytes, `btfId` in the kernel's BTF. */
export type SubprogArg =
  | { readonly kind: 'ctx' | 'scalar' | 'dynptr' | 'arena' | 'untrusted_mem' }
  | { readonly kind: 'mem'; readonly size: number; readonly orNull: boolean }
  | { readonly kind: 'trusted'; readonly btfId: number; readonly orNull: boolean }
  | { readonly kind: 'untrusted'; readonly btfId: number };

export const isPseudoFunc = (env: Env, pc: number): boolean =>
  env.insns.code[pc] === LD_IMM64 && env.insns.src[pc] === BPF_PSEUDO_FUNC;
export const isPseudoCall = (env: Env, pc: number): boolean =>
  env.insns.code[pc] === CALL && env.insns.src[pc] === BPF_PSEUDO_CALL;
export const isKfuncCall = (env: Env, pc: number): boolean =>
  env.insns.code[pc] === CALL && env.insns.src[pc] === BPF_PSEUDO_KFUNC_CALL;
export const isHelperCall = (env: Env, pc: number): boolean => env.insns.code[pc] === CALL && env.insns.src[pc] === 0;

/** Index of the function that starts at `pc`, or -1. */
export function subprogAt(env: Env, pc: number): number {
  let lo = 0;
  let hi = env.subprogs.length - 1;
  while (lo <= hi) {
    const mid = (lo + hi) >> 1;
    const start = env.subprogs[mid]!.start;
    if (start === pc) return mid;
    if (start < pc) lo = mid + 1;
    else hi = mid - 1;
  }
  return -1;
}

/** Index of the function that holds `pc`. */
export function subprogOf(env: Env, pc: number): number {
  let lo = 0;
  let hi = env.subprogs.length - 1;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (env.subprogs[mid]!.start <= pc) lo = mid;
    else hi = mid - 1;
  }
  return lo;
}

/** Finds all functions; `addKfunc` is told about calls of kernel functions. */
export function findSubprogs(env: Env, addKfunc: (pc: number) => void): void {
  const { insns } = env;
  const starts = new Set([0]);
  const add = (at: number) => {
    if (at < 0 || at >= insns.length) env.reject('EINVAL', 'call to invalid destination');
    if (starts.has(at)) return;
    if (starts.size >= MAX_SUBPROGS) env.reject('E2BIG', 'too many subprograms');
    starts.add(at);
  };
  const exception = findExceptionCallback(env);
  if (exception) add(exception);
  for (let pc = 0; pc < insns.length; pc++) {
    if (insns.code[pc] !== CALL && insns.code[pc] !== LD_IMM64) continue;
    const kfunc = isKfuncCall(env, pc);
    if (!kfunc && !isPseudoCall(env, pc) && !isPseudoFunc(env, pc)) continue;
    if (!env.caps.bpf) {
      env.reject('EPERM', 'loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN');
    }
    if (kfunc) addKfunc(pc);
    else add(pc + insns.imm[pc]! + 1);
  }
  const sorted = [...starts].sort((a, b) => a - b);
  env.subprogs = sorted.map((start, k) => ({
    start,
    end: sorted[k + 1] ?? insns.length,
    name: '',
    stackDepth: 0,
    hasTailCall: false,
    tailCallReachable: false,
    hasLdAbs: false,
    changesPktData: false,
    mightSleep: false,
    isCallback: false,
    isAsyncCallback: false,
    asyncEntries: 0,
    isExceptionCallback: false,
    isGlobal: false,
    called: false,
    verified: false,
    fastcallStackOff: 0,
    keepFastcallStack: false,
    args: null,
    unreliable: false,
  }));
  env.exceptionCallback = exception ? sorted.indexOf(exception) : 0;
  if (exception) {
    const callback = env.subprogs[env.exceptionCallback]!;
    callback.isExceptionCallback = true;
    callback.isCallback = true;
    callback.called = true;
  }
  if (env.log.level2) for (const [k, start] of sorted.entries()) env.write(`func#${k} @${start}\n`);
}

/** Jumps stay inside their function, and its last instruction does not fall out of it. */
export function checkSubprogs(env: Env): void {
  const { insns } = env;
  for (const s of env.subprogs) {
    for (let pc = s.start; pc < s.end; pc++) {
      const code = insns.code[pc]!;
      if (classOf(code) === BPF_LD) {
        if (modeOf(code) === BPF_ABS || modeOf(code) === BPF_IND) s.hasLdAbs = true;
      } else if (isJmp(code)) {
        if (isHelperCall(env, pc) && insns.imm[pc] === BPF_FUNC_tail_call) {
          s.hasTailCall = true;
          s.tailCallReachable = true;
        }
        if (opOf(code) === BPF_CALL || opOf(code) === BPF_EXIT) continue;
        const to = pc + 1 + jumpDistance(code, insns.off[pc]!, insns.imm[pc]!);
        if (to < s.start || to >= s.end) env.reject('EINVAL', `jump out of range from insn ${pc} to ${to}`);
      }
    }
    const last = insns.code[s.end - 1];
    if (last !== (BPF_JMP | BPF_EXIT) && last !== (BPF_JMP32 | BPF_JA) && last !== (BPF_JMP | BPF_JA)) {
      env.reject('EINVAL', 'last insn is not an exit or jmp');
    }
  }
}
