/**
 * What the numbers in registers lie between, where that says something about their upper halves.
 *
 * A register's interval is of its 64 bits unsigned, `hi` below 2^53, or everything (`hi` is Infinity). Blocks are walked
 * until nothing changes; what grows from one round of a loop to the next grows to the numbers that the function
 * compares with, so that a counter ends where its loop does, and soon to everything. Only what a path really shows is
 * used, nothing that the verifier knows: it holds for programs that nobody verified.
 */
import { BPF_ALU, BPF_ALU64, BPF_JMP32, BPF_LDX, BPF_ST, BPF_STX, BPF_X, byteSize, classOf } from '../../isa/index.ts';
import type { Callable } from '../code.ts';
import {
  isPacketOperation,
  OP_ATOMIC32,
  OP_ATOMIC64,
  OP_CALL_HELPER,
  OP_CALL_KFUNC,
  OP_LD_FUNC,
  OP_LD_IMM64,
  OP_LE16,
  OP_LE32,
  OP_MAY_GOTO,
  OP_MOVSX32_8,
  OP_MOVSX32_16,
  OP_PROBE,
  OP_SDIV,
  OP_SWAP16,
  OP_SWAP32,
  type Operations,
} from '../operations.ts';
import type { Flow } from './dominators.ts';
import { type Block, isBranch, slotsOf } from './graph.ts';

const REGISTERS = 11;
const FRAME_POINTER = 10;
const WORD = 2 ** 32 - 1;
const MOST = 2 ** 53 - 1;
const ALL = Number.POSITIVE_INFINITY;
/** Rounds of a loop after which what still grows is everything. */
const PATIENCE = 16;
/** Functions with more blocks than these are not looked at: their numbers are everything. */
const MAX_BLOCKS = 1 << 14;
/** Steps of the walk, in functions' worth, after which all numbers of a function are everything. */
const MAX_ROUNDS = 64;
const MEM = 0x60;

/** What a function is analysed with. */
export interface Subject {
  readonly ops: Operations;
  readonly blocks: readonly Block[];
  readonly flow: Flow;
  readonly calls: ReadonlyMap<number, Callable>;
  /** By slot from `start` on: the register that is written, or -1. */
  readonly written: Int8Array;
  /** By slot from `start` on: 1 for a move that may not be made. */
  readonly moves: Uint8Array;
  readonly start: number;
  readonly framePointer: number;
  /** Of all functions of the program. */
  readonly stack: { readonly start: number; readonly size: number };
  /** Arguments may be anything; else r1 is an address and the others are 0. */
  readonly anyArguments: boolean;
}

/** The intervals of all registers at one place: where each begins, then where each ends. */
type State = Float64Array;
const HI = REGISTERS;
const STATE_SIZE = 2 * REGISTERS;

function set(state: State, reg: number, lo: number, hi: number): void {
  const known = hi <= MOST && lo >= 0;
  state[reg] = known ? lo : 0;
  state[HI + reg] = known ? hi : ALL;
}

/** What does not fit into the width is everything of that width. */
function setOf(state: State, reg: number, lo: number, hi: number, wide: boolean): void {
  if (wide || (hi <= WORD && lo >= 0)) set(state, reg, lo, hi);
  else set(state, reg, 0, WORD);
}

/**
 * Which operations write a number below 2^32: 1, by slot from the function's first on. And which registers the first block is
 * entered with one in, as bits.
 */
export interface Sizes {
  readonly narrow: Uint8Array;
  readonly narrowAtEntry: number;
  /** Accesses that are surely inside the stack: 1, by slot as above. */
  readonly inStack: Uint8Array;
}

export function findSizes(subject: Subject): Sizes {
  const entry = entryState(subject);
  let atEntry = 0;
  for (let reg = 0; reg < REGISTERS; reg++) if (entry[HI + reg]! <= WORD) atEntry |= 1 << reg;
  const walk = new Walk(subject);
  walk.run(entry);
  return { narrow: walk.narrow, narrowAtEntry: atEntry, inStack: walk.inStack };
}

