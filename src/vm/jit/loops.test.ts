import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Block } from './graph.ts';
import { findLoops } from './loops.ts';
import { makeReducible } from './reducible.ts';

const graphs = fc
  .integer({ min: 1, max: 14 })
  .chain((n) => fc.array(fc.array(fc.nat(n - 1), { maxLength: 3 }), { minLength: n, maxLength: n }));

/** What `from` leads to, itself included, without passing `without`. */
function reachable(blocks: readonly Block[], from: number, without: number): Set<number> {
  const seen = new Set<number>();
  const work = [from];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    if (seen.has(at) || at === without) continue;
    seen.add(at);
    work.push(...blocks[at]!.to);
  }
  return seen;
}

test('a block is in the loops from whose heads it is reached, and from which it comes back to them', () => {
  fc.assert(
    fc.property(graphs, (targets) => {
      const all = targets.map((to): Block => ({ start: 0, end: 1, kind: 'goto', to, choice: to.map(() => -1) }));
      // buildGraph makes no blocks that cannot be reached.
      const kept = [...reachable(all, 0, -1)].sort((a, b) => a - b);
      const blocks = kept.map((i): Block => ({ ...all[i]!, to: all[i]!.to.map((to) => kept.indexOf(to)) }));
      const flow = makeReducible(blocks);
      const loops = findLoops(blocks, flow);
      const isBack = (from: number, to: number): boolean => flow.rank[to]! <= flow.rank[from]!;
      blocks.forEach((_, header) => {
        const latches = blocks.flatMap(({ to }, i) => (to.includes(header) && isBack(i, header) ? [i] : []));
        blocks.forEach((_, block) => {
          const without = block === header ? -1 : header;
          const inside = latches.length > 0 && latches.some((l) => reachable(blocks, block, without).has(l));
          // In a reducible graph the header is on every way to its latches, so a block that gets there otherwise is inside.
          const chain: number[] = [];
          for (let at = loops.innermost[block]!; at >= 0; at = loops.around[at]!) chain.push(at);
          expect(chain.includes(header)).toBe(inside && dominatedBy(blocks, block, header));
          expect(chain.map((at) => loops.depth[at])).toEqual(chain.map((_, i) => chain.length - i));
        });
      });
    }),
    { numRuns: 500 },
  );
});

function dominatedBy(blocks: readonly Block[], block: number, header: number): boolean {
  return block === header || header === 0 || !reachable(blocks, 0, header).has(block);
}
