/**
 * What the engine runs, and what it calls: the contract between vm/ and the kernel that owns the engine.
 */
import type { Addr } from '../base/memory.ts';
import type { Insns } from '../isa/index.ts';
import type { Arena } from './arena.ts';

/** A program as it is to be executed: verified and rewritten, or raw in checked mode. */
export interface Code {
  /**
   * Immediates are final: a map reference is the map's address in linear memory, a map value reference the address of
   * the value, a function reference (BPF_PSEUDO_FUNC) still counts slots relative to the next instruction as in bytecode.
   */
  readonly insns: Insns;
  /** First slot of each subprogram, ascending; the first is 0. */
  readonly subprogs: readonly number[];
  /** Names for tools, one a subprogram. */
  readonly names?: readonly string[];
  /** Slots of loads that may fault (BTF pointers): out of the kernel's memory they answer 0 instead of trapping. */
  readonly faultable?: ReadonlySet<number>;
  /** Helper call slot -> the one map that the verifier proved it is called with: lets the JIT inline lookups. */
  readonly callMaps?: ReadonlyMap<number, InlineMap>;
  /** kfunc call slot -> what to call. */
  readonly kfuncs?: ReadonlyMap<number, Callable>;
  /** Slots of calls that end the program: r1 is what they throw. */
  readonly throws?: ReadonlySet<number>;
  /** Number of the function that makes the answer of what was thrown; absent: that is the answer. */
  readonly exceptionCallback?: number;
  /** The arena that the program uses, and the slots of loads, stores and atomic operations that reach into it. */
  readonly arena?: Arena & { readonly accesses: ReadonlySet<number> };
  /** Most instructions that a run executes, where somebody knows. */
  readonly longestRun?: number | undefined;
}

/** The facts of a map that the JIT needs to inline an operation on it. */
export interface InlineMap {
  readonly type: number;
  readonly addr: Addr;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Array maps: address of element 0 and bytes from one element to the next. 0 where values are elsewhere. */
  readonly base: Addr;
  readonly stride: number;
}

/**
 * A helper or kfunc bound to its kernel. Arguments never pass as bigint.
 *
 * `args` has one letter per BPF argument, in order r1, r2 …:
 *   `i`  the low 32 bits, as a signed number (addresses: use `>>> 0`)
 *   `L`  all 64 bits, as two signed numbers: low half, high half
 * `ret`: `int` the number sign-extended to 64 bits; `ptr` zero-extended; `u64` the number is the low half and
 * `Engine.retHi` the high half; `void` r0 is 0.
 */
export interface Callable {
  readonly name: string;
  readonly args: string;
  readonly ret: 'int' | 'ptr' | 'u64' | 'void';
  readonly call: (...args: number[]) => number;
}

/**
 * `jit`: compiled to WebAssembly. `interpreter`: never compiled. `tiered`: the first runs of a program are interpreted, where
 * they are known to end before it would be compiled, and all others compiled; checked mode always compiles.
 */
export type Mode = 'jit' | 'interpreter' | 'tiered';

export interface EngineOptions {
  /** How it is executed; default `jit`. */
  readonly mode?: Mode;
  /**
   * Unverified code: every access is checked against the regions that `Region` lists, and back edges burn fuel.
   * Default false: the verifier has proven both.
   */
  readonly checked?: boolean;
  /** Back edges and calls that one run may take in checked mode, long ones counting more; default 1,000,000. */
  readonly fuel?: number;
  /**
   * Interpreter: called before each instruction with its slot and the registers, two signed 32-bit lanes each, low
   * half of r0 first. The array is live: copy what is to be kept.
   */
  readonly onStep?: (pc: number, regs: Int32Array) => void;
}

/** A range of addresses that checked programs may use, besides their own stacks: `Engine.regions` lists them. */
export interface Region {
  readonly start: Addr;
  /** Bytes. */
  readonly size: number;
  readonly writable: boolean;
}

/** A loaded program. */
export interface Runnable {
  /** Entry in the engine's function table: what prog arrays hold. Never 0. */
  readonly slot: number;
  /** Runs it with r1 = ctx. The answer is the low half of r0, unsigned; `Engine.retHi` has the high half. */
  run(ctx: Addr): number;
  /**
   * Runs it `count` times, on the contexts at `ctx`, `ctx + stride` … (a stride of 0: on one again and again), and puts
   * the low half of each r0 into the u32s at `answers`, unless that is 0. What is between two runs is paid for once.
   * Answers what `run` answers for the last one; a run that faults is the last.
   */
  runBatch(ctx: Addr, stride: number, count: number, answers?: Addr): number;
  /** The WebAssembly module (`prog dump jited`), empty in interpreter mode. */
  readonly image: Uint8Array;
  /** Where each subprogram's code lies in `image`: byte offset and length. */
  readonly ranges: readonly { offset: number; size: number }[];
  /** Frees its table entries and stack. It must not be running. */
  dispose(): void;
}

/**
 * Why a run ended before its exit instruction. Verified programs only know `reentry`: the program was already running
 * on this engine (an event fired by its own helper), and the second run did not begin.
 */
export type Fault = 'access' | 'fuel' | 'illegal-instruction' | 'stack' | 'reentry';

/** How a run ended early: the instruction it stopped at, or -1 where that is not known. */
export interface FaultInfo {
  readonly kind: Fault;
  readonly pc: number;
}
