/**
 * Writes a reducible graph down as nested blocks and loops (Ramsey: Beyond Relooper, ICFP 2022).
 *
 * A block's children in the dominator tree stand inside or behind it. A child that several edges lead to (a merge)
 * stands behind a wasm `block` that ends just before it, so every edge to it is a `br` out; a block that edges lead back to is a
 * wasm `loop`. Anything else follows in place. What a loop is left for stands behind its wasm `loop`, and not in it as the
 * dominator tree would have it: engines take a wasm loop for a loop, and are careful with large ones. The work list replaces recursion: graphs may be as deep as programs are long.
 */
import type { CodeWriter } from '../wasm/code.ts';
import { BLOCK, BR, BR_IF, BR_TABLE, IF, LOOP } from '../wasm/opcodes.ts';
import type { Flow } from './dominators.ts';
import type { Block } from './graph.ts';
import { findLoops, type Loops } from './loops.ts';

/** What only the translator of instructions knows. */
export interface BlockWriter {
  /** The instructions of a block, but a jump at its end. */
  body(block: Block): void;
  /** Leaves on the stack whether the branch at the block's end is taken, or with `negate` whether it is not. */
  condition(block: Block, negate: boolean): void;
  /** What goes with an edge: says which entry of a dispatcher is meant, burns fuel. False where that is nothing. */
  hasEdgeCode(block: Block, edge: number): boolean;
  edge(block: Block, edge: number): void;
  /** Puts on the stack what the edge to a dispatcher said. */
  choice(block: Block): void;
}

type Work =
  /** A block with all that it dominates. */
  | { readonly kind: 'tree'; readonly block: number }
  /** The block itself, once the wasm blocks of its merges are open. */
  | { readonly kind: 'block'; readonly block: number }
  | { readonly kind: 'edge'; readonly block: number; readonly edge: number }
  /** Closes a wasm block; `label`: the merge that follows and can be reached no more. */
  | { readonly kind: 'end' };

export function writeStructure(code: CodeWriter, blocks: readonly Block[], flow: Flow, writer: BlockWriter): void {
  const { isMerge, isLoop } = classify(blocks, flow);
  const { merges, exits } = standBehind(blocks, flow, isMerge, isLoop.includes(1));
  /** Depth by which `br` finds the wasm block before a merge, and the wasm loop of a loop. */
  const mergeLabel = new Int32Array(blocks.length);
  const loopLabel = new Int32Array(blocks.length);
  const work: Work[] = [{ kind: 'tree', block: flow.order[0]! }];

  const isBack = (from: number, to: number): boolean => flow.rank[to]! <= flow.rank[from]!;
  const labelOf = (from: number, to: number): number =>
    isBack(from, to) ? loopLabel[to]! : isMerge[to] === 1 ? mergeLabel[to]! : -1;

  /** Opens a wasm block for each: they end in turn, and each block follows there. The last in the order opens first. */
  function openBefore(list: readonly number[] = []): void {
    for (const merge of list) {
      mergeLabel[merge] = code.open(BLOCK);
      work.push({ kind: 'tree', block: merge }, { kind: 'end' });
    }
  }

  function writeTree(block: number): void {
    if (isLoop[block] === 1) {
      openBefore(exits[block]);
      loopLabel[block] = code.open(LOOP);
      work.push({ kind: 'end' });
    }
    openBefore(merges[block]);
    work.push({ kind: 'block', block });
  }

  function writeBranch(block: number): void {
    const b = blocks[block]!;
    const plain = (edge: number): number => (writer.hasEdgeCode(b, edge) ? -1 : labelOf(block, b.to[edge]!));
    if (plain(0) >= 0) {
      writer.condition(b, false);
      code.branch(BR_IF, plain(0));
      work.push({ kind: 'edge', block, edge: 1 });
    } else if (plain(1) >= 0) {
      writer.condition(b, true);
      code.branch(BR_IF, plain(1));
      work.push({ kind: 'edge', block, edge: 0 });
    } else {
      // No edge ever falls out of the `if`, so the other one follows behind it instead of in an `else`.
      writer.condition(b, false);
      code.open(IF);
      work.push({ kind: 'edge', block, edge: 1 }, { kind: 'end' }, { kind: 'edge', block, edge: 0 });
    }
  }

  function writeBlock(block: number): void {
    const b = blocks[block]!;
    writer.body(b);
    if (b.kind === 'goto') {
      work.push({ kind: 'edge', block, edge: 0 });
    } else if (b.kind === 'branch') {
      writeBranch(block);
    } else if (b.kind === 'dispatch') {
      writer.choice(b);
      code.branchTable(
        BR_TABLE,
        b.to.map((to) => labelOf(block, to)),
      );
    }
  }

  function writeEdge(block: number, edge: number): void {
    const b = blocks[block]!;
    const to = b.to[edge]!;
    writer.edge(b, edge);
    const label = labelOf(block, to);
    if (label >= 0) code.branch(BR, label);
    else work.push({ kind: 'tree', block: to });
  }

  for (let item = work.pop(); item; item = work.pop()) {
    if (item.kind === 'tree') writeTree(item.block);
    else if (item.kind === 'block') writeBlock(item.block);
    else if (item.kind === 'edge') writeEdge(item.block, item.edge);
    else code.end();
  }
}

