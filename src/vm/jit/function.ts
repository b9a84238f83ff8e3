/** One BPF function on its way to WebAssembly: what its translation needs to know and to write to. */
import type { Addr } from '../../base/memory.ts';
import type { Callable, Code, Fault } from '../code.ts';
import { FAULT, FAULT_PC, FAULTS, STACK_SIZE } from '../control.ts';
import type { Operations } from '../operations.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BLOCK,
  BR,
  I32,
  I32_AND,
  I32_SHR_U,
  I32_STORE,
  I32_WRAP_I64,
  I64,
  I64_EXTEND_I32_U,
  UNREACHABLE,
} from '../wasm/opcodes.ts';
import { CheckedRanges } from './checked-ranges.ts';
import type { HelperFunctions } from './helper-functions.ts';
import type { ModuleImports } from './imports.ts';
import { narrowRegisters } from './narrow.ts';

const FRAME_POINTER = 10;
/** A fault on its way is its slot above these bits, its kind in them. */
const FAULT_BITS = 3;
/** r6 to r9 belong to a function; its callers keep theirs. */
const FIRST_KEPT = 6;

/** What all functions of a program share. */
export interface ModuleContext {
  readonly program: Code;
  readonly ops: Operations;
  readonly imports: ModuleImports;
  /** Address of control.ts's block. */
  readonly control: Addr;
  readonly checked: boolean;
  /** The stacks of all functions of the program. */
  readonly stack: { readonly start: Addr; readonly size: number };
  /** What a reference to each function evaluates to. */
  readonly functionSlots: readonly number[];
  /** Slot of a helper or kfunc call -> what it calls. */
  readonly calls: ReadonlyMap<number, Callable>;
  readonly services: Services;
  readonly helperFunctions: HelperFunctions;
  /** Type of every BPF function: five i64 and one back. */
  readonly functionType: number;
  /** The module's function for a BPF function. */
  readonly functionIndex: (fn: number) => number;
}

/** What compiled code asks of JavaScript besides helpers. */
export interface Services {
  /** `(helper, pc, r1lo, r1hi … r5hi)`, for a helper whose number is only known when it runs. */
  readonly callByNumber: Callable;
  /** Around a tail call out of a function that others wait for. */
  readonly suspend: Callable;
  readonly resume: Callable;
}

export class FunctionContext implements ModuleContext {
  readonly code: CodeWriter;
  readonly program: Code;
  readonly ops: Operations;
  readonly imports: ModuleImports;
  /** Number of this function; 0 is the one that runs begin with. */
  readonly fn: number;
  /** r10. */
  readonly framePointer: Addr;
  /** Address of control.ts's block. */
  readonly control: Addr;
  readonly checked: boolean;
  readonly stack: { readonly start: Addr; readonly size: number };
  /** What a reference to each function evaluates to. */
  readonly functionSlots: readonly number[];
  /** Slot of a helper or kfunc call -> what it calls. */
  readonly calls: ReadonlyMap<number, Callable>;
  readonly services: Services;
  readonly helperFunctions: HelperFunctions;
  /** Type of every BPF function: five i64 and one back. */
  readonly functionType: number;
  /** The module's function for a BPF function. */
  readonly functionIndex: (fn: number) => number;
  readonly #registers: (number | undefined)[];
  readonly #narrow: Uint8Array;
  #rotated: (number | undefined)[] = [];
  #inlined = 0;
  readonly #levels: { own: (number | undefined)[]; rotated: (number | undefined)[] }[] = [];
  #i32: number | undefined;
  #other32: number | undefined;
  #i64: number | undefined;
  #choice: number | undefined;
  #passed: number | undefined;
  #fuel: number | undefined;
  #depth: number | undefined;
  #comingLocal: number | undefined;
  #faultLabel = 0;
  #otherI64: number | undefined;
  readonly checkedRanges = new CheckedRanges();

