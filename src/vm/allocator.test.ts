import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Allocator, GRANULE } from './allocator.ts';

test('blocks never overlap, keep their alignment, and everything joins again when all are free', () => {
  const step = fc.oneof(
    fc.record({ alloc: fc.integer({ min: 0, max: 5000 }), align: fc.constantFrom(1, 8, 16, 64, 4096) }),
    fc.record({ free: fc.nat(1000) }),
    fc.record({ extend: fc.integer({ min: 1, max: 64 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const allocator = new Allocator(65536);
      allocator.extend(65536 + 32768);
      const live: { start: number; end: number }[] = [];
      let used = 0;
      for (const s of steps) {
        if ('alloc' in s) {
          const start = allocator.alloc(s.alloc, s.align);
          if (start < 0) continue;
          const end = start + allocator.sizeOf(start)!;
          expect(end - start).toBeGreaterThanOrEqual(s.alloc);
          expect(start % s.align).toBe(0);
          expect(start).toBeGreaterThanOrEqual(65536);
          expect(end).toBeLessThanOrEqual(allocator.end);
          expect(live.some((b) => start < b.end && b.start < end)).toBe(false);
          live.push({ start, end });
          used += end - start;
        } else if ('free' in s) {
          const [block] = live.splice(s.free % (live.length || 1), 1);
          if (!block) continue;
          expect(allocator.free(block.start)).toBe(true);
          expect(allocator.free(block.start)).toBe(false);
          used -= block.end - block.start;
        } else {
          allocator.extend(allocator.end + s.extend * GRANULE);
        }
        expect(allocator.used).toBe(used);
      }
      for (const block of live) allocator.free(block.start);
      const whole = allocator.end - 65536;
      // One block again: half of it, which any list search must find, and then the rest.
      expect(allocator.alloc(Math.floor(whole / 2), 16)).toBe(65536);
    }),
    { numRuns: 200 },
  );
});

test('says so when no block is large enough', () => {
  const allocator = new Allocator(65536);
  expect(allocator.alloc(16, 16)).toBe(-1);
  allocator.extend(65536 + 64);
  expect(allocator.alloc(128, 16)).toBe(-1);
  expect(allocator.alloc(64, 16)).toBe(65536);
  expect(allocator.alloc(1, 16)).toBe(-1);
});
