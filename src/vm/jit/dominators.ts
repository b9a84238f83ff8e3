/**
 * In what order blocks stand, and which block every way to another leads through.
 *
 * Dominators by Semi-NCA (Georgiadis: Linear-Time Algorithms for Dominators and Related Problems, 2005): depth-first
 * numbers, semidominators with path compression, then each node climbs from its parent. No recursion: programs may be
 * long chains.
 */
import type { Block } from './graph.ts';

export interface Flow {
  /** Blocks in reverse postorder; the entry first. */
  readonly order: readonly number[];
  /** Position of a block in `order`; -1 where it cannot be reached. */
  readonly rank: Int32Array;
  /** The immediate dominator of each block; of the entry itself. */
  readonly idom: Int32Array;
  /** See `dominates`. */
  readonly enter: Int32Array;
  readonly leave: Int32Array;
}

export function analyseFlow(blocks: readonly Block[]): Flow {
  const n = blocks.length;
  const preorder: number[] = [];
  const number = new Int32Array(n).fill(-1);
  const parent = new Int32Array(n).fill(-1);
  const post: number[] = [];
  const next = new Int32Array(n);
  const stack = [0];
  number[0] = 0;
  preorder.push(0);
  while (stack.length > 0) {
    const at = stack[stack.length - 1]!;
    const { to } = blocks[at]!;
    if (next[at]! === to.length) {
      post.push(at);
      stack.pop();
      continue;
    }
    // The last target first: so the first, a taken branch, comes after it in the order.
    const target = to[next[at]!++]!;
    if (number[target]! >= 0) continue;
    number[target] = preorder.length;
    parent[target] = at;
    preorder.push(target);
    stack.push(target);
  }
  const order = post.reverse();
  const rank = new Int32Array(n).fill(-1);
  order.forEach((block, i) => {
    rank[block] = i;
  });
  const idom = semiNca(blocks, preorder, number, parent);
  return { order, rank, idom, ...intervals(order, idom) };
}

function semiNca(
  blocks: readonly Block[],
  preorder: readonly number[],
  number: Int32Array,
  parent: Int32Array,
): Int32Array {
  const count = preorder.length;
  const { from, first } = predecessors(blocks, preorder, number);
  // From here on blocks are known by their preorder number.
  const up = new Int32Array(count);
  for (let v = 1; v < count; v++) up[v] = number[parent[preorder[v]!]!]!;
  const semi = Int32Array.from({ length: count }, (_, i) => i);
  const label = semi.slice();
  const ancestor = up.slice();
  const idom = up.slice();
  const path: number[] = [];
  for (let v = count - 1; v > 0; v--) {
    let best = v;
    for (let i = first[v]!; i < first[v + 1]!; i++) {
      const u = from[i]!;
      const candidate = u <= v ? u : semi[evaluate(u, v, ancestor, label, semi, path)]!;
      if (candidate < best) best = candidate;
    }
    semi[v] = best;
  }
  for (let v = 1; v < count; v++) {
    let d = idom[v]!;
    while (d > semi[v]!) d = idom[d]!;
    idom[v] = d;
  }
  const answer = new Int32Array(blocks.length).fill(-1);
  for (let v = 0; v < count; v++) answer[preorder[v]!] = preorder[idom[v]!]!;
  return answer;
}

/** The node with the least semidominator on the way from `u` up to, and not with, the last processed node `limit`. */
function evaluate(
  u: number,
  limit: number,
  ancestor: Int32Array,
  label: Int32Array,
  semi: Int32Array,
  path: number[],
): number {
  path.length = 0;
  let at = u;
  while (ancestor[at]! > limit) {
    path.push(at);
    at = ancestor[at]!;
  }
  // Compress: everything on the path now hangs where its top hangs.
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i]!;
    const above = ancestor[node]!;
    if (semi[label[above]!]! < semi[label[node]!]!) label[node] = label[above]!;
    ancestor[node] = ancestor[above]!;
  }
  return label[u]!;
}

/** Predecessors of each node by preorder number: those of `v` are `from[first[v]]` up to `from[first[v + 1]]`. */
function predecessors(
  blocks: readonly Block[],
  preorder: readonly number[],
  number: Int32Array,
): { from: Int32Array; first: Int32Array } {
  const count = preorder.length;
  const first = new Int32Array(count + 1);
  for (const block of preorder) for (const target of blocks[block]!.to) first[number[target]! + 1]!++;
  for (let v = 0; v < count; v++) first[v + 1]! += first[v]!;
  const from = new Int32Array(first[count]!);
  const fill = first.slice();
  preorder.forEach((block, v) => {
    for (const target of blocks[block]!.to) from[fill[number[target]!]!++] = v;
  });
  return { from, first };
}

/** Numbers by which "is below in the dominator tree" is two comparisons: a node and what is below it are neighbours. */
function intervals(order: readonly number[], idom: Int32Array): { enter: Int32Array; leave: Int32Array } {
  const size = new Int32Array(idom.length);
  for (let i = order.length - 1; i >= 0; i--) {
    const block = order[i]!;
    size[block]!++;
    if (i > 0) size[idom[block]!]! += size[block]!;
  }
  const enter = new Int32Array(idom.length);
  const leave = new Int32Array(idom.length);
  const room = new Int32Array(idom.length);
  order.forEach((block, i) => {
    const above = idom[block]!;
    enter[block] = i === 0 ? 0 : room[above]!;
    if (i > 0) room[above]! += size[block]!;
    leave[block] = enter[block]! + size[block]!;
    room[block] = enter[block]! + 1;
  });
  return { enter, leave };
}

/** Whether `a` is on every way from the entry to `b`. */
export function dominates(flow: Flow, a: number, b: number): boolean {
  return flow.enter[a]! <= flow.enter[b]! && flow.enter[b]! < flow.leave[a]!;
}
