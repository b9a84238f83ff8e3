/**
 * Which registers are a constant plus another register, within a block: an access through one of them needs no addition,
 * since a wasm load or store adds a constant by itself.
 *
 * That it adds as if numbers had no end, where the register is of 64 bits that begin again at 0, makes no difference for
 * an address that lies in memory: neither the constant nor what is added to it is negative.
 */
import type { Addr } from '../../base/memory.ts';
import { BPF_X, FRAME_POINTER } from '../../isa/index.ts';
import { OP_LD_IMM64, type Operations } from '../operations.ts';

export interface Sum {
  /** The other register, whose number is below 2^32; -1 for none. */
  readonly index: number;
  /** How often that one had been written. */
  readonly version: number;
  readonly constant: number;
}

const MOV64 = 0xb7;
const ADD64 = 0x07;

export class Sums {
  readonly #framePointer: Addr;
  readonly #isSmall: (reg: number) => boolean;
  #sums: (Sum | undefined)[] = [];
  readonly #versions = new Uint32Array(FRAME_POINTER + 1);
  /** Of the operation that is being written. */
  #next: Sum | undefined;

  /** `isSmall`: whether what a register holds now is below 2^32. */
  constructor(framePointer: Addr, isSmall: (reg: number) => boolean) {
    this.#framePointer = framePointer;
    this.#isSmall = isSmall;
  }

  /** What a register is now. */
  of(reg: number): Sum | undefined {
    if (reg === FRAME_POINTER) return constant(this.#framePointer);
    const sum = this.#sums[reg];
    return sum && (sum.index < 0 || this.#versions[sum.index] === sum.version) ? sum : undefined;
  }

  /** An operation begins; `conditional`: it may do nothing. */
  begin(ops: Operations, pc: number, conditional: boolean): void {
    this.#next = conditional ? undefined : this.#after(ops, pc);
  }

  /** It writes a register. */
  write(reg: number): void {
    this.#versions[reg]!++;
    this.#sums[reg] = this.#next?.index === reg ? undefined : this.#next;
  }

  /** Ways join here, or the registers are those of another function. */
  clear(): void {
    this.#sums = [];
    this.#next = undefined;
  }

  /** What an operation makes of the register that it writes. */
  #after(ops: Operations, pc: number): Sum | undefined {
    const op = ops.op[pc]!;
    const imm = ops.imm[pc]!;
    if (op === OP_LD_IMM64) return ops.imm[pc + 1] === 0 ? constant(imm >>> 0) : undefined;
    if (op === (MOV64 | BPF_X)) return this.of(ops.src[pc]!) ?? this.#index(ops.src[pc]!, 0);
    if ((op & ~BPF_X) !== ADD64) return undefined;
    const sum = this.of(ops.dst[pc]!);
    if (sum === undefined) return undefined;
    if (op === ADD64) return { ...sum, constant: sum.constant + imm };
    const added = this.of(ops.src[pc]!);
    if (added && (sum.index < 0 || added.index < 0)) {
      return { ...(sum.index < 0 ? added : sum), constant: sum.constant + added.constant };
    }
    return sum.index < 0 ? this.#index(ops.src[pc]!, sum.constant) : undefined;
  }

  #index(reg: number, constant: number): Sum | undefined {
    return this.#isSmall(reg) ? { index: reg, version: this.#versions[reg]!, constant } : undefined;
  }
}

function constant(value: number): Sum {
  return { index: -1, version: 0, constant: value };
}
