import { expect, test } from 'vitest';
import { CodeWriter } from '../wasm/code.ts';
import { ModuleWriter } from '../wasm/module.ts';
import { ModuleCache } from './module-cache.ts';

/** A module whose one function is `size` bytes or so, all of them telling `n`. */
function moduleBytes(n: number, size = 10): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter();
  const fn = module.declare(module.type([], []), `f${n}`);
  const code = new CodeWriter(0);
  for (let i = 0; i < size; i += 3) code.i32(n & 31).op(0x1a);
  module.define(fn, code.finish());
  return module.finish().bytes as Uint8Array<ArrayBuffer>;
}

test('the same bytes are compiled once', () => {
  const cache = new ModuleCache();
  const first = cache.get(moduleBytes(1));
  expect(cache.get(moduleBytes(1))).toBe(first);
  expect(cache.get(moduleBytes(2))).not.toBe(first);
});

test('what was not asked for the longest goes first', () => {
  const cache = new ModuleCache();
  const [first, second] = [cache.get(moduleBytes(0)), cache.get(moduleBytes(1))];
  for (let n = 2; n < 65; n++) {
    cache.get(moduleBytes(0));
    cache.get(moduleBytes(n));
  }
  expect(cache.get(moduleBytes(0))).toBe(first);
  expect(cache.get(moduleBytes(1))).not.toBe(second);
});

test('large modules leave room for few', () => {
  const cache = new ModuleCache();
  const first = cache.get(moduleBytes(0, 600_000));
  cache.get(moduleBytes(1, 600_000));
  expect(cache.get(moduleBytes(0, 600_000))).not.toBe(first);
});
