import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyseFlow, dominates } from './dominators.ts';
import type { Block } from './graph.ts';
import { makeReducible } from './reducible.ts';

/** Any graph: for each block up to three targets. */
const graphs = fc
  .integer({ min: 1, max: 14 })
  .chain((n) => fc.array(fc.array(fc.nat(n - 1), { maxLength: 3 }), { minLength: n, maxLength: n }));

function blocksOf(targets: readonly (readonly number[])[]): Block[] {
  return targets.map((to) => ({ start: 0, end: 1, kind: 'goto', to: [...to], choice: to.map(() => -1) }));
}

/** Blocks that can be reached from the entry without passing `without`. */
function reachable(blocks: readonly Block[], without: number): Set<number> {
  const seen = new Set<number>();
  const work = without === 0 ? [] : [0];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    if (seen.has(at) || at === without) continue;
    seen.add(at);
    work.push(...blocks[at]!.to);
  }
  return seen;
}

test('a block dominates what cannot be reached without it', () => {
  fc.assert(
    fc.property(graphs, (targets) => {
      const blocks = blocksOf(targets);
      const flow = analyseFlow(blocks);
      const all = reachable(blocks, -1);
      expect(new Set(flow.order)).toEqual(all);
      for (const a of all) {
        const without = reachable(blocks, a);
        for (const b of all) expect(dominates(flow, a, b)).toBe(a === b || !without.has(b));
      }
    }),
    { numRuns: 300 },
  );
});

/** The same graph without what cannot be reached, as buildGraph makes them. */
function pruned(targets: readonly (readonly number[])[]): number[][] {
  const kept = [...reachable(blocksOf(targets), -1)].sort((a, b) => a - b);
  return kept.map((block) => targets[block]!.map((target) => kept.indexOf(target)));
}

test('any graph becomes reducible, and every way through it stays', () => {
  fc.assert(
    fc.property(graphs.map(pruned), (targets) => {
      const before = blocksOf(targets);
      const blocks = blocksOf(targets);
      const flow = makeReducible(blocks);
      for (const block of flow.order) {
        for (const target of blocks[block]!.to) {
          if (flow.rank[target]! <= flow.rank[block]!) expect(dominates(flow, target, block)).toBe(true);
        }
      }
      // Following the choices through the dispatchers leads where the edge led.
      before.forEach((block, i) => {
        block.to.forEach((target, edge) => {
          let at = blocks[i]!.to[edge]!;
          const choice = blocks[i]!.choice[edge]!;
          if (blocks[at]!.kind === 'dispatch') at = blocks[at]!.to[choice]!;
          expect(at).toBe(target);
        });
      });
    }),
    { numRuns: 1000 },
  );
});

test('a chain of a hundred thousand blocks is no deeper than one', () => {
  const n = 100_000;
  const flow = analyseFlow(blocksOf(Array.from({ length: n }, (_, i) => (i + 1 < n ? [i + 1, n - 1] : []))));
  expect(flow.order.length).toBe(n);
  expect(flow.idom[n - 1]).toBe(0);
});
