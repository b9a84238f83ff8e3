/**
 * The control-flow graph of one function: blocks of instructions, and where each goes.
 *
 * Only what can be reached from the entry is in it. Block 0 is the entry. A block that falls into the next one ends
 * like a goto.
 */
import {
  OP_EXIT,
  OP_GOTO,
  OP_ILLEGAL,
  OP_LD_FUNC,
  OP_LD_IMM64,
  OP_MAY_GOTO,
  OP_THROW,
  type Operations,
} from '../operations.ts';

export interface Block {
  /** First slot, and the slot behind the last. Equal in a dispatcher. */
  readonly start: number;
  readonly end: number;
  /** `leave`: it does not go on in this function. `branch`: `to[0]` when its condition holds, else `to[1]`. */
  readonly kind: 'leave' | 'goto' | 'branch' | 'dispatch';
  /** Blocks it goes to. */
  readonly to: number[];
  /** For each of them: which entry of a dispatcher is meant, or -1 where the block is no dispatcher. */
  readonly choice: number[];
  /** A dispatcher's register, where it goes by one: to `to[n]` where that is n. */
  readonly by?: number;
}

/** Whether an operation ends a block with a condition: a comparing jump or may_goto. */
export function isBranch(op: number): boolean {
  if (op >= 256) return false;
  const cls = op & 7;
  const kind = op & 0xf0;
  return (
    (cls === 5 || cls === 6) && kind !== 0 && kind !== 0x80 && kind !== 0x90 && (kind < 0xe0 || op === OP_MAY_GOTO)
  );
}

/** `moves` is what `findMoves` answers for the same slots. */
export function buildGraph(ops: Operations, start: number, end: number, moves: Uint8Array): Block[] {
  const leaders = new Uint8Array(end - start);
  leaders[0] = 1;
  for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
    const op = ops.op[pc]!;
    if (op === OP_GOTO || (isBranch(op) && moves[pc + 1 - start] !== 1)) leaders[ops.target[pc]! - start] = 1;
  }
  const blocks: Block[] = [];
  const blockAt = new Map<number, number>();
  const blockOf = (pc: number): number => {
    const known = blockAt.get(pc);
    if (known !== undefined) return known;
    const block = readBlock(ops, leaders, moves, start, pc);
    blockAt.set(pc, blocks.length);
    return blocks.push(block) - 1;
  };
  blockOf(start);
  // Blocks come into being as others name them; their targets are slots at first, then numbers of blocks.
  for (let i = 0; i < blocks.length; i++) {
    const { to } = blocks[i]!;
    for (let k = 0; k < to.length; k++) to[k] = blockOf(to[k]!);
  }
  return blocks;
}

function readBlock(ops: Operations, leaders: Uint8Array, moves: Uint8Array, base: number, start: number): Block {
  let pc = start;
  for (;;) {
    const op = ops.op[pc]!;
    const next = pc + slotsOf(op);
    if (op === OP_EXIT || op === OP_ILLEGAL || op === OP_THROW) return block(start, next, 'leave', []);
    if (op === OP_GOTO) return block(start, next, 'goto', [ops.target[pc]!]);
    if (isBranch(op) && moves[next - base] !== 1) return block(start, next, 'branch', [ops.target[pc]!, next]);
    if (leaders[next - base] === 1) return block(start, next, 'goto', [next]);
    pc = next;
  }
}

function block(start: number, end: number, kind: Block['kind'], to: number[]): Block {
  return { start, end, kind, to, choice: to.map(() => -1) };
}

/** A block that goes to `entries[n]` where n is what the choice says. */
export function dispatcher(entries: readonly number[]): Block {
  return { start: 0, end: 0, kind: 'dispatch', to: [...entries], choice: entries.map(() => -1) };
}

/** The block with, at its end, a jump by what is in a register instead of a comparison. */
export function switchOn({ start, end }: Block, by: number, to: readonly number[]): Block {
  return { start, end, kind: 'dispatch', to: [...to], choice: to.map(() => -1), by };
}

export function slotsOf(op: number): number {
  return op === OP_LD_IMM64 || op === OP_LD_FUNC ? 2 : 1;
}
