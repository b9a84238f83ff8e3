/**
 * The block of linear memory that the engine and running programs share: all fields are u32 at fixed offsets, so that
 * compiled programs read them with one load.
 */
import type { Fault } from './code.ts';

export const CONTROL_SIZE = 64;

/** High half of a 64-bit answer, in both directions. */
export const RET_HI = 0;
/** bpf_tail_calls taken in this run. */
export const TAIL_CALLS = 4;
/** Checked mode: back edges and calls that are left. */
export const FUEL = 8;
/** Checked mode: BPF functions on the stack below the current one. */
export const DEPTH = 12;
/** Why compiled code stopped: an index into FAULTS, 0 when it did not; and where. */
export const FAULT = 16;
export const FAULT_PC = 20;
/** Slot of the program whose stack is in use: bpf_tail_call changes it. */
export const RUNNING = 24;
/** Checked mode: where the table of regions begins and where it ends. It has one at least. */
export const REGIONS = 28;
export const REGIONS_END = 32;
/** The CPU that programs run on. Whoever starts a run sets it before: nested runs bring back their own. */
export const CPU = 36;
/** State of the engine's source of chance, four u32: see random.ts. */
export const RANDOM = 40;

/** A region in that table, three u32: where it begins, how many bytes may be read, how many written (all, or 0). */
export const REGION_START = 0;
export const REGION_READABLE = 4;
export const REGION_WRITABLE = 8;
export const REGION_SIZE = 12;

/** Faults by number; 0 is none. */
export const FAULTS: readonly (Fault | null)[] = [null, 'access', 'fuel', 'illegal-instruction', 'stack'];

/** bpf_tail_calls that one run may take. */
export const MAX_TAIL_CALLS = 33;
/** Times that one function may pass a may_goto. */
export const MAY_GOTO_BUDGET = 8 * 1024 * 1024;
/** Functions of one program that may be on the stack at once. */
export const MAX_CALL_DEPTH = 8;
/** Bytes of stack that each function has. */
export const STACK_SIZE = 512;

/**
 * Fuel of a jump back or a call over `slots` slots: 1, and more where they are so many that the number of jumps says
 * little about the time.
 */
export function fuelCost(slots: number): number {
  return 1 + (slots >> 10);
}

/** What a program threw, on its way out of all its functions. */
export class ProgramException extends Error {
  readonly lo: number;
  readonly hi: number;
  constructor(lo: number, hi: number) {
    super('a program threw');
    this.lo = lo;
    this.hi = hi;
  }
}

/** A run that cannot go on. Caught where the run began; no caller of the engine sees it. */
export class RunFault extends Error {
  readonly kind: Fault;
  readonly pc: number;
  constructor(kind: Fault, pc: number) {
    super(`${kind} fault at instruction ${pc}`);
    this.kind = kind;
    this.pc = pc;
  }
}
