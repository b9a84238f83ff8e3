/**
 * Which registers are i32 locals, and where: so that 32-bit arithmetic and addresses need neither wrapping nor extending,
 * which V8 cannot always see through where ways join.
 *
 * What one operation writes and all that is read of it has one type; where ways join, all that comes there has. Such a group
 * of values is of 32 bits where all of them are below 2^32 (intervals.ts), or where nobody asks for their upper halves: addresses
 * have none, and what is added to make one needs none either. So all groups start as nobody's, and what is asked for
 * is handed on from answers to operands until nothing changes.
 */
import { BPF_ALU, BPF_ALU64, BPF_JMP, BPF_LDX, BPF_ST, BPF_STX, BPF_X, byteSize, classOf } from '../../isa/index.ts';
import {
  isPacketOperation,
  OP_ATOMIC32,
  OP_ATOMIC64,
  OP_CALL_HELPER,
  OP_CALL_KFUNC,
  OP_CALL_SUBPROG,
  OP_CALLX,
  OP_EXIT,
  OP_LE64,
  OP_MAY_GOTO,
  OP_MOVSX32_8,
  OP_PROBE,
  OP_SDIV,
  OP_SWAP64,
  OP_TAIL_CALL,
  OP_THROW,
} from '../operations.ts';
import { ARGUMENTS } from './effects.ts';
import { isBranch, slotsOf } from './graph.ts';
import type { Idiom } from './idioms.ts';
import type { Sizes, Subject } from './intervals.ts';

const REGISTERS = 10;

export interface TypedSubject extends Subject {
  /** Whole addresses are looked at before they are used. */
  readonly checked: boolean;
  readonly idioms: ReadonlyMap<number, Idiom>;
  /** By slot from `start` on: the registers that are read, as bits. */
  readonly read: Uint16Array;
  /** Arguments that a function of the program reads, as bits. */
  readonly readByFunction: (fn: number) => number;
}

export interface RegisterTypes {
  /** By slot from the function's first on: registers that are i32 where the block that begins there does, as bits. */
  readonly atBlock: Uint16Array;
  /** By slot, the same: 1 where what the operation writes is an i32. */
  readonly written: Uint8Array;
  /** The same for what is below 2^32, which is more than being an i32 says. */
  readonly smallAtBlock: Uint16Array;
  readonly smallWritten: Uint8Array;
}

/** `sizes` is what `findSizes` answers for the same subject. */
export function typeRegisters(subject: TypedSubject, sizes: Sizes): RegisterTypes {
  const values = new Values(subject);
  values.number();
  values.noteNarrow(sizes.narrow, sizes.narrowAtEntry);
  values.handOn(sizes.inStack);
  return values.types();
}

/** Registers that are read before they are written, as bits, where each block begins. */
export function liveRegisters(
  subject: Pick<TypedSubject, 'ops' | 'blocks' | 'flow' | 'read' | 'written' | 'start'>,
): Uint16Array {
  const { ops, blocks, flow, read, written, start: first } = subject;
  const live = new Uint16Array(blocks.length);
  const over = new Uint16Array(blocks.length);
  blocks.forEach(({ start, end }, i) => {
    let writes = 0;
    let reads = 0;
    for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
      reads |= read[pc - first]! & ~writes;
      const reg = written[pc - first]!;
      if (reg >= 0) writes |= 1 << reg;
    }
    live[i] = reads;
    over[i] = writes;
  });
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = flow.order.length - 1; i >= 0; i--) {
      const block = flow.order[i]!;
      let after = 0;
      for (const to of blocks[block]!.to) after |= live[to]!;
      const before = live[block]! | (after & ~over[block]!);
      if (before === live[block]) continue;
      live[block] = before;
      changed = true;
    }
  }
  return live;
}

/** How an operation asks for the upper half of what it reads: not, for itself, or if its answer's is asked for. */
const NOT = 0;
const ALWAYS = 1;
const IF_ASKED = 2;
/** What `asks` answers: the one for dst, and above it the one for src. */
const SRC = 4;

class Values {
  readonly #subject: TypedSubject;
  /** Values are what each block begins with, a register after the other, and then what each slot writes. Each knows another of its group, or is its head. */
  readonly #group: Int32Array;
  readonly #wide: Uint8Array;
  readonly #asked: Uint8Array;
  /** What slots read as dst and as src. */
  readonly #dst: Int32Array;
  readonly #src: Int32Array;
  /** Read by operations that ask for all of it. */
  readonly #whole: number[] = [];

