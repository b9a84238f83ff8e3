/**
 * The engine: loads programs into a kernel's memory and runs them.
 *
 * Every program has a slot, by which tail calls find it, and a stack of its own: 512 bytes a function, at fixed
 * addresses, since the verifier knows no recursion. So a program that is running cannot be started a second time;
 * where functions of it wait for a tail call out of one of them, their stacks are kept aside (`suspend`).
 */

import { ENOMEM } from '../base/errno.ts';
import { BpfError, bug } from '../base/errors.ts';
import { PROG_ARRAY_MAX_ENTRIES, PROG_ARRAY_STORAGE, PROG_ARRAY_STRIDE } from '../base/map-header.ts';
import type { Addr } from '../base/memory.ts';
import { resolveCalls } from './callables.ts';
import { Catching } from './catching.ts';
import type { Callable, Code, EngineOptions, FaultInfo, Region, Runnable } from './code.ts';
import {
  CONTROL_SIZE,
  CPU,
  DEPTH,
  FAULT,
  FAULT_PC,
  FAULTS,
  FUEL,
  MAX_CALL_DEPTH,
  MAX_TAIL_CALLS,
  REGION_READABLE,
  REGION_SIZE,
  REGION_START,
  REGION_WRITABLE,
  REGIONS,
  REGIONS_END,
  RET_HI,
  RUNNING,
  RunFault,
  STACK_SIZE,
  TAIL_CALLS,
} from './control.ts';
import type { Callback, CallbackArgs, Executable, Host, Placement, WaitingCalls } from './host.ts';
import { interpreted } from './interp/executable.ts';
import { Compiled } from './jit/executable.ts';
import { ModuleCache } from './jit/module-cache.ts';
import type { LinearMemory } from './memory.ts';
import { OP_LD_FUNC, OP_TAIL_CALL, type Operations, operations } from './operations.ts';
import { randomSource } from './random.ts';
import { runsToInterpret, Tiered } from './tiered.ts';

export interface EngineSetup {
  /** Helpers by number. One that is missing is an illegal instruction, when a program gets there. */
  readonly helpers: ReadonlyMap<number, Callable>;
  /**
   * LD_ABS and LD_IND: `(ctx, offset, size)` with args `iii` and ret `u64`. Answers the value in host order; a high
   * half that is not 0 says that the packet does not have those bytes. Default: it never has.
   */
  readonly packetLoad?: Callable;
  /**
   * Where the engine's source of chance begins. With a seed, compiled programs take its steps themselves where they call
   * bpf_get_prandom_u32; so the helper, which the interpreter asks, has to be `Engine.random`. Default: they call the helper.
   */
  readonly seed?: number;
}

/** Many runs from the context given on: what stands in for one run of the program. */
type Batch = (ctx: Addr) => number;

const DEFAULT_FUEL = 1_000_000;

export class Engine implements Host {
  readonly mem: LinearMemory;
  readonly control: Addr;
  readonly helpers: ReadonlyMap<number, Callable>;
  readonly packetLoad: Callable;
  /** A step of the engine's source of chance: an unsigned 32-bit number. */
  readonly random: () => number;
  readonly hasSeed: boolean;
  readonly table: WebAssembly.Table;
  readonly modules = new ModuleCache();
  /** Low half of the answer of the last tail call out of JavaScript. */
  retLo = 0;
  /** How the last run ended, null where it came to its exit. */
  fault: FaultInfo | null = null;
  #regions: readonly Region[] = [];
  #regionTable: Addr = 0;
  #regionRoom = 0;
  readonly #programs: (LoadedProgram | undefined)[] = [undefined];
  readonly #callbacks: (Callback | undefined)[] = [undefined];
  readonly #freeSlots: number[] = [];
  /** Runs that have begun and not ended. */
  #depth = 0;
  /** Callbacks of the current run that have begun and not ended. */
  #callDepth = 0;
  /** Slots of programs that wait for a nested run to end. */
  readonly #waiting: number[] = [];
  readonly #suspended: { slot: number; depth: number; stack: Uint8Array }[] = [];

