import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Log } from './log.ts';

/** Text to write so many times, or how much to take back in hundredths. */
const step = fc.oneof(
  fc.record({ text: fc.string({ maxLength: 8 }), times: fc.integer({ min: 1, max: 3000 }) }),
  fc.record({ back: fc.integer({ min: 0, max: 100 }) }),
);

describe('a log', () => {
  it('is what was written and not taken back, however it is kept', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const log = new Log(1);
        let model = '';
        for (const s of steps) {
          if ('text' in s) {
            for (let n = 0; n < s.times; n++) log.write(s.text);
            model += s.text.repeat(s.times);
          } else {
            model = model.slice(0, Math.floor((model.length * s.back) / 100));
            log.truncate(model.length);
          }
          expect(log.end).toBe(model.length);
        }
        expect(log.text()).toBe(model);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps the end of more text than there is room for', () => {
    const log = new Log(1);
    const piece = 'x'.repeat(1 << 16);
    for (let n = 0; n < 4096; n++) log.write(piece);
    log.write('the end');
    expect(log.end).toBe(piece.length * 4096 + 7);
    expect(log.text().length).toBeLessThanOrEqual(1 << 28);
    expect(log.text()).toMatch(/the end$/);
  });
});
