/**
 * Which loop each block of a reducible graph is in.
 *
 * A loop is known by its header. Headers are taken from the last in the order to the first, so inner loops come before
 * those around them; what is found walking back from a jump to the header is in its loop, and a loop that is found
 * there is inside it as a whole (Havlak: Nesting of Reducible and Irreducible Loops, 1997, for the reducible case).
 */
import type { Flow } from './dominators.ts';
import type { Block } from './graph.ts';

export interface Loops {
  /** Header of the innermost loop that a block is in, its own if it is one; -1 in none. */
  readonly innermost: Int32Array;
  /** For a header, that of the next loop around it; -1 for none. */
  readonly around: Int32Array;
  /** For a header, how many loops it is in. */
  readonly depth: Int32Array;
}

export function findLoops(blocks: readonly Block[], flow: Flow): Loops {
  const n = blocks.length;
  const innermost = new Int32Array(n).fill(-1);
  const around = new Int32Array(n).fill(-1);
  const depth = new Int32Array(n);
  // The outermost loop found so far that a block is in, by way of others that are: halved as it is followed.
  const inside = new Int32Array(n);
  for (let i = 0; i < n; i++) inside[i] = i;
  const outermost = (block: number): number => {
    let at = block;
    while (inside[at] !== at) {
      inside[at] = inside[inside[at]!]!;
      at = inside[at]!;
    }
    return at;
  };
  const from = forwardPredecessors(blocks, flow);
  const latches = backEdges(blocks, flow);
  for (let i = flow.order.length - 1; i >= 0; i--) {
    const header = flow.order[i]!;
    const work = latches.get(header);
    if (work === undefined) continue;
    innermost[header] = header;
    while (work.length > 0) {
      const at = outermost(work.pop()!);
      if (at === header) continue;
      inside[at] = header;
      if (innermost[at] === at) around[at] = header;
      else innermost[at] = header;
      for (const block of from[at]!) work.push(block);
    }
  }
  for (const header of flow.order) {
    if (innermost[header] === header) depth[header] = around[header]! < 0 ? 1 : depth[around[header]!]! + 1;
  }
  return { innermost, around, depth };
}

function isBack(flow: Flow, from: number, to: number): boolean {
  return flow.rank[to]! <= flow.rank[from]!;
}

/** Header -> the blocks that jump back to it. */
function backEdges(blocks: readonly Block[], flow: Flow): Map<number, number[]> {
  const latches = new Map<number, number[]>();
  for (const block of flow.order) {
    for (const to of blocks[block]!.to) {
      if (!isBack(flow, block, to)) continue;
      const list = latches.get(to);
      if (list) list.push(block);
      else latches.set(to, [block]);
    }
  }
  return latches;
}

function forwardPredecessors(blocks: readonly Block[], flow: Flow): number[][] {
  const from: number[][] = Array.from({ length: blocks.length }, () => []);
  for (const block of flow.order) {
    for (const to of blocks[block]!.to) if (!isBack(flow, block, to)) from[to]!.push(block);
  }
  return from;
}