function entryState({ framePointer, anyArguments }: Subject): State {
  const state = new Float64Array(STATE_SIZE);
  for (let reg = 1; reg <= 5; reg++) set(state, reg, 0, anyArguments ? ALL : reg === 1 ? WORD : 0);
  set(state, FRAME_POINTER, framePointer, framePointer);
  return state;
}

class Walk {
  readonly #subject: Subject;
  /** What is known where each block begins, one state after the other; of those that one came to. */
  readonly #states: Float64Array;
  readonly #reached: Uint8Array;
  readonly #visits: Uint8Array;
  readonly #steps: readonly number[];

  readonly #relatives = new Relatives();
  readonly narrow: Uint8Array;
  readonly inStack: Uint8Array;

  constructor(subject: Subject) {
    this.#subject = subject;
    const count = subject.blocks.length;
    this.#states = new Float64Array(count <= MAX_BLOCKS ? count * STATE_SIZE : 0);
    this.#reached = new Uint8Array(count);
    this.#visits = new Uint8Array(count);
    this.#steps = comparedWith(subject);
    this.narrow = new Uint8Array(subject.written.length);
    this.inStack = new Uint8Array(subject.written.length);
  }

  run(entry: State): void {
    const { ops, blocks, flow } = this.#subject;
    const pending = new Uint8Array(blocks.length);
    const state = new Float64Array(STATE_SIZE);
    const side = new Float64Array(STATE_SIZE);
    if (blocks.length > MAX_BLOCKS) {
      this.#withoutFlow(state);
      return;
    }
    this.#join(0, entry, false);
    pending[0] = 1;
    let patience = MAX_ROUNDS * (blocks.length + 1);
    // In the order of the flow, again from the first block that has changed.
    for (let next = 0; next < flow.order.length; ) {
      if (patience-- === 0) {
        this.#withoutFlow(state);
        return;
      }
      const at = next++;
      const number = flow.order[at]!;
      if (pending[number] === 0) continue;
      pending[number] = 0;
      const block = blocks[number]!;
      for (let i = 0; i < STATE_SIZE; i++) state[i] = this.#states[number * STATE_SIZE + i]!;
      this.#walkBlock(block, state);
      for (let edge = 0; edge < block.to.length; edge++) {
        const to = block.to[edge]!;
        let known = state;
        if (block.kind === 'branch') {
          side.set(state);
          if (!follow(ops, side, block.end - 1, edge === 0)) continue;
          this.#tellRelatives(block.end - 1, state, side);
          known = side;
        }
        const back = flow.rank[to]! <= at;
        if (!this.#join(to, known, back)) continue;
        pending[to] = 1;
        if (back) next = Math.min(next, flow.rank[to]!);
      }
    }
  }

  /** Of a function that is too large: what operations say by themselves. */
  #withoutFlow(state: State): void {
    for (const block of this.#subject.blocks) {
      for (let reg = 0; reg < FRAME_POINTER; reg++) set(state, reg, 0, ALL);
      set(state, FRAME_POINTER, this.#subject.framePointer, this.#subject.framePointer);
      this.#walkBlock(block, state);
    }
  }

  /** What is known only ever gets less, so what the last walk says is what holds. */
  #walkBlock({ start, end }: Block, state: State): void {
    const { ops, written, moves, start: first } = this.#subject;
    this.#relatives.begin();
    for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
      this.inStack[pc - first] = isInStack(this.#subject, state, pc) ? 1 : 0;
      const reg = written[pc - first]!;
      if (reg < 0) continue;
      const lo = state[reg]!;
      const hi = state[HI + reg]!;
      this.#relatives.note(ops, pc, reg, state, moves[pc - first] === 1);
      apply(this.#subject, state, pc, reg);
      if (moves[pc - first] === 1) set(state, reg, Math.min(lo, state[reg]!), Math.max(hi, state[HI + reg]!));
      this.narrow[pc - first] = state[HI + reg]! <= WORD ? 1 : 0;
    }
  }

  /** What a comparison says of one register it says of those that differ from it by a constant. */
  #tellRelatives(pc: number, before: State, after: State): void {
    const { ops } = this.#subject;
    this.#relatives.tell(ops.dst[pc]!, before, after);
    if ((ops.op[pc]! & BPF_X) !== 0) this.#relatives.tell(ops.src[pc]!, before, after);
  }

