/** One BPF function on its way to WebAssembly: what its translation needs to know and to write to. */
import type { Addr } from '../../base/memory.ts';
import { FRAME_POINTER } from '../../isa/index.ts';
import type { Callable, Code, Fault } from '../code.ts';
import { FAULT, FAULT_PC, FAULTS, STACK_SIZE } from '../control.ts';
import type { Operations } from '../operations.ts';
import type { CodeWriter } from '../wasm/code.ts';
import { BLOCK, BR, I32, I32_AND, I32_SHR_U, I32_STORE, I32_WRAP_I64, I64, UNREACHABLE } from '../wasm/opcodes.ts';
import { CheckedRanges } from './checked-ranges.ts';
import type { FunctionFacts, ProgramFacts } from './function-facts.ts';
import type { HelperFunctions } from './helper-functions.ts';
import type { ModuleImports } from './imports.ts';
import { type RegisterLocals, Registers } from './registers.ts';
import { StackWords } from './stack-words.ts';
import { Sums } from './sums.ts';

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
  /** The program's own slot, where tail calls find it. */
  readonly slot: number;
  /** What a reference to each function evaluates to. */
  readonly functionSlots: readonly number[];
  /** Slot of a helper or kfunc call -> what it calls. */
  readonly calls: ReadonlyMap<number, Callable>;
  readonly services: Services;
  readonly helperFunctions: HelperFunctions;
  readonly facts: ProgramFacts;
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
  /** `(lo, hi)`: ends the program with an exception. */
  readonly throwException: Callable;
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
  /** The program's own slot. */
  readonly slot: number;
  /** What a reference to each function evaluates to. */
  readonly functionSlots: readonly number[];
  /** Slot of a helper or kfunc call -> what it calls. */
  readonly calls: ReadonlyMap<number, Callable>;
  readonly services: Services;
  readonly helperFunctions: HelperFunctions;
  readonly facts: ProgramFacts;
  /** Type of every BPF function: five i64 and one back. */
  readonly functionType: number;
  /** The module's function for a BPF function. */
  readonly functionIndex: (fn: number) => number;
  #registers: Registers;
  /** Of the function that is being written: this one, or one in the place of a call. */
  #current: FunctionFacts;
  #kept = noLocals();
  #inlined = 0;
  /** What functions at one depth use: they are never there at the same time. */
  readonly #levels: { registers: RegisterLocals; kept: RegisterLocals }[] = [];
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
  readonly sums: Sums;
  readonly stackWords: StackWords;

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
    this.slot = module.slot;
    this.functionSlots = module.functionSlots;
    this.calls = module.calls;
    this.services = module.services;
    this.helperFunctions = module.helperFunctions;
    this.facts = module.facts;
    this.functionType = module.functionType;
    this.functionIndex = module.functionIndex;
    this.sums = new Sums(this.framePointer, (reg) => this.#registers.isSmall(reg));
    this.stackWords = new StackWords(code, this.framePointer);
    this.#current = module.facts.of(fn);
    const { start, types } = this.#current;
    // r1 to r5 are the parameters; the others become locals when they are first used.
    const locals = { i32: [], i64: [undefined, 0, 1, 2, 3, 4] };
    this.#registers = new Registers(code, types, locals, start, this.framePointer);
    this.#registers.enterBlock(start);
    const read = module.facts.readAtEntry(fn);
    for (let reg = 1; reg < FIRST_KEPT; reg++) {
      if ((read & (1 << reg)) === 0 || !this.#registers.isNarrow(reg)) continue;
      code.get(reg - 1).op(I32_WRAP_I64);
      this.#registers.put(reg, true);
    }
  }

  /** A block of the function begins at a slot. */
  enterBlock(pc: number): void {
    this.#registers.enterBlock(pc);
    this.#forgetBlock();
  }

  /** An operation begins; `conditional`: a move that may not be made. */
  enterSlot(pc: number, conditional: boolean): void {
    this.#registers.enterSlot(pc);
    this.sums.begin(this.ops, pc, conditional);
  }

  /** Puts a register on the stack, as an i64. */
  get(reg: number): CodeWriter {
    return this.#registers.get(reg);
  }

  /** Puts the low half of a register on the stack, as an i32. */
  get32(reg: number): CodeWriter {
    return this.#registers.get32(reg);
  }

  /** Sets the register that the operation writes from the i64 on the stack. */
  set(reg: number): void {
    this.#registers.set(reg);
    this.#wrote(reg);
  }

  /** The same from the i32 on the stack, zero-extended. */
  set32(reg: number): void {
    this.#registers.set32(reg);
    this.#wrote(reg);
  }

  #wrote(reg: number): void {
    this.checkedRanges.forget(reg);
    this.sums.write(reg);
  }

  /** What is known of registers within a block. */
  #forgetBlock(): void {
    this.checkedRanges.clear();
    this.sums.clear();
    this.stackWords.clear();
  }

  /** Whether a register is an i32 now. Its upper half is 0 then, or nobody asks for it. */
  isNarrow(reg: number): boolean {
    return this.#registers.isNarrow(reg);
  }

  /** Whether the access at a slot is surely inside the stack. */
  isInStack(pc: number): boolean {
    return this.#current.inStack[pc - this.#current.start] === 1;
  }

  /** Whether what the operation writes will be an i32. */
  get writesNarrow(): boolean {
    return this.#registers.writesNarrow;
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

  /** What a register held before the shift that a rotate begins with: an i64, or an i32. */
  kept(reg: number, wide: boolean): number {
    return wide ? (this.#kept.i64[reg] ??= this.code.newLocal(I64)) : (this.#kept.i32[reg] ??= this.code.newLocal(I32));
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

  /** Writes a function of the program in the place of a call. All registers are its own, and begin as they do when it is called. */
  inline(fn: number, write: () => void): void {
    const outer = this.#registers;
    const kept = this.#kept;
    const level = (this.#levels[this.#inlined] ??= { registers: noLocals(), kept: noLocals() });
    const facts = this.#current;
    this.#current = this.facts.of(fn);
    const { start, types } = this.#current;
    const inner = new Registers(this.code, types, level.registers, start, 0);
    inner.enterBlock(start);
    const read = this.facts.readAtEntry(fn);
    for (let reg = 0; reg < FRAME_POINTER; reg++) {
      if ((read & (1 << reg)) === 0) continue;
      const narrow = inner.isNarrow(reg);
      if (reg === 0 || reg >= FIRST_KEPT) narrow ? this.code.i32(0) : this.code.i64(0);
      else narrow ? outer.get32(reg) : outer.get(reg);
      inner.put(reg, narrow);
    }
    this.#inlined++;
    this.#registers = inner;
    this.#kept = level.kept;
    this.#forgetBlock();
    write();
    this.#inlined--;
    this.#registers = outer;
    this.#current = facts;
    this.#kept = kept;
    this.#forgetBlock();
    inner.get(0);
    this.set(0);
  }

  /** How many functions are being written in the place of calls. */
  get inlined(): number {
    return this.#inlined;
  }
}

function noLocals(): RegisterLocals {
  return { i32: [], i64: [] };
}
