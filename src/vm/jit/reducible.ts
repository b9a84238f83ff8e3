/**
 * Makes every loop have one entry, so that the structure of the graph can be written down with blocks and loops.
 *
 * A loop that is entered at several places gets a dispatcher: every edge to one of its entries first sets which one is
 * meant and goes to the dispatcher, which goes on from there. The dispatcher is then the one entry. Compilers hardly
 * ever emit such loops; hand-written programs may.
 */
import { analyseFlow, dominates, type Flow } from './dominators.ts';
import { type Block, dispatcher } from './graph.ts';

/** Loops nested deeper than this get one dispatcher for all of their blocks, which ends the search in them. */
const MAX_DEPTH = 32;

/** Adds dispatchers to `blocks`, all of which can be reached, where loops need them; answers the flow of the result. */
export function makeReducible(blocks: Block[]): Flow {
  const flow = analyseFlow(blocks);
  if (isReducible(blocks, flow)) return flow;
  const work: { members: number[]; depth: number }[] = [{ members: [...flow.order], depth: 0 }];
  for (let region = work.pop(); region; region = work.pop()) {
    for (const loop of loopsIn(blocks, region.members)) {
      const inside = new Set(loop);
      const flat = region.depth >= MAX_DEPTH;
      const entries = flat ? loop : entriesOf(blocks, inside);
      if (flat || entries.length > 1) {
        redirect(blocks, entries);
        if (flat) continue;
        // The dispatcher is the loop's entry now; what still loops without passing it is an inner loop.
        work.push({ members: loop, depth: region.depth + 1 });
      } else {
        work.push({ members: loop.filter((b) => b !== entries[0]), depth: region.depth + 1 });
      }
    }
  }
  return analyseFlow(blocks);
}

/** Whether every edge that goes back goes to a block that dominates where it comes from. */
export function isReducible(blocks: readonly Block[], flow: Flow): boolean {
  for (const block of flow.order) {
    for (const target of blocks[block]!.to) {
      if (flow.rank[target]! <= flow.rank[block]! && !dominates(flow, target, block)) return false;
    }
  }
  return true;
}

/** Blocks of a loop that are reached from outside of it; of the whole function, if that begins in it. */
function entriesOf(blocks: readonly Block[], inside: ReadonlySet<number>): number[] {
  const entries = new Set<number>(inside.has(0) ? [0] : []);
  blocks.forEach((block, i) => {
    if (!inside.has(i)) for (const target of block.to) if (inside.has(target)) entries.add(target);
  });
  return [...entries];
}

function redirect(blocks: Block[], entries: readonly number[]): void {
  const which = new Map(entries.map((entry, i) => [entry, i]));
  const hub = blocks.length;
  for (const block of blocks) {
    for (let k = 0; k < block.to.length; k++) {
      const choice = which.get(block.to[k]!);
      if (choice === undefined) continue;
      block.to[k] = hub;
      block.choice[k] = choice;
    }
  }
  blocks.push(dispatcher(entries));
}

/** The loops among `members`: strongly connected components with an edge inside. Tarjan's algorithm without recursion. */
function loopsIn(blocks: readonly Block[], members: readonly number[]): number[][] {
  const loops: number[][] = [];
  const inside = new Set(members);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const pending: number[] = [];
  const onPending = new Set<number>();
  const walk: { block: number; edge: number }[] = [];
  const begin = (block: number): void => {
    index.set(block, index.size);
    low.set(block, index.get(block)!);
    pending.push(block);
    onPending.add(block);
    walk.push({ block, edge: 0 });
  };
  for (const root of members) {
    if (!index.has(root)) begin(root);
    for (let at = walk.at(-1); at; at = walk.at(-1)) {
      const { block } = at;
      const { to } = blocks[block]!;
      if (at.edge < to.length) {
        const target = to[at.edge++]!;
        if (!inside.has(target)) continue;
        if (!index.has(target)) begin(target);
        else if (onPending.has(target)) low.set(block, Math.min(low.get(block)!, index.get(target)!));
        continue;
      }
      walk.pop();
      const above = walk.at(-1);
      if (above) low.set(above.block, Math.min(low.get(above.block)!, low.get(block)!));
      if (low.get(block) !== index.get(block)) continue;
      const component: number[] = [];
      for (let member = -1; member !== block; ) {
        member = pending.pop()!;
        onPending.delete(member);
        component.push(member);
      }
      if (component.length > 1 || to.includes(block)) loops.push(component);
    }
  }
  return loops;
}
