import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinearMemory, NULL_PAGE } from './memory.ts';

test('hands out zeroed blocks, also where a block was used before', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 9000 }), fc.boolean()), { maxLength: 60 }), (steps) => {
      const mem = new LinearMemory({ limit: 1 << 20 });
      const live: number[] = [];
      for (const [size, drop] of steps) {
        const addr = mem.alloc(size);
        if (addr === 0) continue;
        expect(addr).toBeGreaterThanOrEqual(NULL_PAGE);
        expect(mem.read(addr, size).every((b) => b === 0)).toBe(true);
        mem.fill(addr, size, 0xa5);
        live.push(addr);
        if (drop) mem.free(live.shift()!);
      }
    }),
    { numRuns: 50 },
  );
});

test('refuses more than its limit and stays usable', () => {
  const mem = new LinearMemory({ limit: 1 << 20 });
  const addr = mem.alloc(1 << 20);
  expect(addr).not.toBe(0);
  expect(mem.alloc(1)).toBe(0);
  mem.free(addr);
  expect(mem.alloc(1 << 20)).not.toBe(0);
  expect(mem.alloc(2 ** 40)).toBe(0);
});

test('values survive growth, and views are renewed', () => {
  const mem = new LinearMemory();
  const a = mem.alloc(16);
  mem.setU64(a, 0x0123456789abcdefn);
  const before = mem.view;
  const b = mem.alloc(8 << 20, 4096);
  expect(b % 4096).toBe(0);
  expect(mem.view === before).toBe(false);
  expect(mem.u64(a)).toBe(0x0123456789abcdefn);
  expect(mem.u32(a)).toBe(0x89abcdef);
  expect(mem.i32(a)).toBe(0x89abcdef | 0);
  mem.setLoHi(b, 1, -1);
  expect(mem.u64(b)).toBe(0xffffffff00000001n);
});

test('knows what lies inside', () => {
  const mem = new LinearMemory();
  expect(mem.isValid(0, 1)).toBe(false);
  expect(mem.isValid(NULL_PAGE - 1, 1)).toBe(false);
  expect(mem.isValid(NULL_PAGE, mem.size - NULL_PAGE)).toBe(true);
  expect(mem.isValid(NULL_PAGE, mem.size - NULL_PAGE + 1)).toBe(false);
  expect(mem.isValid(2 ** 32, 1)).toBe(false);
  expect(mem.isValid(Number.NaN, 1)).toBe(false);
});

test('moves, compares and refuses ranges that leave the memory', () => {
  const mem = new LinearMemory();
  const a = mem.alloc(32);
  mem.write(a, Uint8Array.of(1, 2, 3, 4, 5, 6));
  mem.copy(a + 2, a, 6);
  expect([...mem.read(a, 8)]).toEqual([1, 2, 1, 2, 3, 4, 5, 6]);
  expect(mem.equal(a, a + 2, 2)).toBe(true);
  expect(mem.equal(a, a + 2, 3)).toBe(false);
  expect(() => mem.bytes(mem.size - 1, 2)).toThrow(RangeError);
  expect(() => mem.copy(mem.size - 1, a, 2)).toThrow(RangeError);
  expect(() => mem.free(a + 16)).toThrow('not allocated');
});

test('finds room for large blocks of every size', () => {
  for (const size of [1 << 20, 4_202_496, 8_396_800, 16_785_408, 1 << 26]) {
    for (const align of [8, 64, 4096]) expect(new LinearMemory().alloc(size, align)).toBeGreaterThanOrEqual(NULL_PAGE);
  }
});
