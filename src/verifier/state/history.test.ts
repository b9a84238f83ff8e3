import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTRY, HIST_FLAGS, HIST_IDX, History } from './history.ts';

type Entry = [idx: number, flags: number];

function entriesOf({ lanes, start, count }: History): Entry[] {
  return Array.from({ length: count }, (_, k) => {
    const at = start + k * ENTRY;
    return [lanes[at + HIST_IDX]!, lanes[at + HIST_FLAGS]!];
  });
}

const step = fc.constantFrom('note', 'note', 'note', 'add', 'put aside', 'put aside anew', 'keep', 'take');

describe('the history of a path', () => {
  it('is its own, whatever is written on the paths walked before the ones put aside', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const live = new History();
        let model: Entry[] = [];
        const waiting: { history: History; model: Entry[] }[] = [];
        const kept: { history: History; model: Entry[] }[] = [];
        for (const [n, what] of steps.entries()) {
          if (what === 'note') {
            live.push(n, n - 1, 1, 0, 0);
            model.push([n, 1]);
          } else if (what === 'add' && model.length > 0) {
            live.lanes[live.last() + HIST_FLAGS]! |= 2;
            model[model.length - 1]![1] |= 2;
          } else if (what === 'put aside') {
            const history = new History();
            live.share(history);
            waiting.push({ history, model: structuredClone(model) });
          } else if (what === 'put aside anew') {
            const history = new History();
            live.shareNothing(history);
            waiting.push({ history, model: [] });
          } else if (what === 'keep') {
            const history = new History();
            history.copyFrom(live);
            kept.push({ history, model: structuredClone(model) });
            live.clear();
            model = [];
          } else if (what === 'take') {
            const next = waiting.pop();
            if (!next) continue;
            live.resume(next.history, waiting.at(-1)?.history);
            model = next.model;
          }
          expect(entriesOf(live)).toEqual(model);
        }
        for (const { history, model: wanted } of kept) expect(entriesOf(history)).toEqual(wanted);
      }),
    );
  });
});