  /** Whether what is known where a block begins is less than before. */
  #join(block: number, from: State, back: boolean): boolean {
    const at = block * STATE_SIZE;
    if (this.#reached[block] === 0) {
      this.#reached[block] = 1;
      this.#states.set(from, at);
      return true;
    }
    let changed = false;
    for (let reg = 0; reg < FRAME_POINTER; reg++) {
      if (from[reg]! >= this.#states[at + reg]! && from[HI + reg]! <= this.#states[at + HI + reg]!) continue;
      changed = true;
      this.#grow(at + reg, from[reg]!, from[HI + reg]!, back ? this.#visits[block]! : 0);
    }
    if (changed && back) this.#visits[block]!++;
    return changed;
  }

  /** Makes the interval at `at` hold another one. */
  #grow(at: number, lo: number, hi: number, visits: number): void {
    const states = this.#states;
    let low = Math.min(lo, states[at]!);
    let high = Math.max(hi, states[at + HI]!);
    if (visits > 0) {
      if (low < states[at]!) low = this.#steps.findLast((step) => step <= low) ?? 0;
      if (high > states[at + HI]!) high = this.#steps.find((step) => step >= high) ?? ALL;
    }
    const known = high <= MOST && visits < PATIENCE;
    states[at] = known ? low : 0;
    states[at + HI] = known ? high : ALL;
  }
}

/**
 * Which registers were made of the same number by adding constants, in one block: loops compare what a counter was before
 * they count it up.
 */
class Relatives {
  readonly #origin = new Float64Array(REGISTERS);
  readonly #added = new Float64Array(REGISTERS);
  #origins = 0;

  begin(): void {
    for (let reg = 0; reg < REGISTERS; reg++) this.#origin[reg] = this.#origins++;
    this.#added.fill(0);
  }

  /** An operation is about to write `reg`. */
  note(ops: Operations, pc: number, reg: number, state: State, conditional: boolean): void {
    const op = ops.op[pc]!;
    const wide = classOf(op) === BPF_ALU64;
    const src = ops.src[pc]!;
    const imm = ops.imm[pc]!;
    const isMove = op === (MOV | BPF_X | BPF_ALU64) || op === (MOV | BPF_X | BPF_ALU);
    const isSum = op === (ADD | BPF_ALU64) || op === (ADD | BPF_ALU);
    // Half of a number, or a sum that begins again at 0, is another number.
    if (isMove && !conditional && (wide || state[HI + src]! <= WORD)) {
      this.#origin[reg] = this.#origin[src]!;
      this.#added[reg] = this.#added[src]!;
    } else if (isSum && (wide || (state[reg]! + imm >= 0 && state[HI + reg]! + imm <= WORD))) {
      this.#added[reg]! += imm;
    } else {
      this.#origin[reg] = this.#origins++;
      this.#added[reg] = 0;
    }
  }

