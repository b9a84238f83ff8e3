/**
 * Finds branches over a single move, `if a == b goto on; r1 = r2; on:`, which are what compilers make of a choice between two values.
 * WebAssembly can choose: without the branch there is nothing to predict, and the blocks around are one.
 */
import { BPF_ALU, BPF_ALU64, BPF_X } from '../../isa/index.ts';
import { OP_GOTO, OP_MAY_GOTO, type Operations } from '../operations.ts';
import { isBranch, slotsOf } from './graph.ts';

const MOV = 0xb0;

/**
 * By slot from `start` to `end`: 1 for a move that is only made when the branch before it, which is none then, is not taken.
 * Checked mode has none where the branch goes back: that takes fuel.
 */
export function findMoves(ops: Operations, start: number, end: number, checked: boolean): Uint8Array {
  const moves = new Uint8Array(end - start);
  const targets = new Uint8Array(end - start);
  for (let pc = start; pc < end; pc += slotsOf(ops.op[pc]!)) {
    const target = ops.target[pc]!;
    if ((ops.op[pc] === OP_GOTO || isBranch(ops.op[pc]!)) && target >= 0) targets[target - start] = 1;
  }
  for (let pc = start; pc + 2 < end; pc += slotsOf(ops.op[pc]!)) {
    const op = ops.op[pc]!;
    if (!isBranch(op) || op === OP_MAY_GOTO || !isMove(ops.op[pc + 1]!) || targets[pc + 1 - start] === 1) continue;
    const target = ops.target[pc]!;
    const meets = target === pc + 2 || (ops.op[pc + 2] === OP_GOTO && ops.target[pc + 2] === target);
    if (meets && (target > pc || !checked)) moves[pc + 1 - start] = 1;
  }
  return moves;
}

function isMove(op: number): boolean {
  const bare = op & ~BPF_X;
  return bare === (MOV | BPF_ALU) || bare === (MOV | BPF_ALU64);
}