  constructor(module: ModuleContext, code: CodeWriter, fn: number) {
    this.code = code;
    this.fn = fn;
    this.framePointer = module.stack.start + (fn + 1) * STACK_SIZE;
    this.program = module.program;
    this.ops = module.ops;
    this.imports = module.imports;
    this.control = module.control;
    this.checked = module.checked;
    this.stack = module.stack;
    this.functionSlots = module.functionSlots;
    this.calls = module.calls;
    this.services = module.services;
    this.helperFunctions = module.helperFunctions;
    this.functionType = module.functionType;
    this.functionIndex = module.functionIndex;
    this.#narrow = narrowRegisters(module, fn);
    // r1 to r5 are the parameters; the others become locals when they are first used.
    this.#registers = [undefined];
    for (let reg = 1; reg < FIRST_KEPT; reg++) this.#registers.push(this.isNarrow(reg) ? undefined : reg - 1);
    // Narrow parameters are those of the first function, which gets nothing but r1.
    if (this.isNarrow(1)) code.get(0).op(I32_WRAP_I64).set(this.#local(1));
  }

  /** Puts a register on the stack, as an i64. */
  get(reg: number): CodeWriter {
    if (reg === FRAME_POINTER) return this.code.i64(this.framePointer, 0);
    const { code } = this;
    code.get(this.#local(reg));
    return this.isNarrow(reg) ? code.op(I64_EXTEND_I32_U) : code;
  }

  /** Puts the low half of a register on the stack, as an i32. */
  get32(reg: number): CodeWriter {
    if (reg === FRAME_POINTER) return this.code.i32(this.framePointer);
    const { code } = this;
    code.get(this.#local(reg));
    return this.isNarrow(reg) ? code : code.op(I32_WRAP_I64);
  }

  /** Sets a register from the i64 on the stack. */
  set(reg: number): void {
    this.checkedRanges.forget(reg);
    if (this.isNarrow(reg)) this.code.op(I32_WRAP_I64);
    this.code.set(this.#local(reg));
  }

  /** Sets a register from the i32 on the stack, zero-extended. */
  set32(reg: number): void {
    this.checkedRanges.forget(reg);
    if (!this.isNarrow(reg)) this.code.op(I64_EXTEND_I32_U);
    this.code.set(this.#local(reg));
  }

  /** Whether a register is an i32 local: see narrow.ts. A function written in place has its own r6 to r9, which are not. */
  isNarrow(reg: number): boolean {
    return this.#narrow[reg] === 1 && (this.#inlined === 0 || (!this.checked && reg < FIRST_KEPT));
  }

  /** A local for a moment's i32, and another. */
  get i32(): number {
    return (this.#i32 ??= this.code.newLocal(I32));
  }
  get other32(): number {
    return (this.#other32 ??= this.code.newLocal(I32));
  }
  /** A local for a moment's i64. */
  get i64(): number {
    return (this.#i64 ??= this.code.newLocal(I64));
  }
  get otherI64(): number {
    return (this.#otherI64 ??= this.code.newLocal(I64));
  }
  /** Which entry of a dispatcher is meant. */
  get choice(): number {
    return (this.#choice ??= this.code.newLocal(I32));
  }
  /** Checked mode: the fuel that is left. */
  get fuel(): number {
    return (this.#fuel ??= this.code.newLocal(I32));
  }
  /** Checked mode: how many functions wait for this one. */
  get depth(): number {
    return (this.#depth ??= this.code.newLocal(I32));
  }
  /** Checked mode: what block a fault goes to. */
  get faultLabel(): number {
    return this.#faultLabel;
  }
  /** Checked mode: why and where, until then. */
  get #coming(): number {
    return (this.#comingLocal ??= this.code.newLocal(I32));
  }
  /** How many may_gotos this call has passed. */
  get passed(): number {
    return (this.#passed ??= this.code.newLocal(I32));
  }

  /** What a register held before the shift that a rotate begins with. */
  rotated(reg: number): number {
    return (this.#rotated[reg] ??= this.code.newLocal(I64));
  }

  /** Stops the run. */
  fault(kind: Fault, pc: number): void {
    const { code } = this;
    if (this.checked) {
      this.faultWill(kind, pc);
      code.branch(BR, this.faultLabel);
    } else {
      this.#stop(
        () => code.i32(FAULTS.indexOf(kind)),
        () => code.i32(pc),
      );
    }
  }

  /** Checked mode: what it means to go to `faultLabel` from here on. */
  faultWill(kind: Fault, pc: number): void {
    this.code.i32((pc << FAULT_BITS) | FAULTS.indexOf(kind)).set(this.#coming);
  }

  /** Checked mode: writes a function with, behind it, what all of its faults do. So no check has more than a branch in its place. */
  withFaults(write: () => void): void {
    const { code } = this;
    if (!this.checked) {
      write();
      return;
    }
    this.#faultLabel = code.open(BLOCK);
    write();
    code.end();
    this.#stop(
      () =>
        code
          .get(this.#coming)
          .i32((1 << FAULT_BITS) - 1)
          .op(I32_AND),
      () => code.get(this.#coming).i32(FAULT_BITS).op(I32_SHR_U),
    );
  }

  #stop(kind: () => void, pc: () => void): void {
    const { code, control } = this;
    code.i32(0);
    kind();
    code.memory(I32_STORE, control + FAULT).i32(0);
    pc();
    code.memory(I32_STORE, control + FAULT_PC).op(UNREACHABLE);
  }

  /**
   * Writes a function of the program in the place of a call. r6 to r9 get locals of their own. r1 to r5 are its own from here
   * on, since nobody may read them after a call; nobody has made sure of that in checked mode, nor that it reads nothing
   * before it writes it, so there all registers are others, and begin as they do in a function that is called.
   */
  inline(write: () => void): void {
    const first = this.checked ? 0 : FIRST_KEPT;
    const outer = this.#registers.slice(first);
    const rotated = this.#rotated;
    // Functions at one depth are never there at the same time, so they share what the first of them was given.
    const level = (this.#levels[this.#inlined] ??= { own: [], rotated: [] });
    if (this.checked) this.#enterInline(level.own);
    this.#inlined++;
    this.#registers.splice(first, Number.POSITIVE_INFINITY, ...level.own);
    this.#rotated = level.rotated;
    write();
    level.own = this.#registers.slice(first);
    const answer = level.own[0];
    this.#inlined--;
    this.#rotated = rotated;
    this.#registers.splice(first, Number.POSITIVE_INFINITY, ...outer);
    if (this.checked) {
      this.code.get(answer!);
      this.set(0);
    }
  }

  /** Arguments are what the caller's r1 to r5 are, all else is 0. */
  #enterInline(own: (number | undefined)[]): void {
    for (let reg = 0; reg < FRAME_POINTER; reg++) {
      const local = (own[reg] ??= this.code.newLocal(I64));
      if (reg > 0 && reg < FIRST_KEPT) this.get(reg).set(local);
      else this.code.i64(0).set(local);
    }
  }

  /** How many functions are being written in the place of calls. */
  get inlined(): number {
    return this.#inlined;
  }

  #local(reg: number): number {
    return (this.#registers[reg] ??= this.code.newLocal(this.isNarrow(reg) ? I32 : I64));
  }
}