  /** `reg` was found to be less, or more, than before: so are the others. None of them is beyond 32 bits then. */
  tell(reg: number, before: State, after: State): void {
    if (before[reg] === after[reg] && before[HI + reg] === after[HI + reg]) return;
    for (let other = 0; other < FRAME_POINTER; other++) {
      if (other === reg || this.#origin[other] !== this.#origin[reg]) continue;
      const distance = this.#added[other]! - this.#added[reg]!;
      const lo = after[reg]! + distance;
      const hi = after[HI + reg]! + distance;
      if (lo < 0 || hi > WORD) continue;
      after[other] = Math.max(after[other]!, lo);
      after[HI + other] = Math.min(after[HI + other]!, hi);
    }
  }
}

/** Whether the operation is an access, and all of it is inside the stack wherever its address may lie. */
function isInStack({ ops, stack }: Subject, state: State, pc: number): boolean {
  const op = ops.op[pc]!;
  const cls = classOf(op);
  const atomic = op >= OP_ATOMIC32 && op < OP_CALL_HELPER;
  if (!atomic && (op >= 256 || (cls !== BPF_LDX && cls !== BPF_ST && cls !== BPF_STX))) return false;
  const reg = !atomic && cls === BPF_LDX ? ops.src[pc]! : ops.dst[pc]!;
  const size = atomic ? (op < OP_ATOMIC64 ? 4 : 8) : byteSize(op);
  const off = ops.off[pc]!;
  return state[reg]! + off >= stack.start && state[HI + reg]! + off + size <= stack.start + stack.size;
}

/** More numbers than these are not kept apart: a loop would have to be walked once for each. */
const MAX_STEPS = 64;

/** The numbers that a function compares with, and their neighbours, in order. */
function comparedWith({ ops, blocks }: Subject): readonly number[] {
  const steps = new Set([0, 2 ** 31 - 1, WORD]);
  for (const { kind, end } of blocks) {
    if (kind !== 'branch' || steps.size >= MAX_STEPS) continue;
    const imm = ops.imm[end - 1]!;
    if ((ops.op[end - 1]! & BPF_X) !== 0 || imm < 0) continue;
    for (const step of [imm - 1, imm, imm + 1]) if (step >= 0) steps.add(step);
  }
  return [...steps].sort((a, b) => a - b);
}

/** Does what an operation does, which writes `reg`. */
function apply(subject: Subject, state: State, pc: number, reg: number): void {
  const { ops } = subject;
  const op = ops.op[pc]!;
  const cls = classOf(op);
  if (op === OP_LD_IMM64) {
    const value = (ops.imm[pc + 1]! >>> 0) * 2 ** 32 + (ops.imm[pc]! >>> 0);
    set(state, reg, value, value);
  } else if (op < 256 && (cls === BPF_ALU || cls === BPF_ALU64)) {
    applyAlu(ops, state, pc, cls === BPF_ALU64);
  } else {
    set(state, reg, 0, mostWritten(subject, state, pc));
  }
}

/** The largest number that an operation other than arithmetic of one opcode writes. */
function mostWritten({ ops, calls }: Subject, state: State, pc: number): number {
  const op = ops.op[pc]!;
  if (op === OP_LD_FUNC || isPacketOperation(op)) return WORD;
  if (op === OP_CALL_HELPER || op === OP_CALL_KFUNC) {
    const ret = calls.get(pc)?.ret;
    return ret === 'ptr' || ret === 'void' ? WORD : ALL;
  }
  if (op === OP_PROBE) return mostLoaded(ops.imm[pc]!);
  if (op >= OP_ATOMIC32 && op < OP_ATOMIC64) return WORD;
  if (op >= OP_ATOMIC64) return ALL;
  if (op >= OP_SDIV) return mostExtended(op, state[HI + ops.dst[pc]!]!);
  return classOf(op) === BPF_LDX ? mostLoaded(op) : ALL;
}

function mostLoaded(opcode: number): number {
  const size = byteSize(opcode);
  return size === 8 || (opcode & 0xe0) !== MEM ? ALL : 2 ** (8 * size) - 1;
}

/** Of the arithmetic with numbers of its own. */
function mostExtended(op: number, dst: number): number {
  if (op < OP_MOVSX32_8) return (op & 3) < 2 ? WORD : ALL;
  switch (op) {
    case OP_MOVSX32_8:
    case OP_MOVSX32_16:
    case OP_SWAP32:
      return WORD;
    case OP_LE16:
    case OP_SWAP16:
      return 0xffff;
    case OP_LE32:
      return Math.min(dst, WORD);
    default:
      return ALL;
  }
}

function applyAlu(ops: Operations, state: State, pc: number, wide: boolean): void {
  const op = ops.op[pc]!;
  const dst = ops.dst[pc]!;
  const byRegister = (op & BPF_X) !== 0;
  const kind = op & 0xf0;
  const imm = ops.imm[pc]!;
  // Of a number that may be above 2^32, half is anything.
  const cut = !wide && state[HI + dst]! > WORD;
  const lo = cut ? 0 : state[dst]!;
  const hi = cut ? WORD : state[HI + dst]!;
  if (!byRegister && imm < 0 && kind === ADD) {
    // A number above 2^63, or 2^31, or a small one that is taken away.
    setOf(state, dst, lo + imm, hi + imm, wide);
  } else if (!byRegister && imm < 0 && wide) {
    set(state, dst, 0, kind === AND ? hi : ALL);
  } else if (!byRegister) {
    const value = wide ? imm : imm >>> 0;
    arithmetic(state, dst, kind, lo, hi, value, value, wide);
  } else {
    const src = ops.src[pc]!;
    if (!wide && state[HI + src]! > WORD) arithmetic(state, dst, kind, lo, hi, 0, WORD, wide);
    else arithmetic(state, dst, kind, lo, hi, state[src]!, state[HI + src]!, wide);
  }
}

const ADD = 0x00;
const SUB = 0x10;
const MUL = 0x20;
const DIV = 0x30;
const OR = 0x40;
const AND = 0x50;
const LSH = 0x60;
const RSH = 0x70;
const MOD = 0x90;
const XOR = 0xa0;
const MOV = 0xb0;
const ARSH = 0xc0;

/** Sets a register to what an operation of the kind makes of the number between `lo` and `hi` and another between `low` and `high`. */
function arithmetic(
  state: State,
  reg: number,
  kind: number,
  lo: number,
  hi: number,
  low: number,
  high: number,
  wide: boolean,
): void {
  const constant = low === high;
  switch (kind) {
    case ADD:
      return setOf(state, reg, lo + low, hi + high, wide);
    case SUB:
      // Below 0 it would begin again from above. Everything less everything is no number.
      return high === ALL ? setOf(state, reg, -1, ALL, wide) : setOf(state, reg, lo - high, hi - low, wide);
    case MUL:
      // Nor is 0 times everything.
      return setOf(state, reg, lo * low, hi === ALL || high === ALL ? ALL : hi * high, wide);
    case DIV:
      return setOf(state, reg, 0, constant && low > 0 ? Math.floor(hi / low) : hi, wide);
    case OR:
    case XOR:
      return setOf(state, reg, 0, allOnes(Math.max(hi, high)), wide);
    case AND:
      return setOf(state, reg, 0, Math.min(hi, high), wide);
    case LSH: {
      const by = 2 ** (low % (wide ? 64 : 32));
      return setOf(state, reg, lo * by, constant ? hi * by : ALL, wide);
    }
    case RSH:
      return shiftRight(state, reg, lo, hi, constant ? 2 ** (low % (wide ? 64 : 32)) : 0, wide);
    case ARSH:
      // A number with its highest bit set keeps it.
      if (hi >= (wide ? 2 ** 63 : 2 ** 31)) return setOf(state, reg, 0, ALL, wide);
      return shiftRight(state, reg, lo, hi, constant ? 2 ** (low % (wide ? 64 : 32)) : 0, wide);
    case MOD:
      return setOf(state, reg, 0, constant && low > 0 ? Math.min(hi, low - 1) : hi, wide);
    case MOV:
      return setOf(state, reg, low, high, wide);
    default:
      return setOf(state, reg, 0, ALL, wide);
  }
}

/** `by` is the power of two that the shift divides by; 0 where it is not known. */
function shiftRight(state: State, reg: number, lo: number, hi: number, by: number, wide: boolean): void {
  if (by === 0) setOf(state, reg, 0, hi, wide);
  else if (hi === ALL) setOf(state, reg, 0, 2 ** 64 / by - 1, wide);
  else setOf(state, reg, Math.floor(lo / by), Math.floor(hi / by), wide);
}

/** The least number of ones in a row that is not below `n`. */
function allOnes(n: number): number {
  if (n === ALL) return ALL;
  let ones = 1;
  while (ones - 1 < n) ones *= 2;
  return ones - 1;
}

const JEQ = 0x10;
const JGT = 0x20;
const JGE = 0x30;
const JSET = 0x40;
const JNE = 0x50;
const JSGT = 0x60;
const JSLE = 0xd0;
const OPPOSITE: Readonly<Record<number, number>> = {
  [0x10]: 0x50,
  [0x20]: 0xb0,
  [0x30]: 0xa0,
  [0x50]: 0x10,
  [0xa0]: 0x30,
  [0xb0]: 0x20,
};
/** Signed comparisons as the unsigned ones that they are among numbers without a sign. */
const UNSIGNED: Readonly<Record<number, number>> = { [0x60]: 0x20, [0x70]: 0x30, [0xc0]: 0xa0, [0xd0]: 0xb0 };

/** Learns from a branch that it was taken, or was not. False where it cannot be. */
function follow(ops: Operations, state: State, pc: number, taken: boolean): boolean {
  const op = ops.op[pc]!;
  if (!isBranch(op) || op === OP_MAY_GOTO || (op & 0xf0) === JSET) return true;
  const byRegister = (op & BPF_X) !== 0;
  const dst = ops.dst[pc]!;
  const src = byRegister ? ops.src[pc]! : -1;
  const narrow = classOf(op) === BPF_JMP32;
  const imm = narrow ? ops.imm[pc]! >>> 0 : ops.imm[pc]!;
  if (!byRegister && imm < 0) return true;
  const a = { lo: state[dst]!, hi: state[HI + dst]! };
  const b = byRegister ? { lo: state[src]!, hi: state[HI + src]! } : { lo: imm, hi: imm };
  let kind = op & 0xf0;
  const signed = kind >= JSGT && kind <= JSLE && UNSIGNED[kind] !== undefined;
  // Half of a number says nothing about the whole; and a sign none about what lies between.
  const limit = narrow ? (signed ? 2 ** 31 - 1 : WORD) : signed ? MOST : ALL;
  if (a.hi > limit || b.hi > limit) return true;
  if (signed) kind = UNSIGNED[kind]!;
  if (!taken) kind = OPPOSITE[kind]!;
  switch (kind) {
    case JEQ:
      a.lo = b.lo = Math.max(a.lo, b.lo);
      a.hi = b.hi = Math.min(a.hi, b.hi);
      break;
    case JNE:
      exclude(a, b);
      exclude(b, a);
      break;
    case JGT:
      order(b, a, 1);
      break;
    case JGE:
      order(b, a, 0);
      break;
    case 0xa0:
      order(a, b, 1);
      break;
    default:
      order(a, b, 0);
  }
  if (a.lo > a.hi || b.lo > b.hi) return false;
  if (dst !== FRAME_POINTER) set(state, dst, a.lo, a.hi);
  if (byRegister && src !== FRAME_POINTER && src !== dst) set(state, src, b.lo, b.hi);
  return true;
}

/** `small` plus `distance` is not above `large`. */
function order(small: { hi: number; lo: number }, large: { lo: number; hi: number }, distance: number): void {
  small.hi = Math.min(small.hi, large.hi - distance);
  large.lo = Math.max(large.lo, small.lo + distance);
}

/** `a` is not the one number that `b` is. */
function exclude(a: { lo: number; hi: number }, b: { readonly lo: number; readonly hi: number }): void {
  if (b.lo !== b.hi) return;
  if (a.lo === b.lo) a.lo++;
  if (a.hi === b.lo) a.hi--;
}
