/** Which functions of a program are so simple that a call of them is replaced by what they do. */
import { FRAME_POINTER } from '../../isa/index.ts';
import {
  OP_CALL_SUBPROG,
  OP_EXIT,
  OP_GOTO,
  OP_ILLEGAL,
  OP_TAIL_CALL,
  OP_THROW,
  type Operations,
} from '../operations.ts';
import { isBranch, slotsOf } from './graph.ts';

/** Slots, with those of the functions that it calls in turn. */
const MAX_SLOTS = 24;
/** How deep functions call functions. */
const MAX_DEPTH = 3;

/**
 * The slot behind the exit of function `fn`, where it is one short block that needs no stack; else -1. What it calls in turn
 * must be as simple.
 */
export function inlineEnd(ops: Operations, fn: number): number {
  const budget = { slots: MAX_SLOTS };
  return endWithin(ops, fn, budget, MAX_DEPTH);
}

function endWithin(ops: Operations, fn: number, budget: { slots: number }, depth: number): number {
  for (let pc = ops.bounds[fn]!; pc < ops.bounds[fn + 1]!; pc += slotsOf(ops.op[pc]!)) {
    const op = ops.op[pc]!;
    if (op === OP_EXIT) return pc + 1;
    if (budget.slots-- === 0) return -1;
    if (op === OP_GOTO || op === OP_ILLEGAL || op === OP_THROW || op === OP_TAIL_CALL || isBranch(op)) return -1;
    if (ops.dst[pc] === FRAME_POINTER || ops.src[pc] === FRAME_POINTER) return -1;
    if (op === OP_CALL_SUBPROG && (depth === 0 || endWithin(ops, ops.target[pc]!, budget, depth - 1) < 0)) return -1;
  }
  return -1;
}