/** Blocks that several forward edges, or a dispatcher, lead to; and blocks that edges lead back to. */
function classify(blocks: readonly Block[], flow: Flow): { isMerge: Uint8Array; isLoop: Uint8Array } {
  const incoming = new Int32Array(blocks.length);
  const isMerge = new Uint8Array(blocks.length);
  const isLoop = new Uint8Array(blocks.length);
  for (const from of flow.order) {
    const { to, kind } = blocks[from]!;
    for (const target of to) {
      if (flow.rank[target]! <= flow.rank[from]!) isLoop[target] = 1;
      else if (++incoming[target]! > 1 || kind === 'dispatch') isMerge[target] = 1;
    }
  }
  return { isMerge, isLoop };
}

/** By block; undefined where there is nothing. */
type Lists = readonly (readonly number[] | undefined)[];

/** Deeper nests of loops are written as the dominator tree has it: looking for the way out would take long. */
const MAX_NEST = 64;

/**
 * For each block the merges that it immediately dominates, and for each head of a loop the blocks that the loop, with all that
 * is in it, is left for; last in the order first. The latter become merges if they are none.
 */
function standBehind(
  blocks: readonly Block[],
  flow: Flow,
  isMerge: Uint8Array,
  hasLoops: boolean,
): { merges: Lists; exits: Lists } {
  const found = hasLoops ? findLoops(blocks, flow) : null;
  const loops = found?.depth.every((depth) => depth <= MAX_NEST) ? found : null;
  const merges: (number[] | undefined)[] = new Array(blocks.length).fill(undefined);
  const exits: (number[] | undefined)[] = new Array(blocks.length).fill(undefined);
  for (let i = flow.order.length - 1; i > 0; i--) {
    const block = flow.order[i]!;
    const left = loops ? outermostLeft(loops, flow.idom[block]!, block) : -1;
    if (left >= 0) {
      isMerge[block] = 1;
      addTo(exits, left, block);
    } else if (isMerge[block] === 1) {
      addTo(merges, flow.idom[block]!, block);
    }
  }
  return { merges, exits };
}

function addTo(lists: (number[] | undefined)[], at: number, block: number): void {
  const list = lists[at];
  if (list) list.push(block);
  else lists[at] = [block];
}

/** Head of the outermost loop that `from` is in and `to` is not; -1 for none. */
function outermostLeft(loops: Loops, from: number, to: number): number {
  const common = loops.innermost[to]!;
  const depthOf = (header: number): number => (header < 0 ? 0 : loops.depth[header]!);
  let left = -1;
  // A loop that a block is in and its dominator is not begins with that block.
  const limit = common === to ? depthOf(loops.around[to]!) : depthOf(common);
  for (let at = loops.innermost[from]!; depthOf(at) > limit; at = loops.around[at]!) left = at;
  return left;
}
