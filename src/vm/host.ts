/**
 * What the engine offers to the two ways of executing a program, interp/ and jit/, and what it wants of them.
 */
import type { Addr } from '../base/memory.ts';
import type { Callable, Region } from './code.ts';
import type { ModuleCache } from './jit/module-cache.ts';
import type { LinearMemory } from './memory.ts';

/** How many callbacks, suspended programs and, in checked mode, functions wait. */
export interface WaitingCalls {
  readonly callbacks: number;
  readonly suspended: number;
  readonly depth: number;
}

export interface Host {
  readonly mem: LinearMemory;
  /** Address of the block that control.ts describes. */
  readonly control: Addr;
  /** LD_ABS and LD_IND: `(ctx, offset, size)`, answers the value; `retHi` other than 0 says it is out of the packet. */
  readonly packetLoad: Callable;
  readonly regions: readonly Region[];
  retHi: number;
  readonly modules: ModuleCache;
  /** Whether bpf_get_prandom_u32 is a step of the engine's own source of chance. */
  readonly hasSeed: boolean;
  /** Where bpf_tail_call and callbacks find compiled programs. */
  readonly table: WebAssembly.Table;
  /**
   * bpf_tail_call out of JavaScript. False: there is no such program, or there were too many tail calls; go on.
   * True: it ran and its answer is in `retLo` and `retHi`. `suspends`: functions of the caller are still on the stack.
   */
  tailCall(ctx: Addr, map: Addr, index: number, suspends: boolean): boolean;
  readonly retLo: number;
  /** Calls the helper `id` with all registers as (lo, hi) pairs; answers the low half. RunFault where there is none. */
  callByNumber(id: number, pc: number, ...registers: number[]): number;
  /** Around a call that leaves functions of the running program on the stack: keeps their stacks. */
  suspend(): void;
  resume(): void;
  /** Functions that wait for others, and what to do when an exception has left those behind. */
  callsWaiting(): WaitingCalls;
  forgetCalls(since: WaitingCalls): void;
}

/** Where a loaded program's things are, and what it calls. */
export interface Placement {
  /** Lowest address of its stacks: STACK_SIZE bytes for each function, in order. */
  readonly stack: Addr;
  readonly stackSize: number;
  /** What a reference to a function (OP_LD_FUNC) evaluates to: slots of the callback table, 0 where none is needed. */
  readonly functionSlots: readonly number[];
  /** Slot of a helper or kfunc call -> what it calls; missing where that does not exist. */
  readonly calls: ReadonlyMap<number, Callable>;
  /** Its own slot, where tail calls find it. */
  readonly slot: number;
}

/** r1 to r4 of a function that is called, as two halves each. */
export type CallbackArgs = [
  r1lo: number,
  r1hi: number,
  r2lo: number,
  r2hi: number,
  r3lo: number,
  r3hi: number,
  r4lo: number,
  r4hi: number,
];

/** Calls a function of the program; answers the low half, the high half in `retHi`. */
export type Callback = (...args: CallbackArgs) => number;

/** A program that can be executed. Everything it calls may throw; RunFault is how it stops early. */
export interface Executable {
  /** Runs the first function with r1 = ctx. Answers the low half of r0, high half in `retHi`. */
  enter(ctx: Addr): number;
  /** `Runnable.runBatch` without a way back to JavaScript between two runs; absent where there is nothing to gain. */
  readonly batch?: (ctx: Addr, stride: number, count: number, answers: Addr) => number;
  callback(fn: number): Callback;
  /** What the engine's table holds for tail calls into it: a function of five i64 that answers one. */
  entry(): WebAssembly.ExportValue;
  readonly image: Uint8Array;
  readonly ranges: readonly { offset: number; size: number }[];
}