  constructor(subject: TypedSubject) {
    this.#subject = subject;
    const slots = subject.written.length;
    const count = subject.blocks.length * REGISTERS + slots;
    this.#group = new Int32Array(count);
    for (let i = 0; i < count; i++) this.#group[i] = i;
    this.#wide = new Uint8Array(count);
    this.#asked = new Uint8Array(count);
    this.#dst = new Int32Array(slots).fill(-1);
    this.#src = new Int32Array(slots).fill(-1);
  }

  /** Follows values through blocks, and joins those that meet. */
  number(): void {
    const { ops, blocks, flow, start, idioms, written } = this.#subject;
    const live = liveRegisters(this.#subject);
    const now = new Int32Array(REGISTERS + 1);
    for (const number of flow.order) {
      const block = blocks[number]!;
      for (let reg = 0; reg < REGISTERS; reg++) now[reg] = number * REGISTERS + reg;
      now[REGISTERS] = -1;
      for (let pc = block.start; pc < block.end; pc += slotsOf(ops.op[pc]!)) {
        this.#dst[pc - start] = now[ops.dst[pc]!] ?? -1;
        this.#src[pc - start] = now[ops.src[pc]!] ?? -1;
        for (let whole = this.#wholeOf(pc), reg = 0; whole !== 0; whole >>>= 1, reg++) {
          if ((whole & 1) !== 0 && now[reg]! >= 0) this.#whole.push(now[reg]!);
        }
        const idiom = idioms.get(pc);
        if (idiom?.wide) this.#whole.push(this.#dst[idiom.from - start]!);
        const reg = written[pc - start]!;
        if (reg >= 0 && reg < REGISTERS) now[reg] = this.#writtenAt(pc);
      }
      for (const to of block.to) {
        for (let bits = live[to]!, reg = 0; reg < REGISTERS; reg++) {
          if ((bits & (1 << reg)) !== 0) this.#join(now[reg]!, to * REGISTERS + reg);
        }
      }
    }
  }

  /** Marks groups that hold something above 2^32. */
  noteNarrow(at: Uint8Array, atEntry: number): void {
    const { blocks, written } = this.#subject;
    for (let reg = 0; reg < REGISTERS; reg++) if ((atEntry & (1 << reg)) === 0) this.#wide[this.#head(reg)] = 1;
    const first = blocks.length * REGISTERS;
    // Slots that nothing leads to are in nobody's group.
    for (let i = 0; i < written.length; i++) {
      if (written[i]! >= 0 && at[i] === 0) this.#wide[this.#head(first + i)] = 1;
    }
  }

  /** Marks groups whose upper halves are asked for. Checked mode asks for addresses, but where they are surely in the stack. */
  handOn(inStack: Uint8Array): void {
    const { ops, blocks, start, checked, moves } = this.#subject;
    // For each group, the operands that are asked for when it is: a list in arrays.
    const first = new Int32Array(this.#group.length).fill(-1);
    const next: number[] = [];
    const operand: number[] = [];
    const work: number[] = [];
    const ask = (value: number): void => {
      const head = this.#head(value);
      if (this.#asked[head] === 1) return;
      this.#asked[head] = 1;
      work.push(head);
    };
    const handTo = (value: number, pc: number, how: number): void => {
      if (value < 0 || how === NOT) return;
      if (how === ALWAYS) {
        ask(value);
        return;
      }
      const head = this.#head(this.#writtenAt(pc));
      next.push(first[head]!);
      first[head] = operand.push(value) - 1;
    };
    for (const value of this.#whole) ask(value);
    for (const block of blocks) {
      for (let pc = block.start; pc < block.end; pc += slotsOf(ops.op[pc]!)) {
        const how = asks(this.#subject, pc, checked && inStack[pc - start] === 0);
        if (moves[pc - start] === 1) handTo(this.#dst[pc - start]!, pc, IF_ASKED);
        handTo(this.#dst[pc - start]!, pc, how % SRC);
        handTo(this.#src[pc - start]!, pc, Math.floor(how / SRC));
      }
    }
    for (let head = work.pop(); head !== undefined; head = work.pop()) {
      for (let at = first[head]!; at >= 0; at = next[at]!) ask(operand[at]!);
    }
  }

  types(): RegisterTypes {
    const small = (value: number): boolean => this.#wide[this.#head(value)] === 0;
    const narrow = (value: number): boolean => small(value) || this.#asked[this.#head(value)] === 0;
    return {
      atBlock: this.#atBlock(narrow),
      written: this.#atSlots(narrow),
      smallAtBlock: this.#atBlock(small),
      smallWritten: this.#atSlots(small),
    };
  }

  #atBlock(is: (value: number) => boolean): Uint16Array {
    const { blocks, start, written } = this.#subject;
    const at = new Uint16Array(written.length);
    blocks.forEach((block, number) => {
      if (block.start === block.end) return;
      let bits = 0;
      for (let reg = 0; reg < REGISTERS; reg++) if (is(number * REGISTERS + reg)) bits |= 1 << reg;
      at[block.start - start] = bits;
    });
    return at;
  }

  #atSlots(is: (value: number) => boolean): Uint8Array {
    const { blocks, written } = this.#subject;
    const at = new Uint8Array(written.length);
    const first = blocks.length * REGISTERS;
    for (let i = 0; i < at.length; i++) if (written[i]! >= 0 && is(first + i)) at[i] = 1;
    return at;
  }

  /** Registers that an operation asks all of, besides its dst and src. */
  #wholeOf(pc: number): number {
    const { ops, calls, readByFunction, checked } = this.#subject;
    switch (ops.op[pc]!) {
      case OP_EXIT:
      case OP_ATOMIC64 + 9:
        return 1;
      case OP_CALL_SUBPROG:
        return readByFunction(ops.target[pc]!);
      case OP_CALLX:
        return ARGUMENTS;
      case OP_TAIL_CALL:
      case OP_THROW:
        return 2;
      case OP_CALL_HELPER:
      case OP_CALL_KFUNC:
        // Checked mode compares the map and looks at where it would read.
        return [...(calls.get(pc)?.args ?? '')].reduce(
          (bits, letter, i) => bits | (checked || letter === 'L' ? 2 << i : 0),
          0,
        );
      default:
        return 0;
    }
  }

  #writtenAt(pc: number): number {
    return this.#subject.blocks.length * REGISTERS + pc - this.#subject.start;
  }

  #head(value: number): number {
    const group = this.#group;
    let at = value;
    while (group[at] !== at) {
      group[at] = group[group[at]!]!;
      at = group[at]!;
    }
    return at;
  }

  #join(a: number, b: number): void {
    this.#group[this.#head(a)] = this.#head(b);
  }
}

const MOV = 0xb0;
const AND = 0x50;
const LSH = 0x60;
const RSH = 0x70;
const ARSH = 0xc0;
const DIV = 0x30;
const MOD = 0x90;
const JSET = 0x40;

/** How an operation asks for the upper halves of its dst and src. */
function asks({ ops }: TypedSubject, pc: number, wholeAddress: boolean): number {
  const op = ops.op[pc]!;
  const address = wholeAddress ? ALWAYS : NOT;
  if (op === OP_PROBE) return ALWAYS * SRC;
  if (op === OP_CALLX) return ALWAYS;
  if (op >= OP_CALL_HELPER) return NOT;
  if (op >= OP_ATOMIC64) return ALWAYS * SRC + address;
  if (op >= OP_ATOMIC32) return address;
  if (op >= OP_SDIV) return extendedAsks(op);
  if (op === OP_MAY_GOTO || isPacketOperation(op)) return NOT;
  const cls = classOf(op);
  if (cls === BPF_ALU64) return aluAsks(op, ops.imm[pc]!);
  if (cls === BPF_ALU) return NOT;
  if (cls === BPF_LDX) return address * SRC;
  if (cls === BPF_ST) return address;
  if (cls === BPF_STX) return (byteSize(op) === 8 ? ALWAYS : NOT) * SRC + address;
  if (cls !== BPF_JMP || !isBranch(op)) return NOT;
  if ((op & BPF_X) !== 0) return ALWAYS * SRC + ALWAYS;
  return (op & 0xf0) === JSET && ops.imm[pc]! >= 0 ? NOT : ALWAYS;
}

/** Of the arithmetic with numbers of its own. */
function extendedAsks(op: number): number {
  if (op === OP_SWAP64) return ALWAYS;
  if (op === OP_LE64) return IF_ASKED;
  if (op >= OP_MOVSX32_8 || (op & 3) < 2) return NOT;
  return (op & 1) !== 0 ? ALWAYS * SRC + ALWAYS : ALWAYS;
}

function aluAsks(op: number, imm: number): number {
  const byRegister = (op & BPF_X) !== 0;
  switch (op & 0xf0) {
    case MOV:
      return byRegister ? IF_ASKED * SRC : NOT;
    case AND:
      if (byRegister) return IF_ASKED * SRC + IF_ASKED;
      return imm >= 0 ? NOT : IF_ASKED;
    case LSH:
      return byRegister || (imm & 63) < 32 ? IF_ASKED : NOT;
    case RSH:
    case ARSH:
      return ALWAYS;
    case DIV:
    case MOD:
      return byRegister ? ALWAYS * SRC + ALWAYS : ALWAYS;
    default:
      return byRegister ? IF_ASKED * SRC + IF_ASKED : IF_ASKED;
  }
}