  constructor(mem: LinearMemory, setup: EngineSetup) {
    this.mem = mem;
    this.helpers = setup.helpers;
    this.control = mem.alloc(CONTROL_SIZE, 64);
    if (this.control === 0) throw new BpfError('engine', ENOMEM);
    this.regions = [];
    this.random = randomSource(mem, this.control, setup.seed ?? 0);
    this.hasSeed = setup.seed !== undefined;
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 64 });
    this.packetLoad = setup.packetLoad ?? {
      name: 'no packet',
      args: 'iii',
      ret: 'u64',
      call: () => {
        this.retHi = 1;
        return 0;
      },
    };
  }

  /** High half of a 64-bit answer: of the last run or callback, and of a helper that is about to answer. */
  get retHi(): number {
    return this.mem.view.getInt32(this.control + RET_HI, true);
  }
  set retHi(value: number) {
    this.mem.view.setInt32(this.control + RET_HI, value, true);
  }

  /** The CPU that programs run on: which value of a per-CPU map they see. */
  get cpu(): number {
    return this.mem.u32(this.control + CPU);
  }
  set cpu(cpu: number) {
    this.mem.setU32(this.control + CPU, cpu);
  }

  /** Checked mode: what programs may use besides their stacks. Set it before a run. */
  get regions(): readonly Region[] {
    return this.#regions;
  }
  set regions(regions: readonly Region[]) {
    // One that goes on past the last address ends there. A table without any has one without bytes.
    this.#regions = regions.map((region) => ({ ...region, size: Math.min(region.size, 2 ** 32 - region.start) }));
    const rows = regions.length === 0 ? [{ start: 0, size: 0, writable: false }] : this.#regions;
    if (rows.length > this.#regionRoom) {
      const table = this.mem.alloc(rows.length * REGION_SIZE);
      if (table === 0) throw new BpfError('engine', ENOMEM);
      this.mem.free(this.#regionTable);
      this.#regionTable = table;
      this.#regionRoom = rows.length;
    }
    rows.forEach((region, i) => {
      const at = this.#regionTable + i * REGION_SIZE;
      this.mem.setU32(at + REGION_START, region.start);
      this.mem.setU32(at + REGION_READABLE, region.size);
      this.mem.setU32(at + REGION_WRITABLE, region.writable ? region.size : 0);
    });
    this.mem.setU32(this.control + REGIONS, this.#regionTable);
    this.mem.setU32(this.control + REGIONS_END, this.#regionTable + rows.length * REGION_SIZE);
  }

  /** Makes a program ready to run. BpfError ENOMEM where there is no room for its stack. */
  load(code: Code, options: EngineOptions = {}): Runnable {
    const ops = operations(code);
    const stackSize = code.subprogs.length * STACK_SIZE;
    const stack = this.mem.alloc(stackSize, 16);
    if (stack === 0) throw new BpfError('BPF_PROG_LOAD', ENOMEM, 'there is no room for the stack of the program');
    const placement: Placement = {
      stack,
      stackSize,
      slot: this.#newSlot(),
      functionSlots: this.#functionSlots(ops, code.exceptionCallback),
      calls: resolveCalls(ops, code, this.helpers),
    };
    const inner = this.#body(code, ops, placement, options);
    const body = code.throws?.size ? new Catching(this, inner, code.exceptionCallback) : inner;
    placement.functionSlots.forEach((slot, fn) => {
      if (slot !== 0) this.#callbacks[slot] = body.callback(fn);
    });
    const program = new LoadedProgram(this, body, placement, options, ops.op.includes(OP_TAIL_CALL));
    this.#programs[placement.slot] = program;
    return program;
  }

  #body(code: Code, ops: Operations, placement: Placement, options: EngineOptions): Executable {
    const interpret = (): Executable => interpreted(this, ops, placement, options);
    if (options.mode === 'interpreter') return interpret();
    const compiled = new Compiled(this, code, ops, placement, options);
    if (options.mode !== 'tiered' || options.checked) return compiled;
    const runs = runsToInterpret(ops, placement.functionSlots, code.longestRun);
    return runs === 0 ? compiled : new Tiered(compiled, interpret, runs);
  }

  /** Calls a BPF function of the running program: `fn` is what a reference to it evaluates to. */
  callback(fn: number, ...args: CallbackArgs): number {
    const call = this.#callbacks[fn];
    if (call === undefined) throw new RunFault('illegal-instruction', -1);
    if (this.#callDepth === MAX_CALL_DEPTH) throw new RunFault('stack', -1);
    this.#callDepth++;
    const answer = call(...args);
    this.#callDepth--;
    return answer;
  }

  /** Runs a program: what `Runnable.run` does. */
  start(program: LoadedProgram, ctx: Addr): number {
    return this.#start(program, ctx, null);
  }

  /** What `Runnable.runBatch` does. */
  startBatch(program: LoadedProgram, ctx: Addr, stride: number, count: number, answers: Addr): number {
    if (count <= 0) return 0;
    const { batch } = program.body;
    if (batch !== undefined) return this.#start(program, ctx, (first) => batch(first, stride, count, answers));
    let answer = 0;
    for (let i = 0; i < count; i++) {
      answer = this.start(program, ctx + i * stride);
      if (this.fault !== null) break;
      if (answers !== 0) this.mem.setU32(answers + 4 * i, answer);
    }
    return answer;
  }

  #start(program: LoadedProgram, ctx: Addr, batch: Batch | null): number {
    if (program.running) return this.#refuse();
    if (program.disposed) bug('a program is run that was disposed');
    if (this.#depth > 0) return this.#startNested(program, ctx, batch);
    // A run that faulted leaves these behind. Assigning a length costs more than all the rest here.
    if (this.#suspended.length > 0) this.#suspended.length = 0;
    if (this.#waiting.length > 0) this.#waiting.length = 0;
    this.#callDepth = 0;
    return this.#enter(program, ctx, batch);
  }

  tailCall(ctx: Addr, map: Addr, index: number, suspends: boolean): boolean {
    const { mem, control } = this;
    if (index >= mem.u32(map + PROG_ARRAY_MAX_ENTRIES)) return false;
    const slot = mem.u32(mem.u32(map + PROG_ARRAY_STORAGE) + index * PROG_ARRAY_STRIDE);
    if (slot === 0) return false;
    const taken = mem.u32(control + TAIL_CALLS);
    if (taken >= MAX_TAIL_CALLS) return false;
    const target = this.#programs[slot];
    if (target === undefined) throw new RunFault('access', -1);
    if (suspends) this.suspend();
    mem.setU32(control + TAIL_CALLS, taken + 1);
    mem.setU32(control + RUNNING, slot);
    this.retLo = target.body.enter(ctx);
    if (suspends) this.resume();
    return true;
  }

  suspend(): void {
    const slot = this.mem.u32(this.control + RUNNING);
    const depth = this.mem.u32(this.control + DEPTH);
    const { stack, stackSize } = this.#placementOf(slot);
    this.#suspended.push({ slot, depth, stack: this.mem.read(stack, stackSize) });
    this.mem.setU32(this.control + DEPTH, 0);
  }

  resume(): void {
    const { slot, depth, stack } = this.#suspended.pop() ?? bug('resume without suspend');
    this.mem.write(this.#placementOf(slot).stack, stack);
    this.mem.setU32(this.control + RUNNING, slot);
    this.mem.setU32(this.control + DEPTH, depth);
  }

  callByNumber(id: number, pc: number, ...registers: number[]): number {
    const helper = this.helpers.get(id);
    if (helper === undefined) throw new RunFault('illegal-instruction', pc);
    const args: number[] = [];
    for (let i = 0; i < helper.args.length; i++) {
      args.push(registers[2 * i]!);
      if (helper.args[i] === 'L') args.push(registers[2 * i + 1]!);
    }
    const answer = helper.call(...args) | 0;
    if (helper.ret === 'void') {
      this.retHi = 0;
      return 0;
    }
    if (helper.ret !== 'u64') this.retHi = helper.ret === 'int' ? answer >> 31 : 0;
    return answer;
  }

  callsWaiting(): WaitingCalls {
    return {
      callbacks: this.#callDepth,
      suspended: this.#suspended.length,
      depth: this.mem.u32(this.control + DEPTH),
    };
  }

  forgetCalls({ callbacks, suspended, depth }: WaitingCalls): void {
    this.#callDepth = callbacks;
    this.#suspended.length = suspended;
    this.mem.setU32(this.control + DEPTH, depth);
  }

  /** Gives back what a program holds. */
  unload(program: LoadedProgram): void {
    const { slot, stack, functionSlots } = program.placement;
    if (program.running) bug('a running program is disposed');
    if (program.disposed) return;
    program.disposed = true;
    for (const used of [slot, ...functionSlots.filter((s) => s !== 0)]) {
      this.#programs[used] = undefined;
      this.#callbacks[used] = undefined;
      this.table.set(used, null);
      this.#freeSlots.push(used);
    }
    this.mem.free(stack);
  }

  #enter(program: LoadedProgram, ctx: Addr, batch: Batch | null): number {
    const { view } = this.mem;
    const { control } = this;
    view.setInt32(control + TAIL_CALLS, 0, true);
    view.setInt32(control + RUNNING, program.placement.slot, true);
    if (program.checked) this.#prepareChecked(program);
    this.fault = null;
    this.#depth++;
    program.running = true;
    try {
      const answer = (batch === null ? program.body.enter(ctx) : batch(ctx)) >>> 0;
      this.fault = null;
      return answer;
    } catch (error) {
      this.fault = this.#explain(error, program.checked);
      this.retHi = 0;
      return 0;
    } finally {
      program.running = false;
      this.#depth--;
    }
  }

  #prepareChecked(program: LoadedProgram): void {
    this.mem.setU32(this.control + FUEL, program.fuel);
    this.mem.setU32(this.control + DEPTH, 0);
    // What an earlier run left on the stack is not for this one to see.
    this.mem.fill(program.placement.stack, program.placement.stackSize, 0);
  }

  /** A run inside a run: an event that a helper of the outer program fired. */
  #startNested(program: LoadedProgram, ctx: Addr, batch: Batch | null): number {
    const { mem, control } = this;
    const running = mem.u32(control + RUNNING);
    if (running === program.placement.slot || this.#waiting.includes(program.placement.slot)) return this.#refuse();
    const saved = mem.read(control, REGIONS);
    const suspended = this.#suspended.length;
    const callDepth = this.#callDepth;
    this.#callDepth = 0;
    this.#waiting.push(running);
    // Only a tail call can lead into a program that waits.
    const stacks = program.mayTailCall ? this.#waiting.map((slot) => this.#keepStack(slot)) : [];
    const answer = this.#enter(program, ctx, batch);
    const high = this.retHi;
    for (const { addr, bytes } of stacks) mem.write(addr, bytes);
    this.#waiting.pop();
    this.#suspended.length = suspended;
    this.#callDepth = callDepth;
    mem.write(control, saved);
    this.retHi = high;
    return answer;
  }

  #keepStack(slot: number): { addr: Addr; bytes: Uint8Array } {
    const { stack, stackSize } = this.#placementOf(slot);
    return { addr: stack, bytes: this.mem.read(stack, stackSize) };
  }

  /** Of a running program. Unverified code without checks may have spoilt the number. */
  #placementOf(slot: number): Placement {
    const program = this.#programs[slot];
    if (program === undefined) throw new RunFault('access', -1);
    return program.placement;
  }

  #refuse(): number {
    this.fault = { kind: 'reentry', pc: 0 };
    this.retHi = 0;
    return 0;
  }

  /** The fault behind something thrown; what is none of ours is thrown on. */
  #explain(error: unknown, checked: boolean): FaultInfo {
    if (error instanceof RunFault) return { kind: error.kind, pc: error.pc };
    const said = FAULTS[this.mem.u32(this.control + FAULT)];
    if (said && error instanceof WebAssembly.RuntimeError) {
      this.mem.setU32(this.control + FAULT, 0);
      return { kind: said, pc: this.mem.i32(this.control + FAULT_PC) };
    }
    if (error instanceof WebAssembly.RuntimeError) return { kind: 'access', pc: -1 };
    if (error instanceof RangeError) return { kind: /call stack/.test(error.message) ? 'stack' : 'access', pc: -1 };
    // An unverified program may hand a helper what it cannot make sense of.
    if (checked) return { kind: 'access', pc: -1 };
    throw error;
  }

  /** What calls functions from outside of the program finds them by. */
  #functionSlots(ops: Operations, exceptionCallback: number | undefined): number[] {
    const slots = new Array<number>(ops.bounds.length - 1).fill(0);
    for (let pc = 0; pc < ops.length; pc++) {
      const fn = ops.target[pc]!;
      if (ops.op[pc] === OP_LD_FUNC && slots[fn] === 0) slots[fn] = this.#newSlot();
    }
    if (exceptionCallback !== undefined) slots[exceptionCallback] ||= this.#newSlot();
    return slots;
  }

  #newSlot(): number {
    const slot = this.#freeSlots.pop() ?? this.#programs.push(undefined) - 1;
    if (slot >= this.table.length) this.table.grow(this.table.length);
    return slot;
  }
}

