/**
 * The registers of one BPF function as locals, while it is written. A register has two, an i64 and an i32; register-types.ts
 * says where it is in which.
 */
import type { Addr } from '../../base/memory.ts';
import { FRAME_POINTER } from '../../isa/index.ts';
import type { CodeWriter } from '../wasm/code.ts';
import { I32, I32_WRAP_I64, I64, I64_EXTEND_I32_U } from '../wasm/opcodes.ts';
import type { RegisterTypes } from './register-types.ts';

/** Locals of registers by number, made when they are first used. */
export interface RegisterLocals {
  readonly i32: (number | undefined)[];
  readonly i64: (number | undefined)[];
}

export class Registers {
  readonly #code: CodeWriter;
  readonly #types: RegisterTypes;
  readonly #locals: RegisterLocals;
  readonly #start: number;
  readonly #framePointer: Addr;
  /** Registers that are i32 now, as bits. */
  #narrow = 0;
  /** Registers that hold a number below 2^32 now, as bits. */
  #small = 0;
  #pc = 0;

  /** Of a function that begins at slot `start`. */
  constructor(code: CodeWriter, types: RegisterTypes, locals: RegisterLocals, start: number, framePointer: Addr) {
    this.#code = code;
    this.#types = types;
    this.#locals = locals;
    this.#start = start;
    this.#framePointer = framePointer;
  }

  /** A block begins. */
  enterBlock(pc: number): void {
    this.#narrow = this.#types.atBlock[pc - this.#start]!;
    this.#small = this.#types.smallAtBlock[pc - this.#start]!;
  }

  /** An operation begins. */
  enterSlot(pc: number): void {
    this.#pc = pc;
  }

  /** Whether a register is an i32 now. Its upper half is 0 then, or nobody asks for it. */
  isNarrow(reg: number): boolean {
    return reg === FRAME_POINTER || (this.#narrow & (1 << reg)) !== 0;
  }

  /** Whether a register holds a number below 2^32 now. */
  isSmall(reg: number): boolean {
    return reg === FRAME_POINTER || (this.#small & (1 << reg)) !== 0;
  }

  /** Whether what the operation writes will be an i32. */
  get writesNarrow(): boolean {
    return this.#types.written[this.#pc - this.#start] === 1;
  }

  /** Puts a register on the stack, as an i64. */
  get(reg: number): CodeWriter {
    const code = this.#code;
    if (reg === FRAME_POINTER) return code.i64(this.#framePointer, 0);
    if (!this.isNarrow(reg)) return code.get(this.#i64(reg));
    return code.get(this.#i32(reg)).op(I64_EXTEND_I32_U);
  }

  /** Puts the low half of a register on the stack, as an i32. */
  get32(reg: number): CodeWriter {
    const code = this.#code;
    if (reg === FRAME_POINTER) return code.i32(this.#framePointer);
    if (this.isNarrow(reg)) return code.get(this.#i32(reg));
    return code.get(this.#i64(reg)).op(I32_WRAP_I64);
  }

  /** Sets the register that the operation writes from the i64 on the stack. */
  set(reg: number): void {
    if (this.writesNarrow) this.#code.op(I32_WRAP_I64);
    this.#written(reg);
  }

  /** The same from the i32 on the stack, zero-extended. */
  set32(reg: number): void {
    if (!this.writesNarrow) this.#code.op(I64_EXTEND_I32_U);
    this.#written(reg);
  }

  #written(reg: number): void {
    this.put(reg, this.writesNarrow);
    if (this.#types.smallWritten[this.#pc - this.#start] === 1) this.#small |= 1 << reg;
    else this.#small &= ~(1 << reg);
  }

  /** Sets a register, where a function begins, from what is on the stack, an i32 or an i64. */
  put(reg: number, narrow: boolean): void {
    if (narrow) {
      this.#code.set(this.#i32(reg));
      this.#narrow |= 1 << reg;
    } else {
      this.#code.set(this.#i64(reg));
      this.#narrow &= ~(1 << reg);
    }
  }

  #i32(reg: number): number {
    return (this.#locals.i32[reg] ??= this.#code.newLocal(I32));
  }

  #i64(reg: number): number {
    return (this.#locals.i64[reg] ??= this.#code.newLocal(I64));
  }
}
