/** Maps of the machine's kernel that are closed, changed or enormous while somebody reads them. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { BtfBuilder, parseBtf } from '../btf/index.ts';
import { openLinuxKernel } from '../linux/index.ts';
import type { Kernel } from '../sys/index.ts';
import { BPF_F_MMAPABLE } from '../uapi/generated/constants.ts';
import { BpfMap } from './index.ts';

describeKernel('maps under way', () => {
  let kernel: Kernel;
  beforeEach(async () => {
    kernel = await openLinuxKernel();
  });
  afterEach(() => kernel.close());
  const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);

  it('end an iteration with EBADF when they are closed, and go on elsewhere', async () => {
    for (const type of ['hash', 'lru_hash', 'array', 'percpu_hash', 'lpm_trie'] as const) {
      const trie = type === 'lpm_trie';
      const sizes = { keySize: trie ? 8 : 4, maxEntries: 20_000, flags: trie ? 1 : 0 };
      const map = await BpfMap.create(kernel, { type, ...sizes });
      const key = (n: number) => (trie ? new Uint8Array([32, 0, 0, 0, n >> 8, n & 255, 0, 0]) : n);
      await map.setMany(numbers(20_000).map((n) => [key(n), n]));
      let seen = 0;
      const reading = (async () => {
        for await (const _ of map.entries()) if (++seen === 10) await map.close();
      })();
      await expect(reading).rejects.toMatchObject({ code: 'EBADF' });
      expect(seen).toBeGreaterThanOrEqual(10);
      await expect(map.get(key(1))).rejects.toMatchObject({ code: 'EBADF' });
      await expect(map.set(key(1), 1)).rejects.toMatchObject({ code: 'EBADF' });
    }
  });

  it('never iterate without end, however they change', async () => {
    const map = await BpfMap.create(kernel, { type: 'hash', maxEntries: 1000 });
    await map.setMany(numbers(500).map((n) => [n, n]));
    let seen = 0;
    for await (const [key] of map.entries()) {
      seen++;
      await map.remove(key);
      await map.set(1000 + (seen % 500), seen);
    }
    expect(seen).toBeLessThan(20_000);
    seen = 0;
    for await (const key of map.keys()) {
      await map.remove(key);
      await map.set(5000 + (seen++ % 500), seen);
    }
    expect(seen).toBeLessThanOrEqual(2000);
  });

  it('hold values of megabytes, which are read a few at a time', async () => {
    const size = 3 << 20;
    const value = new Uint8Array(size).fill(7);
    for (const type of ['array', 'hash'] as const) {
      const map = await BpfMap.create(kernel, { type, valueSize: size, maxEntries: 3, flags: type === 'hash' ? 1 : 0 });
      for (const n of [0, 1, 2]) await map.set(n, value);
      let seen = 0;
      for await (const [, read] of map.entries()) {
        expect(read.length).toBe(size);
        expect(read.every((byte) => byte === 7)).toBe(true);
        seen++;
      }
      expect(seen).toBe(3);
      await map.close();
    }
  });

  it('keep their view when they are closed, which says EBADF when it is closed itself', async () => {
    const map = await BpfMap.create(kernel, { type: 'array', maxEntries: 8, flags: BPF_F_MMAPABLE });
    const view = await map.memory();
    const kept = view.bytes();
    view.set(3, 5);
    await map.close();
    expect(view.get(3)).toBe(5);
    expect(() => view.get(8)).toThrow(RangeError);
    expect(() => view.get(-1)).toThrow(RangeError);
    await view.close();
    expect(() => view.get(3)).toThrow('was closed (Bad file descriptor)');
    expect(() => view.set(3, 1)).toThrow('was closed (Bad file descriptor)');
    kept.fill(9); // what was kept is nobody's memory any more
    const other = await BpfMap.create(kernel, { type: 'array', maxEntries: 8, flags: BPF_F_MMAPABLE });
    const [again, second] = [await other.memory(), await other.memory()];
    again.set(1, 77);
    expect(second.get(1)).toBe(77);
    await kernel.close();
    expect(() => again.get(1)).toThrow('was closed');
  });

  it('in maps come and go, and each keeps its own', async () => {
    const inner = await BpfMap.create(kernel, { type: 'array', maxEntries: 4 });
    const outer = await BpfMap.create(kernel, { type: 'hash_of_maps', maxEntries: 4, inner });
    await inner.set(2, 42);
    await outer.set(1, inner);
    await inner.close();
    const found = (await outer.inner(1))!;
    expect(await found.get(2)).toBe(42);
    expect(await outer.inner(9)).toBeNull();
    const wrong = await BpfMap.create(kernel, { type: 'hash', maxEntries: 4 });
    await expect(outer.set(2, wrong)).rejects.toMatchObject({ code: 'EINVAL' });
    expect(await outer.delete(1)).toBe(true);
    expect(await found.get(2)).toBe(42);
    await found.close();
  });

  it('of CPUs give and take plain values by their types', async () => {
    const b = new BtfBuilder();
    const u32 = b.int('unsigned int', 4);
    const u64 = b.int('unsigned long long', 8);
    const key = b.struct('key', 8, [
      ['id', u32, 0],
      ['port', u32, 4],
    ]);
    const value = b.struct('value', 24, [
      ['count', u64, 0],
      ['sizes', b.array(u32, 3, u32), 8],
    ]);
    const btf = parseBtf(b.build());
    const sizes = { keySize: 8, valueSize: 24, maxEntries: 10 };
    const map = new BpfMap(kernel, (await BpfMap.create(kernel, { type: 'percpu_hash', ...sizes })).fd, {
      ...(await BpfMap.create(kernel, { type: 'percpu_hash', ...sizes })).shape,
      btf,
      keyTypeId: key,
      valueTypeId: value,
    });
    const perCpu = numbers(kernel.possibleCpus).map((cpu) => ({ count: BigInt(cpu) + 2n ** 63n, sizes: [cpu, 2, 3] }));
    await map.set({ id: 1, port: 80 }, perCpu);
    expect(await map.get({ id: 1, port: 80 })).toEqual(perCpu);
    expect(await map.get({ id: 1, port: 81 })).toBeNull();
    await map.setMany([[{ id: 2 }, { count: 5 }]]); // what is left out is zero; one value is for all
    const rest: unknown[] = [];
    for await (const record of map.records()) rest.push(record.key);
    expect(rest).toEqual(
      expect.arrayContaining([
        { id: 1, port: 80 },
        { id: 2, port: 0 },
      ]),
    );
    await expect(map.set({ id: -1 }, { count: 1 })).rejects.toThrow();
    await expect(map.set({ id: 1 }, { count: 2n ** 64n })).rejects.toThrow();
    await expect(map.set({ nobody: 1 }, { count: 1 })).rejects.toThrow(/nobody/);
  });
});