/** A program with its place in the engine. */
export class LoadedProgram implements Runnable {
  readonly #engine: Engine;
  readonly body: Executable;
  readonly placement: Placement;
  readonly checked: boolean;
  readonly fuel: number;
  readonly mayTailCall: boolean;
  running = false;
  /** Its stack belongs to somebody else now. */
  disposed = false;
  #tabled = false;

  constructor(engine: Engine, body: Executable, placement: Placement, options: EngineOptions, mayTailCall: boolean) {
    this.#engine = engine;
    this.body = body;
    this.placement = placement;
    this.checked = options.checked ?? false;
    this.fuel = options.fuel ?? DEFAULT_FUEL;
    this.mayTailCall = mayTailCall;
  }

  /** Asking for it makes the program ready for tail calls, which compiles it. */
  get slot(): number {
    const { slot } = this.placement;
    if (!this.#tabled) this.#engine.table.set(slot, this.body.entry());
    this.#tabled = true;
    return slot;
  }
  get image(): Uint8Array {
    return this.body.image;
  }
  get ranges(): readonly { offset: number; size: number }[] {
    return this.body.ranges;
  }

  run(ctx: Addr): number {
    return this.#engine.start(this, ctx);
  }

  runBatch(ctx: Addr, stride: number, count: number, answers: Addr = 0): number {
    return this.#engine.startBatch(this, ctx, stride, count, answers);
  }

  dispose(): void {
    this.#engine.unload(this);
  }
}
